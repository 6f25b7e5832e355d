/* DynamoDB's client against scripted answers: what it sends, when it tries again, and what it makes of errors. */
#include "service/aws/dynamodb.h"

#include "check.h"
#include "lib/service/fake_http.h"

#include "base/clock.h"
#include "base/json.h"
#include "service/aws/credentials.h"
#include "service/http.h"

enum { LONG_MS = 20000, SHORT_MS = 250 };

#define THROTTLED "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ThrottlingException\",\"message\":\"slow\"}"
#define CANCELLED(reasons)                                                                                             \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#TransactionCanceledException\",\"CancellationReasons\":[" reasons  \
    "]}"
#define NONE "{\"Code\":\"None\"}"
#define CODE(name) "{\"Code\":\"" name "\",\"Message\":\"m\"}"

static struct fake_http *server;
static struct arena *mem;
static struct aws_credentials *creds;
static struct dynamodb *db;
static struct err err;

static struct dynamodb *open_with(int deadline_ms)
{
    const struct dynamodb_options opts = {.region = "ap-southeast-1",
                                          .endpoint_url = fake_http_url(server),
                                          .connect_timeout_ms = 5000,
                                          .total_timeout_ms = LONG_MS,
                                          .deadline_ms = deadline_ms,
                                          .handles = 2};
    return dynamodb_open(&opts, creds, &err);
}

static int setup(void **state)
{
    (void)state;
    const struct aws_credentials_options keys = {.access_key_id = "AKID", .secret_access_key = "secret"};
    err = (struct err){0};
    server = fake_http_start();
    mem = arena_new(64 * 1024, 32 * 1024 * 1024);
    creds = aws_credentials_open(&keys, &err);
    db = open_with(LONG_MS);
    return mem && creds && db ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    dynamodb_close(db);
    aws_credentials_close(creds);
    fake_http_stop(server);
    arena_free(mem);
    return 0;
}

static int start(void **state)
{
    (void)state;
    return http_global_init(&err) ? 0 : -1;
}

static void must(bool ok)
{
    if (!ok)
        fail_msg("%s [%s]", err.detail, err.cause);
}

static bool body_has(size_t i, const char *part)
{
    struct fake_request r = fake_http_request(server, i);
    return memmem(r.body, r.body_n, part, strlen(part)) != NULL;
}

static void assert_same_body(size_t i, size_t k)
{
    struct fake_request a = fake_http_request(server, i), b = fake_http_request(server, k);
    assert_int_equal(a.body_n, b.body_n);
    assert_memory_equal(a.body, b.body, a.body_n);
}

static bool write_one(struct dynamodb *d)
{
    const struct dynamodb_attr item[] = {DYNAMODB_S("title", TEXT("Ăn \"trưa\"")), DYNAMODB_N("n", INT64_MIN)};
    struct dynamodb_write w = {
        .table = "t", .id = TEXT("i"), .item = item, .item_count = 2, .condition = "attribute_not_exists(id)"};
    return dynamodb_write(d, &w, &err);
}

static struct dynamodb_write two_writes[2];
static bool transact(void)
{
    static const struct dynamodb_attr values[] = {DYNAMODB_N(":n", 2)};
    two_writes[0] = (struct dynamodb_write){.table = "m", .id = TEXT("1"), .condition = "attribute_not_exists(id)"};
    two_writes[1] = (struct dynamodb_write){.verb = DYNAMODB_UPDATE,
                                            .table = "s",
                                            .id = TEXT("2"),
                                            .update = "ADD n :n",
                                            .values = values,
                                            .value_count = 1};
    return dynamodb_transact(db, two_writes, 2, "token-1", &err);
}

/* ---- what is sent ---- */

