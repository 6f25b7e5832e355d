#include "service/aws/dynamodb.h"

#include "service/aws/dynamodb_internal.h"

#include <string.h>

enum { BATCH_MAX = 25 };

/* ---- one write as JSON ---- */

static void put_item(struct json_out *j, const struct dynamodb_write *w)
{
    const struct dynamodb_attr key = DYNAMODB_S("id", w->id);
    json_key(j, "Item");
    json_begin_object(j);
    dynamodb_put_attrs(j, &key, 1);
    dynamodb_put_attrs(j, w->item, w->item_count);
    json_end_object(j);
}

/* The members of PutItem, UpdateItem, DeleteItem, and of their forms in a transaction. */
static void put_write(struct json_out *j, const struct dynamodb_write *w)
{
    json_put_str(j, "TableName", w->table);
    if (w->verb == DYNAMODB_PUT)
        put_item(j, w);
    else
        dynamodb_put_key(j, "Key", w->id);
    if (w->verb == DYNAMODB_UPDATE)
        json_put_str(j, "UpdateExpression", w->update);
    if (w->condition)
        json_put_str(j, "ConditionExpression", w->condition);
    if (w->value_count > 0) {
        json_key(j, "ExpressionAttributeValues");
        json_begin_object(j);
        dynamodb_put_attrs(j, w->values, w->value_count);
        json_end_object(j);
    }
}

bool dynamodb_write(struct dynamodb *d, struct dynamodb_write *write, struct err *err)
{
    static const char *const ACTIONS[] = {
        [DYNAMODB_PUT] = "PutItem", [DYNAMODB_UPDATE] = "UpdateItem", [DYNAMODB_DELETE] = "DeleteItem"};
    AUTO(dynamodb_call) struct dynamodb_call c;
    if (!dynamodb_call_begin(&c, d, ACTIONS[write->verb], err))
        return false;
    put_write(&c.json, write);
    return dynamodb_call_run(&c, err);
}

/* ---- all or nothing ---- */

static void put_transaction(struct json_out *j, const struct dynamodb_write *writes, size_t n, const char *token)
{
    static const char *const NAMES[] = {
        [DYNAMODB_PUT] = "Put", [DYNAMODB_UPDATE] = "Update", [DYNAMODB_DELETE] = "Delete"};
    json_put_str(j, "ClientRequestToken", token);
    json_key(j, "TransactItems");
    json_begin_array(j);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(j);
        json_key(j, NAMES[writes[i].verb]);
        json_begin_object(j);
        put_write(j, &writes[i]);
        json_end_object(j);
        json_end_object(j);
    }
    json_end_array(j);
}

/* True when the transaction may be sent again; else *err says how it ended. */
static bool transaction_again(struct dynamodb_call *c, struct dynamodb_write *writes, size_t n, struct err *err)
{
    if (strcmp(c->answer.code, "IdempotentParameterMismatchException") == 0)
        return err_set(err, ERR_DUPLICATE, "Something else was written under this token");
    if (strcmp(c->answer.code, "TransactionCanceledException") != 0)
        return false;
    switch (dynamodb_read_reasons(c->answer.body, writes, n)) {
    case DYNAMODB_CANCEL_CONDITION: err->code = ERR_CONFLICT; return false;
    case DYNAMODB_CANCEL_TRANSIENT: err->code = ERR_UNAVAILABLE; return dynamodb_call_pause(c);
    case DYNAMODB_CANCEL_WRONG: break;
    }
    return false;
}

bool dynamodb_transact(struct dynamodb *d, struct dynamodb_write *writes, size_t n, const char *token, struct err *err)
{
    if (n == 0 || n > DYNAMODB_TRANSACTION_MAX || !*token || strlen(token) > DYNAMODB_TOKEN_MAX)
        return err_set(err, ERR_INTERNAL, "A transaction of DynamoDB has a wrong size or token");
    AUTO(dynamodb_call) struct dynamodb_call c;
    if (!dynamodb_call_begin(&c, d, "TransactWriteItems", err))
        return false;
    for (;;) {
        struct err why = {0};
        put_transaction(&c.json, writes, n, token);
        if (dynamodb_call_run(&c, &why))
            return true;
        if (!transaction_again(&c, writes, n, &why)) {
            *err = why;
            return false;
        }
        dynamodb_call_again(&c);
    }
}

/* ---- many ---- */

static void put_batch(struct json_out *j, const struct dynamodb_write *writes, size_t n, const bool *done)
{
    json_key(j, "RequestItems");
    json_begin_object(j);
    json_key(j, writes[0].table);
    json_begin_array(j);
    for (size_t i = 0; i < n; i++) {
        if (done[i])
            continue;
        json_begin_object(j);
        json_key(j, writes[i].verb == DYNAMODB_PUT ? "PutRequest" : "DeleteRequest");
        json_begin_object(j);
        if (writes[i].verb == DYNAMODB_PUT)
            put_item(j, &writes[i]);
        else
            dynamodb_put_key(j, "Key", writes[i].id);
        json_end_object(j);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

static struct text unprocessed_id(const struct json_node *request)
{
    const struct json_node *put = dynamodb_member(request, "PutRequest");
    return put ? dynamodb_read_id(dynamodb_member(put, "Item"))
               : dynamodb_read_id(dynamodb_member(dynamodb_member(request, "DeleteRequest"), "Key"));
}

/* Marks as done what the answer does not name; *left: how many remain. */
static bool read_unprocessed(struct text body, const struct dynamodb_write *writes, size_t n, bool *done, size_t *left,
                             struct err *err)
{
    AUTO(json_doc) struct json_doc *doc = dynamodb_parse(body, err);
    if (!doc)
        return false;
    const struct json_node *list =
        dynamodb_member(dynamodb_member(json_root(doc), "UnprocessedItems"), writes[0].table);
    bool named[BATCH_MAX] = {false};
    *left = 0;
    for (size_t i = 0; list && json_kind(list) == JSON_ARRAY && i < json_count(list); i++) {
        struct text id = unprocessed_id(json_at(list, i));
        for (size_t k = 0; k < n; k++)
            named[k] |= !done[k] && text_eq(writes[k].id, id);
    }
    for (size_t k = 0; k < n; k++) {
        done[k] = !named[k];
        *left += named[k];
    }
    return true;
}

static bool write_part(struct dynamodb *d, const struct dynamodb_write *writes, size_t n, struct err *err)
{
    AUTO(dynamodb_call) struct dynamodb_call c;
    bool done[BATCH_MAX] = {false};
    size_t left;
    if (!dynamodb_call_begin(&c, d, "BatchWriteItem", err))
        return false;
    for (;;) {
        put_batch(&c.json, writes, n, done);
        if (!dynamodb_call_run(&c, err) || !read_unprocessed(c.answer.body, writes, n, done, &left, err))
            return false;
        if (left == 0)
            return true;
        c.tries++;
        if (!dynamodb_call_pause(&c)) {
            err_set(err, ERR_UNAVAILABLE, "An outside service did not take everything in time");
            return err_cause(err, "dynamodb.BatchWriteItem: %zu items stay unprocessed", left);
        }
        dynamodb_call_again(&c);
    }
}

bool dynamodb_write_many(struct dynamodb *d, const struct dynamodb_write *writes, size_t n, struct err *err)
{
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && to - from < BATCH_MAX && strcmp(writes[to].table, writes[from].table) == 0;)
            to++;
        if (!write_part(d, writes + from, to - from, err))
            return false;
    }
    return true;
}
