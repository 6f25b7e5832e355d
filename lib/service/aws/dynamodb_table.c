/* Making tables and indexes, and looking at what is there. */
#include "service/aws/dynamodb.h"

#include "service/aws/dynamodb_internal.h"

#include <string.h>

/* ---- requests ---- */

static void put_definition(struct json_out *j, const char *name, enum dynamodb_kind kind)
{
    json_begin_object(j);
    json_put_str(j, "AttributeName", name);
    json_put_str(j, "AttributeType", kind == DYNAMODB_STRING ? "S" : "N");
    json_end_object(j);
}

/* "id" and the index's keys, each once. */
static void put_definitions(struct json_out *j, const struct dynamodb_index *index)
{
    json_key(j, "AttributeDefinitions");
    json_begin_array(j);
    put_definition(j, "id", DYNAMODB_STRING);
    put_definition(j, index->hash, index->hash_kind);
    if (strcmp(index->range, "id") != 0)
        put_definition(j, index->range, index->range_kind);
    json_end_array(j);
}

static void put_schema_row(struct json_out *j, const char *name, const char *type)
{
    json_begin_object(j);
    json_put_str(j, "AttributeName", name);
    json_put_str(j, "KeyType", type);
    json_end_object(j);
}

static void put_schema(struct json_out *j, const char *hash, const char *range)
{
    json_key(j, "KeySchema");
    json_begin_array(j);
    put_schema_row(j, hash, "HASH");
    if (range)
        put_schema_row(j, range, "RANGE");
    json_end_array(j);
}

static void put_index(struct json_out *j, const struct dynamodb_index *index)
{
    json_begin_object(j);
    json_put_str(j, "IndexName", index->name);
    put_schema(j, index->hash, index->range);
    json_key(j, "Projection");
    json_begin_object(j);
    json_put_str(j, "ProjectionType", "ALL");
    json_end_object(j);
    json_end_object(j);
}

/* Runs a request that makes something; `done_code` tells that it is there or being made. */
static bool run_making(struct dynamodb_call *c, const char *done_code, struct err *err)
{
    struct err why = {0};
    if (dynamodb_call_run(c, &why) || strcmp(c->answer.code, done_code) == 0)
        return true;
    *err = why;
    return false;
}

bool dynamodb_create_table(struct dynamodb *d, const struct dynamodb_table *table, struct err *err)
{
    AUTO(dynamodb_call) struct dynamodb_call c;
    if (!dynamodb_call_begin(&c, d, "CreateTable", err))
        return false;
    json_put_str(&c.json, "TableName", table->name);
    json_put_str(&c.json, "BillingMode", "PAY_PER_REQUEST");
    put_schema(&c.json, "id", NULL);
    put_definitions(&c.json, &table->index);
    json_key(&c.json, "GlobalSecondaryIndexes");
    json_begin_array(&c.json);
    put_index(&c.json, &table->index);
    json_end_array(&c.json);
    return run_making(&c, "ResourceInUseException", err);
}

bool dynamodb_create_index(struct dynamodb *d, const struct dynamodb_table *table, struct err *err)
{
    AUTO(dynamodb_call) struct dynamodb_call c;
    if (!dynamodb_call_begin(&c, d, "UpdateTable", err))
        return false;
    json_put_str(&c.json, "TableName", table->name);
    put_definitions(&c.json, &table->index);
    json_key(&c.json, "GlobalSecondaryIndexUpdates");
    json_begin_array(&c.json);
    json_begin_object(&c.json);
    json_key(&c.json, "Create");
    put_index(&c.json, &table->index);
    json_end_object(&c.json);
    json_end_array(&c.json);
    return run_making(&c, "ResourceInUseException", err);
}

