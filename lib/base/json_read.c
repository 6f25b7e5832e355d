/* The reading half of base/json.h: json-c behind json_scan. A `struct json_node` is a json_object under another name.
 */
#include "base/json.h"

/* json-c has a type of this name, base/json.h a function. */
#define json_bool json_c_bool
#include <json-c/json.h>
#undef json_bool
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"

/*
 * json-c keeps the text of numbers with a fraction or an exponent, but clamps integers beyond 64 bits to the largest it
 * has. Long integers are therefore given to it with this mark at their end, which is taken off when they are read.
 */
static const char MARK[] = "e0";
enum { MARK_LENGTH = sizeof(MARK) - 1 };

struct json_doc {
    json_object *root;
};

static json_object *object_of(const struct json_node *v)
{
    return (json_object *)(uintptr_t)v; /* json-c's getters take no const, but change only caches */
}

static const struct json_node *node_of(json_object *o)
{
    return (const struct json_node *)o;
}

static bool malformed(struct err *err, size_t place, const char *fault)
{
    return err_set(err, ERR_MALFORMED_JSON, "The body is not valid JSON: %s (at byte %zu)", fault, place);
}

/* The same JSON with the long integers marked. */
static bool mark_long_integers(struct text t, size_t count, struct buf *out, struct err *err)
{
    buf_init(out, t.n + count * MARK_LENGTH);
    for (size_t at = 0, n; at < t.n; at += n) {
        struct text rest = text_slice(t, at, t.n);
        size_t integer_digits = 0;
        n = rest.p[0] == '"' ? json_scan_string(rest) : json_scan_number(rest, &integer_digits);
        if (n == 0)
            n = 1;
        buf_put(out, rest.p, n);
        if (integer_digits >= JSON_LONG_INTEGER_DIGITS)
            buf_put(out, MARK, MARK_LENGTH);
    }
    return !out->failed || err_set(err, ERR_NO_MEMORY, "No memory to read JSON");
}

static bool tokenize(json_tokener *tokener, struct text t, json_object **root, struct err *err)
{
    *root = json_tokener_parse_ex(tokener, t.p, (int)t.n);
    enum json_tokener_error e = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    /* A number at the very end could go on: white space ends it. */
    if (e == json_tokener_continue) {
        *root = json_tokener_parse_ex(tokener, " ", 1);
        e = json_tokener_get_error(tokener);
        end = t.n;
    }
    if (e == json_tokener_success && json_scan_blank(t, end))
        return true;
    json_object_put(*root);
    *root = NULL;
    if (e == json_tokener_continue)
        return malformed(err, t.n, "it ends too early");
    return malformed(err, end, "its structure is broken");
}

static struct json_doc *doc_new(struct text t, struct err *err)
{
    /*
     * The scan has counted the depth; json-c counts a level more. JSON_TOKENER_STRICT is of no use: version 0.18 takes
     * the bytes of UTF-8 for control characters then, and the scan has refused what the flag is for.
     */
    json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
    struct json_doc *doc = calloc(1, sizeof(*doc));
    if (!tokener || !doc) {
        err_set(err, ERR_NO_MEMORY, "No memory to read JSON");
    } else {
        if (tokenize(tokener, t, &doc->root, err)) {
            json_tokener_free(tokener);
            return doc;
        }
    }
    if (tokener)
        json_tokener_free(tokener);
    free(doc);
    return NULL;
}

struct json_doc *json_parse(struct text t, struct err *err)
{
    struct json_scan scan;
    if (t.n > INT_MAX / 4) {
        err_set(err, ERR_PAYLOAD_TOO_LARGE, "The JSON text is too large");
        return NULL;
    }
    if (!t.p || t.n == 0) {
        malformed(err, 0, "it is empty");
        return NULL;
    }
    if (!text_is_utf8(t)) {
        err_set(err, ERR_MALFORMED_JSON, "The body is not valid UTF-8");
        return NULL;
    }
    if (!json_scan(t, JSON_DEPTH_MAX, &scan)) {
        malformed(err, scan.place, scan.fault);
        return NULL;
    }
    if (scan.long_integers == 0)
        return doc_new(t, err);
    struct buf marked;
    bool ok = mark_long_integers(t, scan.long_integers, &marked, err);
    struct json_doc *doc = ok ? doc_new(buf_view(&marked), err) : NULL;
    buf_release(&marked);
    return doc;
}

