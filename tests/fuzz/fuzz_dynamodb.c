/* Answers of DynamoDB: whatever comes, it is read or refused, and no more items than asked. */
#include "fuzz.h"

#include "service/aws/dynamodb_internal.h"

static void check_item(const struct dynamodb_item *item)
{
    for (size_t i = 0; i < item->count; i++) {
        CHECK(item->attrs[i].name);
        CHECK(item->attrs[i].kind == DYNAMODB_NUMBER || item->attrs[i].s.p);
    }
    dynamodb_text(item, "id");
    dynamodb_int(item, "n", 0);
}

static void check_items(const struct json_node *root, struct arena *mem)
{
    struct dynamodb_item items[3];
    size_t count = 0;
    struct err err = {0};
    if (!dynamodb_read_items(dynamodb_member(root, "Items"), mem, items, ARRAY_LEN(items), &count, &err))
        CHECK(err.code == ERR_UNAVAILABLE || err.code == ERR_NO_MEMORY);
    CHECK(count <= ARRAY_LEN(items));
    for (size_t i = 0; i < count; i++)
        check_item(&items[i]);
    dynamodb_read_id(dynamodb_member(root, "Key"));
}

static void check_reasons(struct text t)
{
    struct dynamodb_write writes[2] = {{.table = "t"}, {.table = "t"}};
    dynamodb_read_reasons(t, writes, ARRAY_LEN(writes));
    for (size_t i = 0; i < ARRAY_LEN(writes); i++)
        CHECK(memchr(writes[i].reason, '\0', sizeof writes[i].reason));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = fuzz_copy(data, size);
    struct arena *mem = fuzz_arena();
    struct err err = {0};
    struct json_doc *doc = dynamodb_parse(t, &err);
    if (doc)
        check_items(json_root(doc), mem);
    else
        CHECK(err.code == ERR_UNAVAILABLE || err.code == ERR_NO_MEMORY);
    json_doc_free(doc);
    check_reasons(t);
    dynamodb_crc_fits(t, t);
    fuzz_free(t);
    return 0;
}
