/* What the conversations' store asks DynamoDB for, against scripted answers: keys, conditions, and what it does when
 * the index lags or an answer gets lost. */
#include "check.h"
#include "lib/service/fake_http.h"

#include "base/clock.h"
#include "service/aws/credentials.h"
#include "service/http.h"
#include "store/chat.h"

enum { LONG_MS = 20000, USER = 7 };

#define SESSION "01890000-0000-7000-8000-0000000000aa"
#define ID(n) "01890000-0000-7000-8000-00000000000" n
#define KEY SESSION "#5"
#define MESSAGE(id, content)                                                                                           \
    "{\"id\":{\"S\":\"" id "\"},\"session_id\":{\"S\":\"" KEY "\"},\"role\":{\"S\":\"assistant\"},\"content\":{\"S\":" \
    "\"" content "\"},\"created_at\":{\"N\":\"1\"},\"expires_at\":{\"N\":\"99999999999\"}}"
#define CONDITION_FAILED "{\"__type\":\"a#ConditionalCheckFailedException\"}"

static struct fake_http *server;
static struct arena *mem;
static struct aws_credentials *creds;
static struct chat_store store = {.ttl_ms = 1000};
static struct err err;

static int start(void **state)
{
    (void)state;
    return http_global_init(&err) ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    const struct aws_credentials_options keys = {.access_key_id = "AKID", .secret_access_key = "secret"};
    err = (struct err){0};
    server = fake_http_start();
    mem = arena_new(64 * 1024, 32 * 1024 * 1024);
    creds = aws_credentials_open(&keys, &err);
    const struct dynamodb_options opts = {.region = "ap-southeast-1",
                                          .endpoint_url = fake_http_url(server),
                                          .connect_timeout_ms = 5000,
                                          .total_timeout_ms = LONG_MS,
                                          .deadline_ms = LONG_MS,
                                          .handles = 2};
    store.db = dynamodb_open(&opts, creds, &err);
    return mem && creds && store.db ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    dynamodb_close(store.db);
    aws_credentials_close(creds);
    fake_http_stop(server);
    arena_free(mem);
    return 0;
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

static void assert_asked(size_t i, const char *action, const char *part)
{
    char target[64];
    snprintf(target, sizeof(target), "DynamoDB_20120810.%s\r\n", action);
    if (!fake_http_head_has(server, i, target) || !body_has(i, part))
        fail_msg("request %zu is no %s with %s: %s", i, action, part, fake_http_request(server, i).body);
}

static void script(const struct fake_reply *replies, size_t n)
{
    fake_http_script(server, replies, n);
}

static struct chat_session session(const char *recent)
{
    return (struct chat_session){.id = SESSION, .user_id = USER, .generation = 5, .recent = text_of(recent)};
}

/* ---- keys ---- */

static void test_sessions_are_asked_for_by_their_user(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"Items\":[]}"}};
    struct chat_session out[2];
    struct text next;
    size_t n;
    script(SCRIPT, 1);
    must(chat_session_list(&store, USER, TEXT_NONE, 2, mem, out, &n, &next, &err));
    assert_int_equal(n, 0);
    assert_asked(0, "Query",
                 "\"IndexName\":\"by_user\",\"KeyConditionExpression\":\"user_id = :user\","
                 "\"ExpressionAttributeValues\":{\":user\":{\"N\":\"7\"}},\"ScanIndexForward\":false");
    assert_false(body_has(0, "FilterExpression"));
}

static void test_a_row_of_another_user_in_the_index_is_not_shown(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Items\":[{\"id\":{\"S\":\"" SESSION "\"},\"user_id\":{\"N\":\"8\"}}]}"}};
    struct chat_session out[2];
    struct text next;
    size_t n;
    script(SCRIPT, 1);
    must(chat_session_list(&store, USER, TEXT_NONE, 2, mem, out, &n, &next, &err));
    assert_int_equal(n, 0);
}

static void test_messages_are_asked_for_by_session_and_generation(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"Items\":[]}"}};
    struct chat_session s = session("");
    struct chat_message out[2];
    struct text next;
    size_t n;
    script(SCRIPT, 1);
    must(chat_message_list(&store, &s, TEXT_NONE, 2, mem, out, &n, &next, &err));
    assert_asked(0, "Query",
                 "\"IndexName\":\"by_session\",\"KeyConditionExpression\":\"session_id = :session\","
                 "\"ExpressionAttributeValues\":{\":session\":{\"S\":\"" KEY "\"}},\"ScanIndexForward\":true");
    assert_false(body_has(0, "FilterExpression"));
    assert_int_equal(fake_http_count(server), 1);
}

