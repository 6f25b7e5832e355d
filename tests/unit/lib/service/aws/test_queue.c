#include "service/aws/queue.h"

#include "base/clock.h"
#include "base/json.h"
#include "lib/service/fake_http.h"
#include "service/aws/credentials.h"
#include "service/http.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define QUEUE_URL "http://sqs.test/000000000000/moneymanager-async-jobs"

enum { LONG_MS = 20000 };

static struct fake_http *server;
static struct arena *mem;
static struct aws_credentials *creds;
static struct queue *queue;

static int setup(void **state)
{
    (void)state;
    struct aws_credentials_options keys = {.access_key_id = "AKID", .secret_access_key = "secret"};
    struct err err = {0};
    server = fake_http_start();
    mem = arena_new(64 * 1024, 32 * 1024 * 1024);
    creds = aws_credentials_open(&keys, &err);
    struct queue_options opts = {.queue_url = QUEUE_URL,
                                 .region = "ap-southeast-1",
                                 .endpoint_url = fake_http_url(server),
                                 .connect_timeout_ms = 5000,
                                 .total_timeout_ms = LONG_MS,
                                 .handles = 4};
    queue = queue_open(&opts, creds, &err);
    return mem && creds && queue ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    queue_close(queue);
    aws_credentials_close(creds);
    fake_http_stop(server);
    arena_free(mem);
    return 0;
}

static struct json_doc *sent_json(size_t i)
{
    struct fake_request req = fake_http_request(server, i);
    struct err err = {0};
    struct json_doc *doc = json_parse((struct text){req.body, req.body_n}, &err);
    assert_non_null(doc);
    return doc;
}

static void script_one(const struct fake_reply *reply)
{
    fake_http_script(server, reply, 1);
}

/* ---- opening ---- */

static void test_without_an_endpoint_the_queues_own_host_is_asked(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{}"}};
    char url[128];
    struct err err = {0};
    size_t count = 9;
    struct queue_message m[1];
    snprintf(url, sizeof(url), "%s/1234/jobs", fake_http_url(server));
    struct queue_options opts = {.queue_url = url,
                                 .region = "r",
                                 .endpoint_url = "",
                                 .connect_timeout_ms = 5000,
                                 .total_timeout_ms = LONG_MS,
                                 .handles = 1};
    struct queue *q = queue_open(&opts, creds, &err);
    assert_non_null(q);
    script_one(SCRIPT);
    assert_true(queue_receive(q, 1, 0, 60, mem, m, &count, &err));
    assert_int_equal(count, 0);
    assert_true(fake_http_head_has(server, 0, "POST / HTTP/1.1\r\n"));
    AUTO(json_doc) struct json_doc *doc = sent_json(0);
    assert_true(text_eq(json_get_text(json_root(doc), "QueueUrl"), text_of(url)));
    queue_close(q);
}

static void test_a_queue_needs_a_url_and_a_region(void **state)
{
    (void)state;
    struct queue_options good = {.queue_url = QUEUE_URL, .region = "r"}, bad[] = {good, good, good};
    bad[0].queue_url = "";
    bad[1].queue_url = "moneymanager-async-jobs";
    bad[2].region = NULL;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_null(queue_open(&bad[i], creds, &err));
        assert_int_equal(err.code, ERR_INTERNAL);
    }
}

/* ---- receive ---- */

/* MD5 of "hello". */
#define HELLO_MD5 "5d41402abc4b2a76b9719d911017c592"
#define ATTRIBUTES                                                                                                     \
    "\"Attributes\":{\"ApproximateReceiveCount\":\"2\",\"SentTimestamp\":\"1700000000123\","                           \
    "\"ApproximateFirstReceiveTimestamp\":\"1700000001456\"}"
#define MESSAGE(id, body, md5)                                                                                         \
    "{\"MessageId\":\"" id "\",\"ReceiptHandle\":\"r-" id "\",\"Body\":\"" body "\",\"MD5OfBody\":\"" md5              \
    "\"," ATTRIBUTES "}"