static void test_a_write_is_typed_and_signed_for_dynamodb(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{}"}};
    fake_http_script(server, SCRIPT, 1);
    must(write_one(db));
    assert_true(fake_http_head_has(server, 0, "X-Amz-Target: DynamoDB_20120810.PutItem\r\n"));
    assert_true(fake_http_head_has(server, 0, "Content-Type: application/x-amz-json-1.0\r\n"));
    assert_true(fake_http_head_has(server, 0, "/ap-southeast-1/dynamodb/aws4_request"));
    assert_true(body_has(0, "\"TableName\":\"t\",\"Item\":{\"id\":{\"S\":\"i\"},\"title\":{\"S\":\"Ăn \\\"trưa\\\"\"},"
                            "\"n\":{\"N\":\"-9223372036854775808\"}}"));
    assert_true(body_has(0, "\"ConditionExpression\":\"attribute_not_exists(id)\""));
}

static void test_a_query_names_its_index_key_and_start(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Items\":[{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"5\"},\"odd\":{\"L\":[]},\"half\":{\"N\":\"1.5\"}}],"
                 "\"Count\":1,\"ScannedCount\":4,\"LastEvaluatedKey\":{\"id\":{\"S\":\"z\"}}}"},
        {.body = "{\"Items\":[],\"Count\":0,\"ScannedCount\":0}"}};
    const struct dynamodb_attr value = DYNAMODB_N(":u", 7), from = DYNAMODB_S("id", TEXT("q"));
    struct dynamodb_query q = {.table = "t",
                               .index = "by_user",
                               .key = "user_id = :u",
                               .values = &value,
                               .value_count = 1,
                               .start = &from,
                               .start_count = 1,
                               .newest_first = true,
                               .limit = 9};
    struct dynamodb_page page;
    fake_http_script(server, SCRIPT, 2);
    must(dynamodb_query(db, &q, mem, &page, &err));
    assert_true(fake_http_head_has(server, 0, "DynamoDB_20120810.Query\r\n"));
    assert_true(body_has(0,
                         "\"IndexName\":\"by_user\",\"KeyConditionExpression\":\"user_id = :u\","
                         "\"ExpressionAttributeValues\":{\":u\":{\"N\":\"7\"}},\"ScanIndexForward\":false,\"Limit\":9,"
                         "\"ExclusiveStartKey\":{\"id\":{\"S\":\"q\"}}"));
    assert_int_equal(page.count, 1);
    assert_text(dynamodb_text(&page.items[0], "id"), "a");
    assert_int_equal(dynamodb_int(&page.items[0], "n", 0), 5);
    assert_null(dynamodb_text(&page.items[0], "odd").p);
    assert_int_equal(dynamodb_int(&page.items[0], "half", -1), -1);
    assert_true(page.more);
    assert_text(dynamodb_text(&page.last, "id"), "z");
    assert_int_equal(dynamodb_looked_at(db), 4);
    must(dynamodb_query(db, &q, mem, &page, &err));
    assert_true(page.count == 0 && !page.more);
}

static void test_a_get_is_consistent_and_may_find_nothing(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{}"}, {.body = "{\"Item\":{\"id\":{\"S\":\"i\"}}}"}};
    struct dynamodb_item item;
    bool found = true;
    fake_http_script(server, SCRIPT, 2);
    must(dynamodb_get(db, "t", TEXT("i"), mem, &item, &found, &err));
    assert_false(found);
    assert_true(body_has(0, "\"Key\":{\"id\":{\"S\":\"i\"}},\"ConsistentRead\":true"));
    must(dynamodb_get(db, "t", TEXT("i"), mem, &item, &found, &err));
    assert_true(found);
    assert_text(dynamodb_text(&item, "id"), "i");
}

/* ---- trying again ---- */

static void test_throttling_and_server_errors_are_tried_again(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 400, .body = THROTTLED},
                                               {.status = 500, .body = "{\"__type\":\"InternalServerError\"}"},
                                               {.status = 503, .body = "<html>"},
                                               {.body = "{}"}};
    fake_http_script(server, SCRIPT, 4);
    must(write_one(db));
    assert_int_equal(fake_http_count(server), 4);
    assert_same_body(0, 3);
}

