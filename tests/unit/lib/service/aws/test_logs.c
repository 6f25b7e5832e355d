#include "service/aws/logs.h"

#include "base/json.h"
#include "check.h"
#include "lib/service/fake_http.h"
#include "service/aws/credentials.h"
#include "service/http.h"

#include <stdlib.h>

#define MISSING "{\"__type\":\"ResourceNotFoundException\",\"message\":\"The specified log stream does not exist.\"}"

static struct fake_http *server;
static struct arena *mem;
static struct aws_credentials *creds;
static struct logs *logs;

static int set_up(void **state)
{
    (void)state;
    struct aws_credentials_options keys = {.access_key_id = "AKID", .secret_access_key = "secret"};
    struct err err = {0};
    server = fake_http_start();
    mem = arena_new(64 * 1024, 4 * 1024 * 1024);
    creds = aws_credentials_open(&keys, &err);
    struct logs_options opts = {.group = "/aws/ec2/app",
                                .stream = "backend-logs/host/7",
                                .region = "ap-southeast-1",
                                .endpoint_url = fake_http_url(server),
                                .connect_timeout_ms = 5000,
                                .total_timeout_ms = 20000};
    logs = logs_open(&opts, creds, &err);
    return mem && creds && logs ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    logs_close(logs);
    aws_credentials_close(creds);
    fake_http_stop(server);
    arena_free(mem);
    return 0;
}

static struct logs_event event_of(int64_t at_ms, const char *message)
{
    return (struct logs_event){.at_ms = at_ms, .message = text_of(message)};
}

/* ---- what a batch holds ---- */

static void test_a_batch_ends_at_the_byte_limit(void **state)
{
    (void)state;
    static char text[LOGS_EVENT_BYTES_MAX];
    struct logs_batch b = {0};
    struct logs_event quarter = {.at_ms = 1, .message = {text, LOGS_BATCH_BYTES_MAX / 4 - 26}};
    for (int i = 0; i < 3; i++)
        assert_true(logs_batch_add(&b, &quarter));
    struct logs_event less = quarter;
    less.message.n -= 27; /* leaves 27 bytes: one event of one byte */
    assert_true(logs_batch_add(&b, &less));
    struct logs_event two = event_of(1, "ab"), one = event_of(1, "a");
    assert_false(logs_batch_add(&b, &two));
    assert_true(logs_batch_add(&b, &one));
    assert_int_equal(b.bytes, 1048576);
    assert_int_equal(b.events, 5);
}

static void test_a_batch_counts_a_long_event_as_it_will_be_cut(void **state)
{
    (void)state;
    struct logs_batch b = {0};
    struct logs_event huge = {.at_ms = 1, .message = {"", 2 * 1024 * 1024}};
    for (int i = 0; i < 4; i++)
        assert_true(logs_batch_add(&b, &huge));
    assert_int_equal(b.bytes, 4 * 262144);
    assert_false(logs_batch_add(&b, &huge));
}

static void test_a_batch_has_ten_thousand_events_at_most(void **state)
{
    (void)state;
    struct logs_batch b = {0};
    struct logs_event e = event_of(1, "a");
    for (int i = 0; i < 10000; i++)
        assert_true(logs_batch_add(&b, &e));
    assert_false(logs_batch_add(&b, &e));
}

static void test_a_batch_spans_a_day_at_most(void **state)
{
    (void)state;
    enum { DAY = 86400000 };
    struct logs_batch b = {0};
    struct logs_event first = event_of(1000, "a"), last = event_of(1000 + DAY, "b"), later = event_of(1001 + DAY, "c"),
                      before = event_of(999, "d");
    assert_true(logs_batch_add(&b, &first));
    assert_true(logs_batch_add(&b, &last));
    assert_false(logs_batch_add(&b, &later));
    assert_false(logs_batch_add(&b, &before));
    struct logs_batch backwards = {0};
    assert_true(logs_batch_add(&backwards, &later));
    assert_false(logs_batch_add(&backwards, &first));
}

/* ---- what is sent ---- */

static struct json_doc *sent(size_t i, const char *action)
{
    char target[96];
    struct err err = {0};
    struct fake_request req = fake_http_request(server, i);
    snprintf(target, sizeof target, "X-Amz-Target: Logs_20140328.%s\r\n", action);
    assert_true(fake_http_head_has(server, i, target));
    assert_true(fake_http_head_has(server, i, "Content-Type: application/x-amz-json-1.1\r\n"));
    struct json_doc *doc = json_parse((struct text){req.body, req.body_n}, &err);
    assert_non_null(doc);
    assert_text(json_get_text(json_root(doc), "logGroupName"), "/aws/ec2/app");
    return doc;
}

static void assert_event(const struct json_doc *doc, size_t i, int64_t at_ms, const char *message)
{
    const struct json_node *events = NULL;
    assert_true(json_get(json_root(doc), "logEvents", &events));
    const struct json_node *e = json_at(events, i);
    assert_int_equal(json_get_int(e, "timestamp", 0), at_ms);
    assert_text(json_get_text(e, "message"), message);
}