static void test_a_receive_asks_for_what_it_needs(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"Messages\":[]}"}};
    struct queue_message m[10];
    struct err err = {0};
    size_t count;
    script_one(SCRIPT);
    assert_true(queue_receive(queue, 7, 0, 60, mem, m, &count, &err));
    assert_true(fake_http_head_has(server, 0, "X-Amz-Target: AmazonSQS.ReceiveMessage\r\n"));
    struct fake_request req = fake_http_request(server, 0);
    assert_string_equal(req.body,
                        "{\"QueueUrl\":\"" QUEUE_URL "\",\"MaxNumberOfMessages\":7,\"WaitTimeSeconds\":0,"
                        "\"VisibilityTimeout\":60,\"MessageSystemAttributeNames\":[\"ApproximateReceiveCount\","
                        "\"SentTimestamp\",\"ApproximateFirstReceiveTimestamp\"]}");
}

static void test_values_beyond_sqs_limits_are_brought_into_them(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{}"}, {.body = "{}"}};
    struct queue_message m[10];
    struct err err = {0};
    size_t count;
    fake_http_script(server, SCRIPT, 2);
    assert_true(queue_receive(queue, 11, 21, 50000, mem, m, &count, &err));
    assert_true(queue_receive(queue, 0, -1, -1, mem, m, &count, &err));
    AUTO(json_doc) struct json_doc *high = sent_json(0), *low = sent_json(1);
    assert_int_equal(json_get_int(json_root(high), "MaxNumberOfMessages", -1), 10);
    assert_int_equal(json_get_int(json_root(high), "WaitTimeSeconds", -1), 20);
    assert_int_equal(json_get_int(json_root(high), "VisibilityTimeout", -1), 43200);
    assert_int_equal(json_get_int(json_root(low), "MaxNumberOfMessages", -1), 1);
    assert_int_equal(json_get_int(json_root(low), "WaitTimeSeconds", -1), 0);
    assert_int_equal(json_get_int(json_root(low), "VisibilityTimeout", -1), 0);
}

static void test_an_empty_queue_answers_without_messages(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{}"}, {.body = "{\"Messages\":null}"}, {.body = "{\"New\":[1]}"}};
    fake_http_script(server, SCRIPT, 3);
    for (size_t i = 0; i < ARRAY_LEN(SCRIPT); i++) {
        struct queue_message m[10];
        struct err err = {0};
        size_t count = 5;
        assert_true(queue_receive(queue, 10, 0, 60, mem, m, &count, &err));
        assert_int_equal(count, 0);
    }
}

static void test_a_message_comes_with_body_receipt_and_counts(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"Messages\":[" MESSAGE("m1", "hello", HELLO_MD5) "]}"}};
    struct queue_message m[10];
    struct err err = {0};
    size_t count;
    script_one(SCRIPT);
    assert_true(queue_receive(queue, 10, 0, 60, mem, m, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(m[0].id, "m1");
    assert_true(text_eq(m[0].body, TEXT("hello")));
    assert_true(text_eq(m[0].receipt, TEXT("r-m1")));
    assert_int_equal(m[0].receive_count, 2);
    assert_int_equal(m[0].sent_at_ms, 1700000000123LL);
    assert_int_equal(m[0].first_received_at_ms, 1700000001456LL);
}

static void test_a_message_that_does_not_fit_its_md5_is_left_out(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Messages\":[" MESSAGE("bad", "hallo", HELLO_MD5) "," MESSAGE("good", "hello", HELLO_MD5) "]}"}};
    struct queue_message m[10];
    struct err err = {0};
    size_t count;
    script_one(SCRIPT);
    assert_true(queue_receive(queue, 10, 0, 60, mem, m, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(m[0].id, "good");
}

static size_t parsed(const char *answer, size_t max)
{
    struct queue_message m[10];
    struct err err = {0};
    size_t count = 99;
    if (!queue_parse_receive(text_of(answer), max, mem, m, &count, &err)) {
        assert_int_equal(err.code, ERR_UNAVAILABLE);
        return 99;
    }
    return count;
}

static void test_odd_messages_are_left_out_and_odd_answers_are_errors(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        size_t count;
    } CASES[] = {
        {"{\"Messages\":[{\"MessageId\":\"a\",\"Body\":\"hello\",\"MD5OfBody\":\"" HELLO_MD5 "\"}]}", 0},
        {"{\"Messages\":[{\"MessageId\":\"a\",\"ReceiptHandle\":\"r\",\"MD5OfBody\":\"" HELLO_MD5 "\"}]}", 0},
        {"{\"Messages\":[{\"MessageId\":\"a\",\"ReceiptHandle\":\"r\",\"Body\":\"hello\"}]}", 0},
        {"{\"Messages\":[null,5,[],\"x\"," MESSAGE("m", "hello", HELLO_MD5) "]}", 1},
        {"{\"Messages\":[" MESSAGE("a", "hello", HELLO_MD5) "," MESSAGE("b", "hello", HELLO_MD5) "," MESSAGE(
             "c", "hello", HELLO_MD5) "]}",
         2},
        {"{\"Messages\":{}}", 99},
        {"{\"Messages\":5}", 99},
        {"[]", 99},
        {"", 99},
        {"{\"Messages\":[", 99},
        {"null", 99},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        if (parsed(CASES[i].answer, 2) != CASES[i].count)
            fail_msg("%s", CASES[i].answer);
    }
}