bool dynamodb_set_ttl(struct dynamodb *d, const struct dynamodb_table *table, struct err *err)
{
    AUTO(dynamodb_call) struct dynamodb_call c;
    if (!dynamodb_call_begin(&c, d, "UpdateTimeToLive", err))
        return false;
    json_put_str(&c.json, "TableName", table->name);
    json_key(&c.json, "TimeToLiveSpecification");
    json_begin_object(&c.json);
    json_put_str(&c.json, "AttributeName", table->ttl);
    json_put_bool(&c.json, "Enabled", true);
    json_end_object(&c.json);
    return dynamodb_call_run(&c, err);
}

/* ---- what is there ---- */

static struct text text_at(const struct json_node *object, const char *name)
{
    return object && json_kind(object) == JSON_OBJECT ? json_get_text(object, name) : TEXT_NONE;
}

static bool schema_has(const struct json_node *schema, const char *name, const char *type)
{
    for (size_t i = 0; schema && json_kind(schema) == JSON_ARRAY && i < json_count(schema); i++) {
        const struct json_node *row = json_at(schema, i);
        if (text_eq(text_at(row, "AttributeName"), text_of(name)) && text_eq(text_at(row, "KeyType"), text_of(type)))
            return true;
    }
    return false;
}

static void read_index(const struct json_node *row, const struct dynamodb_index *index, struct dynamodb_state *s)
{
    const struct json_node *schema = dynamodb_member(row, "KeySchema");
    s->index_exists = schema_has(schema, index->hash, "HASH") && schema_has(schema, index->range, "RANGE");
    s->index_differs = !s->index_exists;
    s->index_active = s->index_exists && text_eq(text_at(row, "IndexStatus"), TEXT("ACTIVE"));
}

static void read_state(const struct json_node *described, const struct dynamodb_index *index, struct dynamodb_state *s)
{
    const struct json_node *list = dynamodb_member(described, "GlobalSecondaryIndexes");
    s->exists = true;
    s->active = text_eq(text_at(described, "TableStatus"), TEXT("ACTIVE"));
    for (size_t i = 0; list && json_kind(list) == JSON_ARRAY && i < json_count(list); i++)
        if (text_eq(text_at(json_at(list, i), "IndexName"), text_of(index->name)))
            read_index(json_at(list, i), index, s);
}

bool dynamodb_describe(struct dynamodb *d, const struct dynamodb_table *table, struct dynamodb_state *state,
                       struct err *err)
{
    AUTO(dynamodb_call) struct dynamodb_call c;
    struct err why = {0};
    if (!dynamodb_call_begin(&c, d, "DescribeTable", err))
        return false;
    json_put_str(&c.json, "TableName", table->name);
    *state = (struct dynamodb_state){0};
    if (!dynamodb_call_run(&c, &why)) {
        if (strcmp(c.answer.code, "ResourceNotFoundException") == 0)
            return true;
        *err = why;
        return false;
    }
    AUTO(json_doc) struct json_doc *doc = dynamodb_parse(c.answer.body, err);
    if (doc)
        read_state(dynamodb_member(json_root(doc), "Table"), &table->index, state);
    return doc != NULL;
}

bool dynamodb_describe_ttl(struct dynamodb *d, const struct dynamodb_table *table, struct dynamodb_state *state,
                           struct err *err)
{
    AUTO(dynamodb_call) struct dynamodb_call c;
    if (!dynamodb_call_begin(&c, d, "DescribeTimeToLive", err))
        return false;
    json_put_str(&c.json, "TableName", table->name);
    if (!dynamodb_call_run(&c, err))
        return false;
    AUTO(json_doc) struct json_doc *doc = dynamodb_parse(c.answer.body, err);
    if (!doc)
        return false;
    const struct json_node *told = dynamodb_member(json_root(doc), "TimeToLiveDescription");
    struct text status = text_at(told, "TimeToLiveStatus");
    state->ttl_on = text_eq(text_at(told, "AttributeName"), text_of(table->ttl)) &&
                    (text_eq(status, TEXT("ENABLED")) || text_eq(status, TEXT("ENABLING")));
    return true;
}