static void test_an_empty_page_with_a_key_is_read_on(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"Items\":[],\"LastEvaluatedKey\":{\"id\":{\"S\":\"" ID(
                                                    "1") "\"},\"session_id\":{\"S\":\"" KEY "\"}}}"},
                                               {.body = "{\"Items\":[" MESSAGE(ID("2"), "b") "]}"}};
    struct chat_session s = session("");
    struct chat_message out[2];
    struct text next;
    size_t n;
    script(SCRIPT, 2);
    must(chat_message_list(&store, &s, TEXT_NONE, 2, mem, out, &n, &next, &err));
    assert_int_equal(n, 1);
    assert_asked(1, "Query",
                 "\"ExclusiveStartKey\":{\"id\":{\"S\":\"" ID("1") "\"},\"session_id\":{\"S\":\"" KEY "\"}}");
}

/* ---- an index that lags ---- */

static void test_the_newest_messages_are_read_by_id_when_the_index_does_not_show_them(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Items\":[" MESSAGE(ID("1"), "a") "," MESSAGE(ID("3"), "c") "]}"},
        {.body = "{\"Responses\":{\"chat_messages\":[" MESSAGE(ID("4"), "d") "," MESSAGE(ID("2"), "b") "]}}"}};
    struct chat_session s = session(ID("2") "," ID("3") "," ID("4"));
    struct chat_message out[9];
    struct text next;
    size_t n;
    script(SCRIPT, 2);
    must(chat_message_list(&store, &s, TEXT_NONE, 9, mem, out, &n, &next, &err));
    assert_asked(
        1, "BatchGetItem",
        "\"ConsistentRead\":true,\"Keys\":[{\"id\":{\"S\":\"" ID("2") "\"}},{\"id\":{\"S\":\"" ID("4") "\"}}]");
    assert_int_equal(n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(out[i].content.p[0], 'a' + (char)i);
}

static void test_a_full_page_does_not_ask_for_what_comes_after_it(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Items\":[" MESSAGE(ID("1"), "a") "," MESSAGE(ID("2"), "b") "]}"}};
    struct chat_session s = session(ID("2") "," ID("3") "," ID("4"));
    struct chat_message out[1];
    struct text next;
    size_t n;
    script(SCRIPT, 1);
    must(chat_message_list(&store, &s, TEXT_NONE, 1, mem, out, &n, &next, &err));
    assert_int_equal(n, 1);
    assert_non_null(next.p);
    assert_int_equal(fake_http_count(server), 1);
}

static void test_a_message_of_an_older_generation_is_not_shown_though_its_id_is_known(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Items\":[]}"},
        {.body = "{\"Responses\":{\"chat_messages\":[{\"id\":{\"S\":\"" ID(
             "1") "\"},\"session_id\":{\"S\":\"" SESSION "#4\"},\"content\":{\"S\":\"old\"}}]}}"}};
    struct chat_session s = session(ID("1"));
    struct chat_message out[2];
    struct text next;
    size_t n;
    script(SCRIPT, 2);
    must(chat_message_list(&store, &s, TEXT_NONE, 2, mem, out, &n, &next, &err));
    assert_int_equal(n, 0);
}

/* ---- writes ---- */

static void test_a_turn_is_one_transaction_with_conditions(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{}"}};
    struct chat_session s = session("");
    struct chat_message turn[] = {{.content = TEXT("?")}, {.role = CHAT_ASSISTANT, .content = TEXT("!")}};
    script(SCRIPT, 1);
    must(chat_turn_append(&store, &s, turn, 2, "key", 1000, mem, &err));
    assert_int_equal(fake_http_count(server), 1);
    assert_asked(0, "TransactWriteItems", "\"ConditionExpression\":\"attribute_not_exists(id)\"");
    assert_asked(0, "TransactWriteItems", "user_id = :user AND generation = :generation");
    assert_asked(0, "TransactWriteItems",
                 "\"session_id\":{\"S\":\"" KEY "\"},\"user_id\":{\"N\":\"7\"},\"role\":{\"S\":\"user\"}");
    assert_asked(0, "TransactWriteItems", "\"expires_at\":{\"N\":\"2\"}");
    assert_true(strcmp(turn[0].id, turn[1].id) < 0);
    assert_int_equal(s.message_count, 2);
}

static void test_a_session_whose_creation_was_answered_too_late_is_there(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 500, .body = "{}"},
                                               {.status = 400, .body = CONDITION_FAILED}};
    struct chat_session s;
    script(SCRIPT, 2);
    must(chat_session_create(&store, USER, TEXT("a"), 1000, mem, &s, &err));
    assert_true(body_has(1, s.id));
}