static void test_attributes_may_lack_or_be_odd(void **state)
{
    (void)state;
    static const char ANSWER[] =
        "{\"Messages\":[{\"ReceiptHandle\":\"r\",\"Body\":\"hello\",\"MD5OfBody\":\"5D41402ABC4B2A76B9719D911017C592\","
        "\"Attributes\":{\"SentTimestamp\":\"soon\"}}]}";
    struct queue_message m[1];
    struct err err = {0};
    size_t count;
    assert_true(queue_parse_receive(TEXT(ANSWER), 1, mem, m, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(m[0].id, "");
    assert_int_equal(m[0].receive_count, 1);
    assert_int_equal(m[0].sent_at_ms, 0);
}

static void test_no_memory_for_messages_is_told(void **state)
{
    (void)state;
    static const char ANSWER[] = "{\"Messages\":[" MESSAGE("a", "hello", HELLO_MD5) "]}";
    for (long n = 0; n < 2; n++) {
        struct queue_message m[1];
        struct err err = {0};
        size_t count;
        arena_fail_after(mem, n);
        assert_false(queue_parse_receive(TEXT(ANSWER), 1, mem, m, &count, &err));
        assert_int_equal(err.code, ERR_NO_MEMORY);
    }
    arena_fail_after(mem, -1);
}

static void test_answers_that_are_not_sqs_own_are_transient(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.status = 403, .body = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"},
        {.status = 403, .body = "<html>Forbidden</html>"},
        {.status = 200, .body = "<html>captive portal</html>"},
        {.status = 200, .body = "{\"Messages\":[", .truncate = true},
        {.status = 500, .body = ""},
        {.status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"x\"}"},
        {.status = 400, .body = "{\"__type\":\"OverLimit\"}"},
    };
    fake_http_script(server, SCRIPT, ARRAY_LEN(SCRIPT));
    for (size_t i = 0; i < ARRAY_LEN(SCRIPT); i++) {
        struct queue_message m[10];
        struct err err = {0};
        size_t count = 77;
        assert_false(queue_receive(queue, 10, 0, 60, mem, m, &count, &err));
        assert_int_equal(err.code, ERR_UNAVAILABLE);
        assert_true(err_is_transient(&err));
        assert_int_equal(count, 77);
    }
}

struct receiver {
    pthread_t thread;
    struct arena *mem;
    bool ok;
    size_t count;
};

static void *receive_thread(void *user)
{
    struct receiver *r = user;
    struct queue_message m[10];
    struct err err = {0};
    r->count = 55;
    r->ok = queue_receive(queue, 10, 20, 60, r->mem, m, &r->count, &err);
    return NULL;
}

static void test_cancel_ends_a_long_poll_and_all_later_ones_but_no_delete(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.hang = true}, {.body = "{}"}};
    struct receiver r = {.mem = arena_new(4096, 1024 * 1024)};
    assert_non_null(r.mem);
    fake_http_script(server, SCRIPT, 2);
    assert_int_equal(pthread_create(&r.thread, NULL, receive_thread, &r), 0);
    fake_http_wait(server, 1);
    int64_t start = clock_monotonic_ms();
    queue_cancel(queue);
    pthread_join(r.thread, NULL);
    assert_true(clock_monotonic_ms() - start < LONG_MS);
    assert_true(r.ok);
    assert_int_equal(r.count, 0);
    struct queue_message m[10];
    struct err err = {0};
    size_t count = 5;
    assert_true(queue_receive(queue, 10, 20, 60, mem, m, &count, &err));
    assert_int_equal(count, 0);
    assert_int_equal(fake_http_count(server), 1);
    assert_true(queue_delete(queue, TEXT("r"), mem, &err));
    assert_int_equal(fake_http_count(server), 2);
    arena_free(r.mem);
}