static void test_a_condition_or_a_wrong_request_is_not_tried_again(void **state)
{
    (void)state;
    static const struct {
        struct fake_reply reply;
        enum err_code code;
    } CASES[] = {
        {{.status = 400, .body = "{\"__type\":\"a#ConditionalCheckFailedException\"}"}, ERR_CONFLICT},
        {{.status = 400, .body = "{\"__type\":\"a#ValidationException\"}"}, ERR_INTERNAL},
        {{.status = 400, .body = "{\"__type\":\"a#AccessDeniedException\"}"}, ERR_UNAVAILABLE},
        {{.status = 400, .body = "{\"__type\":\"a#ResourceNotFoundException\"}"}, ERR_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        fake_http_script(server, &CASES[i].reply, 1);
        assert_false(write_one(db));
        assert_int_equal(err.code, CASES[i].code);
        assert_int_equal(fake_http_count(server), 1);
    }
}

static void test_trying_again_ends_at_the_deadline(void **state)
{
    (void)state;
    enum { MANY = 400 };
    static struct fake_reply script[MANY];
    struct dynamodb *hasty = open_with(SHORT_MS);
    for (size_t i = 0; i < MANY; i++)
        script[i] = (struct fake_reply){.status = 400, .body = THROTTLED};
    fake_http_script(server, script, MANY);
    assert_non_null(hasty);
    int64_t began = clock_monotonic_ms();
    assert_false(write_one(hasty));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_true(fake_http_count(server) > 1);
    assert_true(clock_monotonic_ms() - began < LONG_MS);
    dynamodb_close(hasty);
}

static void test_no_answer_is_tried_once_more(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.truncate = true, .body = "{}"}, {.truncate = true, .body = "{}"}, {.body = "{}"}};
    fake_http_script(server, SCRIPT, 3);
    assert_false(write_one(db));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_int_equal(fake_http_count(server), 2);
    fake_http_script(server, SCRIPT + 1, 2);
    must(write_one(db));
}

static void test_an_answer_that_does_not_fit_its_checksum_is_not_believed(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.headers = "x-amz-crc32: 1\r\n", .body = "{\"Item\":{}}"},
                                               {.headers = "x-amz-crc32: 2745614147\r\n", .body = "{}"}};
    struct dynamodb_item item;
    bool found = true;
    fake_http_script(server, SCRIPT, 2);
    must(dynamodb_get(db, "t", TEXT("i"), mem, &item, &found, &err));
    assert_false(found);
    assert_int_equal(fake_http_count(server), 2);
}

static void test_an_answer_that_is_not_json_is_an_outage(void **state)
{
    (void)state;
    static const char *const BODIES[] = {"", "[]", "{\"Item\":[]}", "{\"Item\":", "null"};
    struct dynamodb_item item;
    bool found;
    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        const struct fake_reply reply = {.body = BODIES[i]};
        fake_http_script(server, &reply, 1);
        err_clear(&err);
        assert_false(dynamodb_get(db, "t", TEXT("i"), mem, &item, &found, &err));
        assert_int_equal(err.code, ERR_UNAVAILABLE);
    }
}

/* ---- transactions ---- */

static void test_a_conflict_of_transactions_is_tried_again_under_the_same_token(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.status = 400, .body = CANCELLED(NONE "," CODE("TransactionConflict"))},
        {.status = 400, .body = "{\"__type\":\"a#TransactionInProgressException\"}"},
        {.status = 500, .body = "{}"},
        {.body = "{}"}};
    fake_http_script(server, SCRIPT, 4);
    must(transact());
    assert_true(fake_http_head_has(server, 0, "DynamoDB_20120810.TransactWriteItems\r\n"));
    assert_true(body_has(0, "\"ClientRequestToken\":\"token-1\""));
    assert_true(body_has(0, "{\"Update\":{\"TableName\":\"s\",\"Key\":{\"id\":{\"S\":\"2\"}},\"UpdateExpression\":"
                            "\"ADD n :n\",\"ExpressionAttributeValues\":{\":n\":{\"N\":\"2\"}}}}"));
    for (size_t i = 1; i < 4; i++)
        assert_same_body(0, i);
}

static void test_a_failed_condition_ends_a_transaction_and_says_whose(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.status = 400, .body = CANCELLED(CODE("TransactionConflict") "," CODE("ConditionalCheckFailed"))}};
    fake_http_script(server, SCRIPT, 1);
    assert_false(transact());
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_int_equal(fake_http_count(server), 1);
    assert_string_equal(two_writes[0].reason, "TransactionConflict");
    assert_string_equal(two_writes[1].reason, "ConditionalCheckFailed");
}