static void test_events_go_in_order_and_those_of_one_time_keep_theirs(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{}"}};
    struct logs_event events[] = {event_of(20, "c"), event_of(10, "a"), event_of(20, "d \"ế\"\n"), event_of(10, "b")};
    size_t rejected = 9;
    struct err err = {0};
    fake_http_script(server, SCRIPT, 1);
    assert_int_equal(logs_put(logs, events, 4, mem, &rejected, &err), LOGS_TAKEN);
    assert_int_equal(rejected, 0);
    AUTO(json_doc) struct json_doc *doc = sent(0, "PutLogEvents");
    assert_text(json_get_text(json_root(doc), "logStreamName"), "backend-logs/host/7");
    assert_event(doc, 0, 10, "a");
    assert_event(doc, 1, 10, "b");
    assert_event(doc, 2, 20, "c");
    assert_event(doc, 3, 20, "d \"ế\"\n");
}

static void test_a_line_of_two_megabytes_is_cut_and_marked(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{}"}};
    enum { HUGE_BYTES = 2 * 1024 * 1024 };
    size_t rejected;
    struct err err = {0};
    const struct json_node *events = NULL;
    char *huge = malloc(HUGE_BYTES);
    assert_non_null(huge);
    /* Two bytes a letter: a cut in the middle of one would not be UTF-8. */
    for (size_t i = 0; i < HUGE_BYTES; i += 2)
        memcpy(huge + i, "é", 2);
    struct logs_event event = {.at_ms = 1, .message = {huge, HUGE_BYTES}};
    fake_http_script(server, SCRIPT, 1);
    assert_int_equal(logs_put(logs, &event, 1, mem, &rejected, &err), LOGS_TAKEN);
    AUTO(json_doc) struct json_doc *doc = sent(0, "PutLogEvents");
    assert_true(json_get(json_root(doc), "logEvents", &events));
    struct text message = json_get_text(json_at(events, 0), "message");
    static const char MARK[] = "... [cut, 2097152 bytes in all]";
    assert_in_range(message.n, 262144 - 26 - 1, 262144 - 26);
    assert_text(text_slice(message, message.n - (sizeof MARK - 1), message.n), MARK);
    free(huge);
}

static void test_a_missing_stream_and_group_are_made(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 400, .body = MISSING},
                                               {.status = 400, .body = MISSING},
                                               {.body = "{}"},
                                               {.body = "{}"},
                                               {.body = "{}"}};
    struct logs_event e = event_of(1, "a");
    size_t rejected;
    struct err err = {0};
    fake_http_script(server, SCRIPT, ARRAY_LEN(SCRIPT));
    assert_int_equal(logs_put(logs, &e, 1, mem, &rejected, &err), LOGS_TAKEN);
    static const char *const ACTIONS[] = {"PutLogEvents", "CreateLogStream", "CreateLogGroup", "CreateLogStream",
                                          "PutLogEvents"};
    assert_int_equal(fake_http_count(server), ARRAY_LEN(ACTIONS));
    for (size_t i = 0; i < ARRAY_LEN(ACTIONS); i++) {
        AUTO(json_doc) struct json_doc *doc = sent(i, ACTIONS[i]);
        if (i == 3)
            assert_text(json_get_text(json_root(doc), "logStreamName"), "backend-logs/host/7");
    }
}

static void test_a_stream_that_somebody_else_made_meanwhile_is_fine(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.status = 400, .body = MISSING},
        {.status = 400, .body = "{\"__type\":\"ResourceAlreadyExistsException\",\"message\":\"\"}"},
        {.body = "{}"}};
    struct logs_event e = event_of(1, "a");
    size_t rejected;
    struct err err = {0};
    fake_http_script(server, SCRIPT, ARRAY_LEN(SCRIPT));
    assert_int_equal(logs_put(logs, &e, 1, mem, &rejected, &err), LOGS_TAKEN);
}

static void test_a_group_that_may_not_be_made_drops_nothing(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.status = 400, .body = MISSING},
        {.status = 400, .body = MISSING},
        {.status = 400, .body = "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}"}};
    struct logs_event e = event_of(1, "a");
    size_t rejected;
    struct err err = {0};
    fake_http_script(server, SCRIPT, ARRAY_LEN(SCRIPT));
    assert_int_equal(logs_put(logs, &e, 1, mem, &rejected, &err), LOGS_LATER);
    assert_non_null(strstr(err.cause, "CreateLogGroup"));
}

/* ---- what the answers mean ---- */