/* ---- send ---- */

static void test_one_entry_is_a_batch_too(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Successful\":[{\"Id\":\"0\",\"MessageId\":\"x\",\"MD5OfMessageBody\":\"" HELLO_MD5 "\"}]}"}};
    struct queue_entry e = {.body = TEXT("hello"), .group = TEXT("42"), .delay_s = 7};
    struct err err = {0};
    script_one(SCRIPT);
    assert_true(queue_send(queue, &e, 1, mem, &err));
    assert_true(e.accepted);
    assert_true(fake_http_head_has(server, 0, "X-Amz-Target: AmazonSQS.SendMessageBatch\r\n"));
    assert_string_equal(fake_http_request(server, 0).body,
                        "{\"QueueUrl\":\"" QUEUE_URL "\",\"Entries\":[{\"Id\":\"0\",\"MessageBody\":\"hello\","
                        "\"DelaySeconds\":7,\"MessageGroupId\":\"42\"}]}");
}

static void test_each_entry_of_a_batch_has_its_own_fate(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body =
             "{\"Successful\":[{\"Id\":\"2\"},{\"Id\":\"9\"},{\"Id\":\"-1\"},{\"Id\":\"x\"},5],"
             "\"Failed\":[{\"Id\":\"0\",\"SenderFault\":false,\"Code\":\"InternalError\",\"Message\":\"try again\"},"
             "{\"Id\":\"1\",\"SenderFault\":true,\"Code\":\"InvalidMessageContents\"}]}"}};
    struct queue_entry e[4] = {{.body = TEXT("a")}, {.body = TEXT("b")}, {.body = TEXT("c")}, {.body = TEXT("d")}};
    struct err err = {0};
    script_one(SCRIPT);
    assert_true(queue_send(queue, e, 4, mem, &err));
    assert_false(e[0].accepted || e[0].sender_fault);
    assert_string_equal(e[0].reason, "InternalError: try again");
    assert_false(e[1].accepted);
    assert_true(e[1].sender_fault);
    assert_true(e[2].accepted);
    assert_string_equal(e[2].reason, "");
    assert_false(e[3].accepted || e[3].sender_fault);
    assert_string_equal(e[3].reason, "the answer did not name this entry");
}

static void test_a_body_that_arrived_altered_is_not_accepted(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "{\"Successful\":[{\"Id\":\"0\",\"MD5OfMessageBody\":\"" HELLO_MD5 "\"}]}"}};
    struct queue_entry e = {.body = TEXT("hallo")};
    struct err err = {0};
    script_one(SCRIPT);
    assert_true(queue_send(queue, &e, 1, mem, &err));
    assert_false(e.accepted || e.sender_fault);
}

static void test_a_failed_call_says_so_and_accepts_nothing(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 503, .body = "busy"}, {.body = "[]"}};
    fake_http_script(server, SCRIPT, 2);
    for (size_t i = 0; i < ARRAY_LEN(SCRIPT); i++) {
        struct queue_entry e = {.body = TEXT("hello"), .accepted = true, .sender_fault = true};
        struct err err = {0};
        assert_false(queue_send(queue, &e, 1, mem, &err));
        assert_int_equal(err.code, ERR_UNAVAILABLE);
        assert_false(e.accepted || e.sender_fault);
        assert_string_not_equal(e.reason, "");
    }
}

static void test_entries_that_sqs_would_refuse_are_not_sent(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"Successful\":[{\"Id\":\"3\"}]}"}};
    char *large = malloc(QUEUE_BODY_MAX + 1);
    assert_non_null(large);
    memset(large, 'x', QUEUE_BODY_MAX + 1);
    struct queue_entry e[] = {
        {.body = TEXT("bell \a")}, {.body = {large, QUEUE_BODY_MAX + 1}},        {.body = TEXT("")},
        {.body = TEXT("fine")},    {.body = TEXT("fine"), .group = TEXT("a b")}, {.body = TEXT("\xff")},
        {.body = TEXT_NONE}};
    struct err err = {0};
    script_one(SCRIPT);
    assert_true(queue_send(queue, e, ARRAY_LEN(e), mem, &err));
    for (size_t i = 0; i < ARRAY_LEN(e); i++) {
        assert_int_equal(e[i].accepted, i == 3);
        assert_int_equal(e[i].sender_fault, i != 3);
    }
    AUTO(json_doc) struct json_doc *doc = sent_json(0);
    const struct json_node *entries;
    assert_true(json_get(json_root(doc), "Entries", &entries));
    assert_int_equal(json_count(entries), 1);
    free(large);
}