static void test_a_wrong_transaction_is_our_fault_and_a_used_token_a_duplicate(void **state)
{
    (void)state;
    static const struct {
        struct fake_reply reply;
        enum err_code code;
    } CASES[] = {
        {{.status = 400, .body = CANCELLED(CODE("ValidationError") "," NONE)}, ERR_INTERNAL},
        {{.status = 400, .body = "{\"__type\":\"a#TransactionCanceledException\"}"}, ERR_INTERNAL},
        {{.status = 400, .body = "{\"__type\":\"a#IdempotentParameterMismatchException\"}"}, ERR_DUPLICATE},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        fake_http_script(server, &CASES[i].reply, 1);
        assert_false(transact());
        assert_int_equal(err.code, CASES[i].code);
    }
    assert_false(dynamodb_transact(db, two_writes, 2, "", &err));
    assert_false(dynamodb_transact(db, two_writes, DYNAMODB_TRANSACTION_MAX + 1, "t", &err));
    assert_false(dynamodb_transact(db, two_writes, 2, "more-than-thirty-six-characters-long-x", &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

/* ---- batches ---- */

static void test_what_a_batch_left_unprocessed_is_sent_again(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"UnprocessedItems\":{\"t\":[{\"PutRequest\":{\"Item\":{\"id\":{\"S\":\"b\"}}}},"
                 "{\"DeleteRequest\":{\"Key\":{\"id\":{\"S\":\"c\"}}}}]}}"},
        {.body = "{\"UnprocessedItems\":{\"t\":[{\"DeleteRequest\":{\"Key\":{\"id\":{\"S\":\"c\"}}}}]}}"},
        {.body = "{\"UnprocessedItems\":{}}"}};
    const struct dynamodb_write writes[] = {{.table = "t", .id = TEXT_INIT("a")},
                                            {.table = "t", .id = TEXT_INIT("b")},
                                            {.verb = DYNAMODB_DELETE, .table = "t", .id = TEXT_INIT("c")}};
    fake_http_script(server, SCRIPT, 3);
    must(dynamodb_write_many(db, writes, 3, &err));
    assert_int_equal(fake_http_count(server), 3);
    assert_true(body_has(0, "\"S\":\"a\"") && body_has(0, "\"S\":\"b\"") && body_has(0, "\"S\":\"c\""));
    assert_true(!body_has(1, "\"S\":\"a\"") && body_has(1, "\"S\":\"b\"") && body_has(1, "\"S\":\"c\""));
    assert_true(!body_has(2, "\"S\":\"a\"") && !body_has(2, "\"S\":\"b\"") && body_has(2, "\"S\":\"c\""));
}

static void test_a_batch_is_cut_at_its_size_and_at_the_table(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{}"}, {.body = "{}"}, {.body = "{}"}};
    struct dynamodb_write writes[30];
    char ids[30][4];
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        writes[i] = (struct dynamodb_write){.table = i < 28 ? "t" : "other", .id = text_of(ids[i])};
    }
    fake_http_script(server, SCRIPT, 3);
    must(dynamodb_write_many(db, writes, ARRAY_LEN(writes), &err));
    assert_int_equal(fake_http_count(server), 3);
    assert_true(body_has(0, "\"S\":\"24\"") && !body_has(0, "\"S\":\"25\""));
    assert_true(body_has(1, "\"S\":\"27\"") && !body_has(1, "\"S\":\"28\""));
    assert_true(body_has(2, "{\"other\":[") && body_has(2, "\"S\":\"29\""));
}

