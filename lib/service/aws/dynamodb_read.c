#include "service/aws/dynamodb.h"

#include "service/aws/dynamodb_internal.h"

enum { BATCH_MAX = 100 };

/* ---- one ---- */

bool dynamodb_get(struct dynamodb *d, const char *table, struct text id, struct arena *mem, struct dynamodb_item *item,
                  bool *found, struct err *err)
{
    AUTO(dynamodb_call) struct dynamodb_call c;
    if (!dynamodb_call_begin(&c, d, "GetItem", err))
        return false;
    json_put_str(&c.json, "TableName", table);
    dynamodb_put_key(&c.json, "Key", id);
    json_put_bool(&c.json, "ConsistentRead", true);
    if (!dynamodb_call_run(&c, err))
        return false;
    AUTO(json_doc) struct json_doc *doc = dynamodb_parse(c.answer.body, err);
    if (!doc)
        return false;
    const struct json_node *there = dynamodb_member(json_root(doc), "Item");
    *found = there != NULL;
    return !there || dynamodb_read_item(there, mem, item, err);
}

/* ---- some ---- */

static void put_keys(struct json_out *j, const char *table, const struct text *ids, size_t n, const bool *done)
{
    json_key(j, "RequestItems");
    json_begin_object(j);
    json_key(j, table);
    json_begin_object(j);
    json_put_bool(j, "ConsistentRead", true);
    json_key(j, "Keys");
    json_begin_array(j);
    for (size_t i = 0; i < n; i++) {
        const struct dynamodb_attr key = DYNAMODB_S("id", ids[i]);
        if (done[i])
            continue;
        json_begin_object(j);
        dynamodb_put_attrs(j, &key, 1);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
    json_end_object(j);
}

static size_t mark_unprocessed(const struct json_node *keys, const struct text *ids, size_t n, bool *done)
{
    bool named[BATCH_MAX] = {false};
    size_t left = 0;
    for (size_t i = 0; keys && json_kind(keys) == JSON_ARRAY && i < json_count(keys); i++)
        for (size_t k = 0; k < n; k++)
            named[k] |= !done[k] && text_eq(ids[k], dynamodb_read_id(json_at(keys, i)));
    for (size_t k = 0; k < n; k++) {
        done[k] = !named[k];
        left += named[k];
    }
    return left;
}

static bool get_part(struct dynamodb *d, const char *table, const struct text *ids, size_t n, struct arena *mem,
                     struct dynamodb_item *items, size_t *count, struct err *err)
{
    AUTO(dynamodb_call) struct dynamodb_call c;
    bool done[BATCH_MAX] = {false};
    size_t got = 0;
    if (!dynamodb_call_begin(&c, d, "BatchGetItem", err))
        return false;
    for (;;) {
        put_keys(&c.json, table, ids, n, done);
        if (!dynamodb_call_run(&c, err))
            return false;
        AUTO(json_doc) struct json_doc *doc = dynamodb_parse(c.answer.body, err);
        if (!doc)
            return false;
        const struct json_node *root = json_root(doc);
        if (!dynamodb_read_items(dynamodb_member(dynamodb_member(root, "Responses"), table), mem, items, n, &got, err))
            return false;
        const struct json_node *rest = dynamodb_member(dynamodb_member(root, "UnprocessedKeys"), table);
        if (mark_unprocessed(dynamodb_member(rest, "Keys"), ids, n, done) == 0)
            break;
        c.tries++;
        if (!dynamodb_call_pause(&c)) {
            err_set(err, ERR_UNAVAILABLE, "An outside service did not give everything in time");
            return err_cause(err, "dynamodb.BatchGetItem: keys stay unprocessed");
        }
        dynamodb_call_again(&c);
    }
    *count += got;
    return true;
}

bool dynamodb_get_many(struct dynamodb *d, const char *table, const struct text *ids, size_t n, struct arena *mem,
                       struct dynamodb_item *items, size_t *count, struct err *err)
{
    size_t all = 0;
    for (size_t from = 0; from < n; from += BATCH_MAX) {
        size_t part = n - from < BATCH_MAX ? n - from : BATCH_MAX;
        if (!get_part(d, table, ids + from, part, mem, items + all, &all, err))
            return false;
    }
    *count = all;
    return true;
}

/* ---- an index ---- */

static void put_query(struct json_out *j, const struct dynamodb_query *q)
{
    json_put_str(j, "TableName", q->table);
    json_put_str(j, "IndexName", q->index);
    json_put_str(j, "KeyConditionExpression", q->key);
    json_key(j, "ExpressionAttributeValues");
    json_begin_object(j);
    dynamodb_put_attrs(j, q->values, q->value_count);
    json_end_object(j);
    if (q->projection)
        json_put_str(j, "ProjectionExpression", q->projection);
    json_put_bool(j, "ScanIndexForward", !q->newest_first);
    json_put_int(j, "Limit", (int64_t)q->limit);
    if (q->start) {
        json_key(j, "ExclusiveStartKey");
        json_begin_object(j);
        dynamodb_put_attrs(j, q->start, q->start_count);
        json_end_object(j);
    }
}

static bool read_page(const struct json_node *root, size_t limit, struct arena *mem, struct dynamodb_page *page,
                      struct err *err)
{
    struct dynamodb_page p = {.items = arena_array(mem, limit, sizeof(*p.items))};
    if (!p.items)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for DynamoDB's items");
    const struct json_node *last = dynamodb_member(root, "LastEvaluatedKey");
    if (!dynamodb_read_items(dynamodb_member(root, "Items"), mem, p.items, limit, &p.count, err) ||
        (last && !dynamodb_read_item(last, mem, &p.last, err)))
        return false;
    p.more = last != NULL;
    *page = p;
    return true;
}

bool dynamodb_query(struct dynamodb *d, const struct dynamodb_query *query, struct arena *mem,
                    struct dynamodb_page *page, struct err *err)
{
    if (query->limit == 0)
        return err_set(err, ERR_INTERNAL, "A query of DynamoDB lacks its limit");
    AUTO(dynamodb_call) struct dynamodb_call c;
    if (!dynamodb_call_begin(&c, d, "Query", err))
        return false;
    put_query(&c.json, query);
    if (!dynamodb_call_run(&c, err))
        return false;
    AUTO(json_doc) struct json_doc *doc = dynamodb_parse(c.answer.body, err);
    if (!doc)
        return false;
    dynamodb_count(d, json_get_int(json_root(doc), "ScannedCount", 0));
    return read_page(json_root(doc), query->limit, mem, page, err);
}