static void test_when_nothing_can_be_sent_nothing_is_asked(void **state)
{
    (void)state;
    struct queue_entry e = {.body = TEXT("")};
    struct err err = {0};
    assert_true(queue_send(queue, &e, 1, mem, &err));
    assert_true(queue_send(queue, NULL, 0, mem, &err));
    assert_true(e.sender_fault);
    assert_int_equal(fake_http_count(server), 0);
}

static void test_more_than_a_batch_is_our_fault(void **state)
{
    (void)state;
    struct queue_entry e[QUEUE_BATCH_MAX + 1] = {{.body = TEXT("a")}};
    struct err err = {0};
    assert_false(queue_send(queue, e, ARRAY_LEN(e), mem, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

static void test_delays_are_brought_into_sqs_limits(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{}"}};
    struct queue_entry e[] = {{.body = TEXT("a"), .delay_s = 901}, {.body = TEXT("b"), .delay_s = -1}};
    struct err err = {0};
    script_one(SCRIPT);
    assert_true(queue_send(queue, e, 2, mem, &err));
    AUTO(json_doc) struct json_doc *doc = sent_json(0);
    const struct json_node *entries;
    assert_true(json_get(json_root(doc), "Entries", &entries));
    assert_int_equal(json_get_int(json_at(entries, 0), "DelaySeconds", -1), 900);
    assert_int_equal(json_get_int(json_at(entries, 1), "DelaySeconds", -1), 0);
}

static void fill_large(char *body)
{
    memset(body, '"', QUEUE_BODY_MAX); /* each doubles in JSON */
}

static void test_large_bodies_go_in_several_calls_that_each_fit_a_batch(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"}]}"},
                                               {.body = "{\"Successful\":[{\"Id\":\"2\"}]}"}};
    char *large = malloc(QUEUE_BODY_MAX);
    assert_non_null(large);
    fill_large(large);
    struct queue_entry e[] = {
        {.body = TEXT("small")}, {.body = {large, QUEUE_BODY_MAX}}, {.body = {large, QUEUE_BODY_MAX}}};
    struct err err = {0};
    fake_http_script(server, SCRIPT, 2);
    assert_true(queue_send(queue, e, 3, mem, &err));
    assert_true(e[0].accepted && e[1].accepted && e[2].accepted);
    assert_int_equal(fake_http_count(server), 2);
    free(large);
}

static void test_a_later_call_that_fails_leaves_the_earlier_entries_accepted(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"Successful\":[{\"Id\":\"0\"}]}"}, {.status = 500}};
    char *large = malloc(QUEUE_BODY_MAX);
    assert_non_null(large);
    fill_large(large);
    struct queue_entry e[] = {{.body = {large, QUEUE_BODY_MAX}}, {.body = {large, QUEUE_BODY_MAX}}};
    struct err err = {0};
    fake_http_script(server, SCRIPT, 2);
    assert_true(queue_send(queue, e, 2, mem, &err));
    assert_true(e[0].accepted);
    assert_false(e[1].accepted || e[1].sender_fault);
    assert_non_null(strstr(e[1].reason, "500"));
    free(large);
}