void json_doc_free(struct json_doc *doc)
{
    if (!doc)
        return;
    json_object_put(doc->root);
    free(doc);
}

const struct json_node *json_root(const struct json_doc *doc)
{
    return node_of(doc->root);
}

enum json_kind json_kind(const struct json_node *v)
{
    switch (json_object_get_type(object_of(v))) {
    case json_type_boolean: return JSON_BOOL;
    case json_type_double:
    case json_type_int: return JSON_NUMBER;
    case json_type_string: return JSON_TEXT;
    case json_type_array: return JSON_ARRAY;
    case json_type_object: return JSON_OBJECT;
    case json_type_null: break;
    }
    return JSON_NULL;
}

bool json_get(const struct json_node *v, const char *key, const struct json_node **value)
{
    json_object *found = NULL;
    if (json_kind(v) != JSON_OBJECT || !json_object_object_get_ex(object_of(v), key, &found))
        return false;
    *value = node_of(found);
    return true;
}

size_t json_count(const struct json_node *v)
{
    switch (json_kind(v)) {
    case JSON_ARRAY: return json_object_array_length(object_of(v));
    case JSON_OBJECT: return (size_t)json_object_object_length(object_of(v));
    default: return 0;
    }
}

const struct json_node *json_at(const struct json_node *array, size_t i)
{
    return i < json_count(array) && json_kind(array) == JSON_ARRAY
               ? node_of(json_object_array_get_idx(object_of(array), i))
               : NULL;
}

bool json_member(const struct json_node *object, size_t i, struct text *key, const struct json_node **value)
{
    if (json_kind(object) != JSON_OBJECT)
        return false;
    struct json_object_iterator at = json_object_iter_begin(object_of(object));
    struct json_object_iterator end = json_object_iter_end(object_of(object));
    for (; i > 0 && !json_object_iter_equal(&at, &end); i--)
        json_object_iter_next(&at);
    if (json_object_iter_equal(&at, &end))
        return false;
    *key = text_of(json_object_iter_peek_name(&at));
    *value = node_of(json_object_iter_peek_value(&at));
    return true;
}

static struct text unmark(struct text t)
{
    size_t digits = 0;
    struct text bare = text_slice(t, 0, t.n > MARK_LENGTH ? t.n - MARK_LENGTH : 0);
    bool marked = t.n > MARK_LENGTH && memcmp(t.p + bare.n, MARK, MARK_LENGTH) == 0;
    if (marked && json_scan_number(bare, &digits) == bare.n && digits >= JSON_LONG_INTEGER_DIGITS)
        return bare;
    return t;
}

struct text json_as_text(const struct json_node *v)
{
    json_object *o = object_of(v);
    switch (json_kind(v)) {
    case JSON_TEXT: return (struct text){json_object_get_string(o), (size_t)json_object_get_string_len(o)};
    case JSON_NUMBER: return unmark(text_of(json_object_get_string(o)));
    default: return TEXT_NONE;
    }
}

bool json_as_bool(const struct json_node *v)
{
    return json_kind(v) == JSON_BOOL && json_object_get_boolean(object_of(v));
}

struct text json_get_text(const struct json_node *v, const char *key)
{
    const struct json_node *value = NULL;
    return json_get(v, key, &value) && json_kind(value) == JSON_TEXT ? json_as_text(value) : TEXT_NONE;
}

int64_t json_get_int(const struct json_node *v, const char *key, int64_t otherwise)
{
    const struct json_node *value = NULL;
    int64_t number;
    if (json_get(v, key, &value) && json_kind(value) == JSON_NUMBER && text_to_int64(json_as_text(value), &number))
        return number;
    return otherwise;
}