static void test_a_batch_that_is_never_taken_ends_at_the_deadline(void **state)
{
    (void)state;
    enum { MANY = 400 };
    static struct fake_reply script[MANY];
    struct dynamodb *hasty = open_with(SHORT_MS);
    const struct dynamodb_write write = {.table = "t", .id = TEXT_INIT("a")};
    for (size_t i = 0; i < MANY; i++)
        script[i].body = "{\"UnprocessedItems\":{\"t\":[{\"PutRequest\":{\"Item\":{\"id\":{\"S\":\"a\"}}}}]}}";
    fake_http_script(server, script, MANY);
    assert_false(dynamodb_write_many(hasty, &write, 1, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    dynamodb_close(hasty);
}

static void test_keys_left_unprocessed_are_asked_again(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Responses\":{\"t\":[{\"id\":{\"S\":\"a\"}}]},"
                 "\"UnprocessedKeys\":{\"t\":{\"Keys\":[{\"id\":{\"S\":\"b\"}}],\"ConsistentRead\":true}}}"},
        {.body = "{\"Responses\":{\"t\":[{\"id\":{\"S\":\"b\"}}]},\"UnprocessedKeys\":{}}"}};
    const struct text ids[] = {TEXT_INIT("a"), TEXT_INIT("b"), TEXT_INIT("c")};
    struct dynamodb_item items[3];
    size_t count;
    fake_http_script(server, SCRIPT, 2);
    must(dynamodb_get_many(db, "t", ids, 3, mem, items, &count, &err));
    assert_int_equal(count, 2);
    assert_text(dynamodb_text(&items[1], "id"), "b");
    assert_true(body_has(0, "\"ConsistentRead\":true"));
    assert_true(body_has(1, "\"S\":\"b\"") && !body_has(1, "\"S\":\"a\"") && !body_has(1, "\"S\":\"c\""));
}

static void test_more_items_than_asked_for_are_refused(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Responses\":{\"t\":[{\"id\":{\"S\":\"a\"}},{\"id\":{\"S\":\"b\"}}]}}"}};
    const struct text id = TEXT("a");
    struct dynamodb_item item;
    size_t count;
    fake_http_script(server, SCRIPT, 1);
    assert_false(dynamodb_get_many(db, "t", &id, 1, mem, &item, &count, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
}

/* ---- memory ---- */

static void test_without_memory_a_query_fails_and_leaks_nothing(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"Items\":[{\"id\":{\"S\":\"a\"},\"n\":{\"N\":\"5\"}}]}"}};
    const struct dynamodb_attr value = DYNAMODB_N(":u", 7);
    const struct dynamodb_query q = {
        .table = "t", .index = "i", .key = "u = :u", .values = &value, .value_count = 1, .limit = 1};
    struct dynamodb_page page;
    bool ok = false;
    for (long n = 0; !ok; n++) {
        assert_true(n < 100);
        fake_http_script(server, SCRIPT, 1);
        arena_reset(mem);
        arena_fail_after(mem, n);
        ok = dynamodb_query(db, &q, mem, &page, &err);
        assert_true(ok || err.code == ERR_NO_MEMORY);
    }
    arena_fail_after(mem, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_write_is_typed_and_signed_for_dynamodb),
        TEST(test_a_query_names_its_index_key_and_start),
        TEST(test_a_get_is_consistent_and_may_find_nothing),
        TEST(test_throttling_and_server_errors_are_tried_again),
        TEST(test_a_condition_or_a_wrong_request_is_not_tried_again),
        TEST(test_trying_again_ends_at_the_deadline),
        TEST(test_no_answer_is_tried_once_more),
        TEST(test_an_answer_that_does_not_fit_its_checksum_is_not_believed),
        TEST(test_an_answer_that_is_not_json_is_an_outage),
        TEST(test_a_conflict_of_transactions_is_tried_again_under_the_same_token),
        TEST(test_a_failed_condition_ends_a_transaction_and_says_whose),
        TEST(test_a_wrong_transaction_is_our_fault_and_a_used_token_a_duplicate),
        TEST(test_what_a_batch_left_unprocessed_is_sent_again),
        TEST(test_a_batch_is_cut_at_its_size_and_at_the_table),
        TEST(test_a_batch_that_is_never_taken_ends_at_the_deadline),
        TEST(test_keys_left_unprocessed_are_asked_again),
        TEST(test_more_items_than_asked_for_are_refused),
        TEST(test_without_memory_a_query_fails_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