static void test_legal_bodies_are_those_of_xml(void **state)
{
    (void)state;
    static const struct {
        struct text body;
        bool legal;
    } CASES[] = {
        {{"tab\t lf\n cr\r", 11}, true},
        {{"ti\xe1\xba\xbfng Vi\xe1\xbb\x87t \xf0\x9f\x98\x80", 19}, true},
        {{"\x7f\xc2\x80", 3}, true},
        {{"\xef\xbf\xbd", 3}, true},
        {{"a\0b", 3}, false},
        {{"\x1f", 1}, false},
        {{"\xef\xbf\xbe", 3}, false},
        {{"\xef\xbf\xbf", 3}, false},
        {{"\xed\xa0\x80", 3}, false},
        {{"\xc0\x80", 2}, false},
        {{"\xef\xbf", 2}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        if (queue_body_is_legal(CASES[i].body) != CASES[i].legal)
            fail_msg("case %zu", i);
    }
}

/* ---- delete, depth ---- */

static void test_an_old_receipt_handle_counts_as_deleted(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = ""},
        {.status = 400, .body = "{\"__type\":\"ReceiptHandleIsInvalid\",\"message\":\"x\"}"},
        {.status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#ReceiptHandleIsInvalid\"}"}};
    fake_http_script(server, SCRIPT, 3);
    for (size_t i = 0; i < ARRAY_LEN(SCRIPT); i++) {
        struct err err = {0};
        assert_true(queue_delete(queue, TEXT("handle+/="), mem, &err));
        assert_int_equal(err.code, ERR_NONE);
    }
    assert_true(fake_http_head_has(server, 0, "X-Amz-Target: AmazonSQS.DeleteMessage\r\n"));
    AUTO(json_doc) struct json_doc *doc = sent_json(0);
    assert_true(text_eq(json_get_text(json_root(doc), "ReceiptHandle"), TEXT("handle+/=")));
}

static void test_other_refusals_of_a_delete_are_errors(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 403, .body = "{\"__type\":\"AccessDeniedException\"}"},
                                               {.status = 500}};
    fake_http_script(server, SCRIPT, 2);
    for (size_t i = 0; i < ARRAY_LEN(SCRIPT); i++) {
        struct err err = {0};
        assert_false(queue_delete(queue, TEXT("r"), mem, &err));
        assert_int_equal(err.code, ERR_UNAVAILABLE);
    }
}

static void test_the_depth_is_three_counts(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body =
             "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"5\",\"ApproximateNumberOfMessagesNotVisible\":\"2\","
             "\"ApproximateNumberOfMessagesDelayed\":\"1\",\"Other\":\"x\"}}"},
        {.body = "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"5\"}}"},
        {.body = "{}"},
        {.body = "x"}};
    int64_t visible = 0, in_flight = 0, delayed = 0;
    struct err err = {0};
    fake_http_script(server, SCRIPT, 4);
    assert_true(queue_depth(queue, &visible, &in_flight, &delayed, mem, &err));
    assert_int_equal(visible, 5);
    assert_int_equal(in_flight, 2);
    assert_int_equal(delayed, 1);
    assert_true(fake_http_head_has(server, 0, "X-Amz-Target: AmazonSQS.GetQueueAttributes\r\n"));
    for (size_t i = 1; i < ARRAY_LEN(SCRIPT); i++) {
        assert_false(queue_depth(queue, &visible, &in_flight, &delayed, mem, &err));
        assert_int_equal(err.code, ERR_UNAVAILABLE);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    struct err err = {0};
    if (!http_global_init(&err))
        return 1;
    const struct CMUnitTest tests[] = {
        TEST(test_without_an_endpoint_the_queues_own_host_is_asked),
        TEST(test_a_queue_needs_a_url_and_a_region),
        TEST(test_a_receive_asks_for_what_it_needs),
        TEST(test_values_beyond_sqs_limits_are_brought_into_them),
        TEST(test_an_empty_queue_answers_without_messages),
        TEST(test_a_message_comes_with_body_receipt_and_counts),
        TEST(test_a_message_that_does_not_fit_its_md5_is_left_out),
        TEST(test_odd_messages_are_left_out_and_odd_answers_are_errors),
        TEST(test_attributes_may_lack_or_be_odd),
        TEST(test_no_memory_for_messages_is_told),
        TEST(test_answers_that_are_not_sqs_own_are_transient),
        TEST(test_cancel_ends_a_long_poll_and_all_later_ones_but_no_delete),
        TEST(test_one_entry_is_a_batch_too),
        TEST(test_each_entry_of_a_batch_has_its_own_fate),
        TEST(test_a_body_that_arrived_altered_is_not_accepted),
        TEST(test_a_failed_call_says_so_and_accepts_nothing),
        TEST(test_entries_that_sqs_would_refuse_are_not_sent),
        TEST(test_when_nothing_can_be_sent_nothing_is_asked),
        TEST(test_more_than_a_batch_is_our_fault),
        TEST(test_delays_are_brought_into_sqs_limits),
        TEST(test_large_bodies_go_in_several_calls_that_each_fit_a_batch),
        TEST(test_a_later_call_that_fails_leaves_the_earlier_entries_accepted),
        TEST(test_legal_bodies_are_those_of_xml),
        TEST(test_an_old_receipt_handle_counts_as_deleted),
        TEST(test_other_refusals_of_a_delete_are_errors),
        TEST(test_the_depth_is_three_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