static void test_each_answer_has_its_outcome(void **state)
{
    (void)state;
    static const struct {
        struct fake_reply reply;
        enum logs_outcome outcome;
        size_t rejected;
    } CASES[] = {
        {{.body = "{\"nextSequenceToken\":\"1\"}"}, LOGS_TAKEN, 0},
        {{.body = "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":2}}"}, LOGS_TAKEN, 2},
        {{.body = "{\"rejectedLogEventsInfo\":{\"tooNewLogEventStartIndex\":1}}"}, LOGS_TAKEN, 2},
        {{.body = "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":1,\"expiredLogEventEndIndex\":2,"
                  "\"tooNewLogEventStartIndex\":2}}"},
         LOGS_TAKEN,
         3},
        {{.body = "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":-7,\"tooNewLogEventStartIndex\":99}}"},
         LOGS_TAKEN,
         0},
        {{.body = "{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":77}}"}, LOGS_TAKEN, 3},
        {{.body = "{\"rejectedLogEventsInfo\":[]}"}, LOGS_TAKEN, 0},
        {{.body = "not JSON"}, LOGS_TAKEN, 0},
        {{.status = 400, .body = "{\"__type\":\"InvalidParameterException\",\"message\":\"\"}"}, LOGS_REFUSED, 0},
        {{.status = 400, .body = "{\"__type\":\"DataAlreadyAcceptedException\",\"message\":\"\"}"}, LOGS_TAKEN, 0},
        {{.status = 400, .body = "{\"__type\":\"InvalidSequenceTokenException\",\"message\":\"\"}"}, LOGS_LATER, 0},
        {{.status = 400, .body = "{\"__type\":\"ThrottlingException\",\"message\":\"\"}"}, LOGS_LATER, 0},
        {{.status = 400, .body = "{\"__type\":\"AccessDeniedException\",\"message\":\"\"}"}, LOGS_LATER, 0},
        {{.status = 500, .body = "{\"__type\":\"InternalFailure\",\"message\":\"\"}"}, LOGS_LATER, 0},
        {{.status = 503, .body = "{\"__type\":\"ServiceUnavailableException\",\"message\":\"\"}"}, LOGS_LATER, 0},
        {{.status = 404, .body = "<html>a proxy</html>"}, LOGS_LATER, 0},
        {{.close_silently = true}, LOGS_LATER, 0},
        {{.truncate = true, .body = "{}"}, LOGS_LATER, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct logs_event events[] = {event_of(1, "a"), event_of(2, "b"), event_of(3, "c")};
        struct fake_reply twice[] = {CASES[i].reply, CASES[i].reply}; /* libcurl may repeat a call on a kept line */
        size_t rejected = 9;
        struct err err = {0};
        fake_http_script(server, twice, 2);
        enum logs_outcome outcome = logs_put(logs, events, 3, mem, &rejected, &err);
        if (outcome != CASES[i].outcome || rejected != CASES[i].rejected)
            fail_msg("case %zu: outcome %d, %zu rejected", i, (int)outcome, rejected);
        assert_int_equal(err.code == ERR_NONE, outcome == LOGS_TAKEN);
    }
}

static void test_a_hanging_call_ends_when_it_is_cancelled(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.hang = true}};
    struct logs_event e = event_of(1, "a");
    size_t rejected;
    struct err err = {0};
    fake_http_script(server, SCRIPT, 1);
    logs_cancel(logs);
    assert_int_equal(logs_put(logs, &e, 1, mem, &rejected, &err), LOGS_LATER);
}

static void test_names_must_be_there_and_fit(void **state)
{
    (void)state;
    static char long_name[600];
    memset(long_name, 'a', sizeof long_name - 1);
    struct logs_options good = {.group = "g", .stream = "s", .region = "r"};
    struct logs_options bad[] = {good, good, good};
    bad[0].group = "";
    bad[1].stream = long_name;
    bad[2].region = NULL;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_null(logs_open(&bad[i], creds, &err));
        assert_int_equal(err.code, ERR_INTERNAL);
    }
    struct err err = {0};
    struct logs *own = logs_open(&good, creds, &err); /* at AWS's own address */
    assert_non_null(own);
    logs_close(own);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    struct err err = {0};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_ends_at_the_byte_limit),
        cmocka_unit_test(test_a_batch_counts_a_long_event_as_it_will_be_cut),
        cmocka_unit_test(test_a_batch_has_ten_thousand_events_at_most),
        cmocka_unit_test(test_a_batch_spans_a_day_at_most),
        TEST(test_events_go_in_order_and_those_of_one_time_keep_theirs),
        TEST(test_a_line_of_two_megabytes_is_cut_and_marked),
        TEST(test_a_missing_stream_and_group_are_made),
        TEST(test_a_stream_that_somebody_else_made_meanwhile_is_fine),
        TEST(test_a_group_that_may_not_be_made_drops_nothing),
        TEST(test_each_answer_has_its_outcome),
        TEST(test_a_hanging_call_ends_when_it_is_cancelled),
        TEST(test_names_must_be_there_and_fit),
    };
    return http_global_init(&err) ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