static void test_a_foreign_session_is_neither_renamed_nor_deleted(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 400, .body = CONDITION_FAILED},
                                               {.status = 400, .body = CONDITION_FAILED}};
    script(SCRIPT, 2);
    assert_false(chat_session_rename(&store, USER, TEXT(SESSION), TEXT("x"), 1000, mem, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(chat_session_delete(&store, USER, TEXT(SESSION), mem, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_asked(0, "UpdateItem", "\"ConditionExpression\":\"user_id = :user");
    assert_asked(1, "UpdateItem", "\"ConditionExpression\":\"user_id = :user");
    assert_int_equal(fake_http_count(server), 2);
}

static void test_while_it_is_unknown_which_generation_lost_none_is_removed(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{}"}, {.truncate = true, .body = "{}"}, {.truncate = true, .body = "{}"}, {.body = "{}"}};
    struct chat_session s = session("");
    struct chat_message fresh = {.content = TEXT("x")};
    script(SCRIPT, 4);
    assert_false(chat_replace(&store, &s, &fresh, 1, 1000, mem, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_int_equal(s.generation, 5);
    assert_asked(0, "BatchWriteItem", "\"PutRequest\"");
    assert_asked(1, "UpdateItem", "generation = :old");
    assert_int_equal(fake_http_count(server), 3);
}

static void test_a_switch_that_lost_removes_what_was_written_for_nothing(void **state)
{
    (void)state;
    enum { UNTIL_THE_SWITCH = 3 };
    static struct fake_reply script_rows[] = {{.body = "{}"},
                                              {.status = 500, .body = "{}"},
                                              {.status = 400, .body = CONDITION_FAILED},
                                              {.body = NULL},
                                              {.body = "{\"Items\":[]}"}};
    /* The generation is not known before; a session that has another one is a conflict. */
    script_rows[UNTIL_THE_SWITCH].body =
        "{\"Item\":{\"id\":{\"S\":\"" SESSION "\"},\"user_id\":{\"N\":\"7\"},\"generation\":{\"N\":\"6\"}}}";
    struct chat_session s = session("");
    struct chat_message fresh = {.content = TEXT("x")};
    script(script_rows, ARRAY_LEN(script_rows));
    assert_false(chat_replace(&store, &s, &fresh, 1, 1000, mem, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_asked(3, "GetItem", "\"ConsistentRead\":true");
    /* What was written for nothing is removed. */
    assert_asked(4, "Query", "\"IndexName\":\"by_session\"");
    fake_http_wait(server, 6);
    assert_asked(5, "BatchWriteItem", "\"DeleteRequest\"");
    assert_true(body_has(5, fresh.id));
}

static void test_no_request_is_ever_a_scan(void **state)
{
    (void)state;
    struct chat_session s = session(ID("1")), out[3];
    struct chat_message m[3] = {0};
    struct text next;
    size_t n;
    bool ok;
    script(NULL, 0);
    struct dynamodb *patient = store.db;
    const struct dynamodb_options opts = {.region = "r",
                                          .endpoint_url = fake_http_url(server),
                                          .connect_timeout_ms = 5000,
                                          .total_timeout_ms = LONG_MS,
                                          .deadline_ms = 20,
                                          .handles = 1};
    store.db = dynamodb_open(&opts, creds, &err);
    assert_non_null(store.db);
    ok = chat_session_list(&store, USER, TEXT_NONE, 3, mem, out, &n, &next, &err);
    ok |= chat_session_find(&store, USER, TEXT(SESSION), mem, out, &err);
    ok |= chat_session_create(&store, USER, TEXT("a"), 1, mem, out, &err);
    ok |= chat_session_rename(&store, USER, TEXT(SESSION), TEXT("a"), 1, mem, &err);
    ok |= chat_session_delete(&store, USER, TEXT(SESSION), mem, &err);
    ok |= chat_message_list(&store, &s, TEXT_NONE, 3, mem, m, &n, &next, &err);
    ok |= chat_turn_append(&store, &s, m, 2, NULL, 1, mem, &err);
    ok |= chat_replace(&store, &s, m, 2, 1, mem, &err);
    assert_false(ok);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    for (size_t i = 0; i < fake_http_count(server); i++)
        assert_false(fake_http_head_has(server, i, "Scan"));
    dynamodb_close(patient);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sessions_are_asked_for_by_their_user),
        TEST(test_a_row_of_another_user_in_the_index_is_not_shown),
        TEST(test_messages_are_asked_for_by_session_and_generation),
        TEST(test_an_empty_page_with_a_key_is_read_on),
        TEST(test_the_newest_messages_are_read_by_id_when_the_index_does_not_show_them),
        TEST(test_a_full_page_does_not_ask_for_what_comes_after_it),
        TEST(test_a_message_of_an_older_generation_is_not_shown_though_its_id_is_known),
        TEST(test_a_turn_is_one_transaction_with_conditions),
        TEST(test_a_session_whose_creation_was_answered_too_late_is_there),
        TEST(test_a_foreign_session_is_neither_renamed_nor_deleted),
        TEST(test_while_it_is_unknown_which_generation_lost_none_is_removed),
        TEST(test_a_switch_that_lost_removes_what_was_written_for_nothing),
        TEST(test_no_request_is_ever_a_scan),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
