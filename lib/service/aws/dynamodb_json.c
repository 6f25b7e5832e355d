/* DynamoDB's typed JSON, both ways, and what its error answers mean. Pure. */
#include "service/aws/dynamodb_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- out ---- */

void dynamodb_put_value(struct json_out *j, const struct dynamodb_attr *a)
{
    char number[24];
    json_begin_object(j);
    if (a->kind == DYNAMODB_STRING) {
        json_put_text(j, "S", a->s.p ? a->s : TEXT(""));
    } else {
        snprintf(number, sizeof(number), "%" PRId64, a->n);
        json_put_str(j, "N", number);
    }
    json_end_object(j);
}

void dynamodb_put_attrs(struct json_out *j, const struct dynamodb_attr *attrs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_key(j, attrs[i].name);
        dynamodb_put_value(j, &attrs[i]);
    }
}

void dynamodb_put_key(struct json_out *j, const char *name, struct text id)
{
    const struct dynamodb_attr key = DYNAMODB_S("id", id);
    json_key(j, name);
    json_begin_object(j);
    dynamodb_put_attrs(j, &key, 1);
    json_end_object(j);
}

/* ---- in ---- */

/* CRC-32 of ISO 3309, as zlib's. */
static uint32_t crc32_of(struct text t)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < t.n; i++) {
        crc ^= (unsigned char)t.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (UINT32_C(0xEDB88320) & (0 - (crc & 1)));
    }
    return ~crc;
}

bool dynamodb_crc_fits(struct text body, struct text crc32)
{
    int64_t told;
    return !crc32.p || (text_to_int64(crc32, &told) && told == (int64_t)crc32_of(body));
}

static bool unreadable(const char *what, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "DynamoDB's answer could not be read");
    return err_cause(err, "dynamodb: %s", what);
}

struct json_doc *dynamodb_parse(struct text body, struct err *err)
{
    struct err why = {0};
    struct json_doc *doc = json_parse(body, &why);
    if (doc && json_kind(json_root(doc)) == JSON_OBJECT)
        return doc;
    json_doc_free(doc);
    if (why.code == ERR_NO_MEMORY)
        *err = why;
    else
        unreadable("the answer is not a JSON object", err);
    return NULL;
}

const struct json_node *dynamodb_member(const struct json_node *object, const char *name)
{
    const struct json_node *value = NULL;
    return object && json_kind(object) == JSON_OBJECT && json_get(object, name, &value) ? value : NULL;
}

struct text dynamodb_read_id(const struct json_node *key)
{
    const struct json_node *id = dynamodb_member(key, "id");
    return id && json_kind(id) == JSON_OBJECT ? json_get_text(id, "S") : TEXT_NONE;
}

/* *known false for a kind that is not read. False without memory. */
static bool read_attr(struct text name, const struct json_node *value, struct arena *mem, struct dynamodb_attr *out,
                      bool *known)
{
    const struct json_node *s = dynamodb_member(value, "S"), *n = dynamodb_member(value, "N");
    *out = (struct dynamodb_attr){.kind = s ? DYNAMODB_STRING : DYNAMODB_NUMBER};
    *known = s || (n && text_to_int64(json_as_text(n), &out->n));
    if (!*known)
        return true;
    if (s && !(out->s = arena_text(mem, json_as_text(s))).p)
        return false;
    return (out->name = arena_text(mem, name).p) != NULL;
}

bool dynamodb_read_item(const struct json_node *object, struct arena *mem, struct dynamodb_item *out, struct err *err)
{
    if (!object || json_kind(object) != JSON_OBJECT)
        return unreadable("an item is not an object", err);
    size_t n = json_count(object), count = 0;
    struct dynamodb_attr *attrs = arena_array(mem, n ? n : 1, sizeof(*attrs));
    struct text name;
    const struct json_node *value;
    bool ok = attrs != NULL, known;
    for (size_t i = 0; ok && json_member(object, i, &name, &value); i++) {
        ok = read_attr(name, value, mem, &attrs[count], &known);
        count += ok && known;
    }
    if (!ok)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for DynamoDB's items");
    *out = (struct dynamodb_item){attrs, count};
    return true;
}

bool dynamodb_read_items(const struct json_node *list, struct arena *mem, struct dynamodb_item *out, size_t max,
                         size_t *count, struct err *err)
{
    if (list && json_kind(list) != JSON_ARRAY)
        return unreadable("the items are not an array", err);
    for (size_t i = 0; i < json_count(list); i++) {
        if (*count == max)
            return unreadable("there are more items than asked for", err);
        if (!dynamodb_read_item(json_at(list, i), mem, &out[*count], err))
            return false;
        ++*count;
    }
    return true;
}

static const struct dynamodb_attr *find(const struct dynamodb_item *item, const char *name)
{
    for (size_t i = 0; i < item->count; i++)
        if (strcmp(item->attrs[i].name, name) == 0)
            return &item->attrs[i];
    return NULL;
}

struct text dynamodb_text(const struct dynamodb_item *item, const char *name)
{
    const struct dynamodb_attr *a = find(item, name);
    return a && a->kind == DYNAMODB_STRING ? a->s : TEXT_NONE;
}

int64_t dynamodb_int(const struct dynamodb_item *item, const char *name, int64_t otherwise)
{
    const struct dynamodb_attr *a = find(item, name);
    return a && a->kind == DYNAMODB_NUMBER ? a->n : otherwise;
}

/* ---- errors ---- */

static bool is_one_of(struct text code, const char *const *codes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text_eq(code, text_of(codes[i])))
            return true;
    return false;
}

bool dynamodb_is_transient(const struct aws_answer *a)
{
    static const char *const CODES[] = {"LimitExceededException",
                                        "ProvisionedThroughputExceededException",
                                        "RequestLimitExceeded",
                                        "ThrottlingException",
                                        "Throttling",
                                        "TransactionConflictException",
                                        "TransactionInProgressException"};
    return a->status >= 500 || a->status == 429 || is_one_of(text_of(a->code), CODES, ARRAY_LEN(CODES));
}

/* A condition that fails beats a conflict: trying again would not help. */
enum dynamodb_cancel dynamodb_read_reasons(struct text body, struct dynamodb_write *writes, size_t n)
{
    static const char *const HEALED_BY_TIME[] = {"TransactionConflict", "ThrottlingError",
                                                 "ProvisionedThroughputExceeded"};
    struct err why = {0};
    AUTO(json_doc) struct json_doc *doc = dynamodb_parse(body, &why);
    const struct json_node *list = doc ? dynamodb_member(json_root(doc), "CancellationReasons") : NULL;
    bool condition = false, transient = false;
    for (size_t i = 0; list && json_kind(list) == JSON_ARRAY && i < json_count(list) && i < n; i++) {
        const struct json_node *reason = json_at(list, i);
        struct text code = reason && json_kind(reason) == JSON_OBJECT ? json_get_text(reason, "Code") : TEXT_NONE;
        snprintf(writes[i].reason, sizeof(writes[i].reason), "%.*s", TEXT_ARG(code));
        condition |= text_eq(code, TEXT("ConditionalCheckFailed"));
        transient |= is_one_of(code, HEALED_BY_TIME, ARRAY_LEN(HEALED_BY_TIME));
    }
    return condition ? DYNAMODB_CANCEL_CONDITION : transient ? DYNAMODB_CANCEL_TRANSIENT : DYNAMODB_CANCEL_WRONG;
}
