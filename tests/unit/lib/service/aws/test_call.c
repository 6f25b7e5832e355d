#include "service/aws/call.h"

#include "base/clock.h"
#include "base/date.h"
#include "lib/service/fake_http.h"
#include "service/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fake_http *server, *metadata;
static struct arena *mem;

static int setup(void **state)
{
    (void)state;
    server = fake_http_start();
    metadata = fake_http_start();
    mem = arena_new(16 * 1024, 4 * 1024 * 1024);
    return mem ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fake_http_stop(server);
    fake_http_stop(metadata);
    arena_free(mem);
    return 0;
}

static struct aws_client *client(struct aws_credentials *creds)
{
    struct aws_client_options opts = {.service = "sqs",
                                      .region = "ap-southeast-1",
                                      .endpoint_url = fake_http_url(server),
                                      .target_prefix = "AmazonSQS",
                                      .content_type = "application/x-amz-json-1.0",
                                      .connect_timeout_ms = 5000,
                                      .total_timeout_ms = 20000,
                                      .response_max = 65536,
                                      .handles = 2};
    struct err err = {0};
    struct aws_client *c = aws_client_open(&opts, creds, &err);
    assert_non_null(c);
    return c;
}

static struct aws_credentials *static_keys(void)
{
    struct aws_credentials_options opts = {.access_key_id = "AKIDSTATIC", .secret_access_key = "secret"};
    struct err err = {0};
    struct aws_credentials *creds = aws_credentials_open(&opts, &err);
    assert_non_null(creds);
    return creds;
}

static bool call(struct aws_client *c, struct aws_answer *answer, struct err *err)
{
    struct aws_request req = {.action = "ReceiveMessage", .body = TEXT("{}")};
    *err = (struct err){0};
    return aws_call(c, &req, mem, answer, err);
}

/* "\r\nX-Amz-Date: 20..." of a request's head as an instant. */
static int64_t sent_at_ms(size_t i)
{
    const char *p = strcasestr(fake_http_request(server, i).head, "x-amz-date: ");
    unsigned y, mo, d, h, mi, s;
    assert_non_null(p);
    assert_int_equal(sscanf(p + 12, "%4u%2u%2uT%2u%2u%2uZ", &y, &mo, &d, &h, &mi, &s), 6);
    return instant_join((struct instant_parts){
        .year = (int)y, .month = (int)mo, .day = (int)d, .hour = (int)h, .minute = (int)mi, .second = (int)s});
}

static void test_a_call_goes_to_the_root_of_the_endpoint_signed(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "{\"a\":1}"}};
    fake_http_script(server, SCRIPT, 1);
    struct aws_credentials *creds = static_keys();
    struct aws_client *c = client(creds);
    struct aws_answer answer;
    struct err err;
    assert_true(call(c, &answer, &err));
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body.p, "{\"a\":1}");
    assert_true(fake_http_head_has(server, 0, "POST / HTTP/1.1\r\n"));
    assert_true(fake_http_head_has(server, 0, "X-Amz-Target: AmazonSQS.ReceiveMessage\r\n"));
    assert_true(fake_http_head_has(server, 0, "Content-Type: application/x-amz-json-1.0\r\n"));
    assert_true(fake_http_head_has(server, 0, "Credential=AKIDSTATIC/"));
    assert_true(fake_http_head_has(server, 0,
                                   "/ap-southeast-1/sqs/aws4_request, "
                                   "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="));
    char host[128];
    snprintf(host, sizeof(host), "Host: %s\r\n", fake_http_host(server));
    assert_true(fake_http_head_has(server, 0, host));
    aws_client_close(c);
    aws_credentials_close(creds);
}

static void test_a_skewed_clock_is_corrected_by_the_answers_date_once_and_kept(void **state)
{
    (void)state;
    static const char SKEW[] = "{\"__type\":\"com.amazon.coral.service#InvalidSignatureException\","
                               "\"message\":\"Signature expired\"}";
    static const struct fake_reply SCRIPT[] = {
        {.status = 400, .headers = "Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n", .body = SKEW},
        {.body = "{}"},
        {.body = "{}"}};
    fake_http_script(server, SCRIPT, 3);
    struct aws_credentials *creds = static_keys();
    struct aws_client *c = client(creds);
    struct aws_answer answer;
    struct err err;
    const int64_t theirs = 1893456000000LL, minute = 60000;
    assert_true(call(c, &answer, &err));
    assert_true(call(c, &answer, &err));
    assert_int_equal(fake_http_count(server), 3);
    assert_true(llabs((long long)(sent_at_ms(0) - clock_now_ms())) < minute);
    assert_true(llabs((long long)(sent_at_ms(1) - theirs)) < minute);
    assert_true(llabs((long long)(sent_at_ms(2) - theirs)) < minute);
    aws_client_close(c);
    aws_credentials_close(creds);
}

static void test_a_second_skew_error_is_not_tried_a_third_time(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 403,
                                                .headers = "Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n",
                                                .body = "{\"__type\":\"RequestExpired\"}"},
                                               {.status = 403,
                                                .headers = "Date: Wed, 01 Jan 2031 00:00:00 GMT\r\n",
                                                .body = "{\"__type\":\"RequestExpired\"}"},
                                               {.body = "{}"}};
    fake_http_script(server, SCRIPT, 3);
    struct aws_credentials *creds = static_keys();
    struct aws_client *c = client(creds);
    struct aws_answer answer;
    struct err err;
    assert_false(call(c, &answer, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_string_equal(answer.code, "RequestExpired");
    assert_int_equal(fake_http_count(server), 2);
    aws_client_close(c);
    aws_credentials_close(creds);
}

static void test_a_wrong_secret_is_not_taken_for_a_wrong_clock(void **state)
{
    (void)state;
    char date[64], now[INSTANT_TEXT_MAX];
    int64_t now_ms = clock_now_ms();
    static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    instant_format(now_ms, now);
    snprintf(date, sizeof(date), "Date: Mon, %.2s %s %.4s %.8s GMT\r\n", now + 8,
             MONTHS[instant_split(now_ms).month - 1], now, now + 11);
    const struct fake_reply script[] = {
        {.status = 403, .headers = date, .body = "{\"__type\":\"SignatureDoesNotMatch\",\"Message\":\"no\"}"}};
    fake_http_script(server, script, 1);
    struct aws_credentials *creds = static_keys();
    struct aws_client *c = client(creds);
    struct aws_answer answer;
    struct err err;
    assert_false(call(c, &answer, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_int_equal(fake_http_count(server), 1);
    aws_client_close(c);
    aws_credentials_close(creds);
}

#define DOCUMENT(key)                                                                                                  \
    "{\"AccessKeyId\":\"" key "\",\"SecretAccessKey\":\"s\",\"Token\":\"t-" key                                        \
    "\",\"Expiration\":\"2099-01-01T00:00:00Z\"}"

static struct aws_credentials *container_keys(void)
{
    char uri[128];
    snprintf(uri, sizeof(uri), "%s/creds", fake_http_url(metadata));
    struct aws_credentials_options opts = {.container_full_uri = uri, .timeout_ms = 5000};
    struct err err = {0};
    struct aws_credentials *creds = aws_credentials_open(&opts, &err);
    assert_non_null(creds);
    return creds;
}

static void test_an_expired_token_forces_one_refresh_and_one_new_signature(void **state)
{
    (void)state;
    static const struct fake_reply KEYS[] = {{.body = DOCUMENT("AKIDONE")}, {.body = DOCUMENT("AKIDTWO")}};
    static const struct fake_reply SCRIPT[] = {{.status = 403, .body = "{\"__type\":\"ExpiredTokenException\"}"},
                                               {.body = "{}"}};
    fake_http_script(metadata, KEYS, 2);
    fake_http_script(server, SCRIPT, 2);
    struct aws_credentials *creds = container_keys();
    struct aws_client *c = client(creds);
    struct aws_answer answer;
    struct err err;
    assert_true(call(c, &answer, &err));
    assert_true(fake_http_head_has(server, 0, "Credential=AKIDONE/"));
    assert_true(fake_http_head_has(server, 0, "x-amz-security-token: t-AKIDONE"));
    assert_true(fake_http_head_has(server, 1, "Credential=AKIDTWO/"));
    assert_true(fake_http_head_has(server, 1, "x-amz-security-token: t-AKIDTWO"));
    aws_client_close(c);
    aws_credentials_close(creds);
}

static void test_static_keys_that_are_refused_are_not_tried_again(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.status = 403, .body = "{\"__type\":\"com.amazon.coral.service#UnrecognizedClientException\"}"}};
    fake_http_script(server, SCRIPT, 1);
    struct aws_credentials *creds = static_keys();
    struct aws_client *c = client(creds);
    struct aws_answer answer;
    struct err err;
    assert_false(call(c, &answer, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_string_equal(answer.code, "UnrecognizedClientException");
    assert_int_equal(fake_http_count(server), 1);
    aws_client_close(c);
    aws_credentials_close(creds);
}

static void test_nothing_else_is_retried(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.status = 503, .body = "busy"},
                                               {.status = 400, .body = "{\"__type\":\"ThrottlingException\"}"},
                                               {.status = 400, .body = "{\"__type\":\"x#InvalidMessageContents\"}"},
                                               {.body = "{", .truncate = true}};
    static const enum err_code CODES[] = {ERR_UNAVAILABLE, ERR_UNAVAILABLE, ERR_INTERNAL, ERR_UNAVAILABLE};
    fake_http_script(server, SCRIPT, 4);
    struct aws_credentials *creds = static_keys();
    struct aws_client *c = client(creds);
    for (size_t i = 0; i < ARRAY_LEN(SCRIPT); i++) {
        struct aws_answer answer;
        struct err err;
        assert_false(call(c, &answer, &err));
        assert_int_equal(err.code, CODES[i]);
        assert_int_equal(fake_http_count(server), i + 1);
    }
    aws_client_close(c);
    aws_credentials_close(creds);
}

/* ---- without I/O ---- */

static void test_error_bodies_are_read_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code, *message;
    } CASES[] = {
        {"{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"gone\"}", "QueueDoesNotExist", "gone"},
        {"{\"__type\":\"QueueDoesNotExist\",\"Message\":\"Gone\"}", "QueueDoesNotExist", "Gone"},
        {"{\"__type\":\"FooError:http://internal.amazon.com/x\"}", "FooError", ""},
        {"{\"message\":\"no type\\nhere\",\"extra\":{\"a\":[1]}}", "", "no type here"},
        {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>No</Message></Error>", "AccessDenied", "No"},
        {"<html><body>403 Forbidden</body></html>", "", ""},
        {"<Error><Code>Cut", "", ""},
        {"", "", ""},
        {"not json", "", ""},
        {"[1,2]", "", ""},
        {"{\"__type\":7}", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct aws_answer a = {.code = "left over", .message = "left over"};
        aws_error_parse(text_of(CASES[i].body), &a);
        assert_string_equal(a.code, CASES[i].code);
        assert_string_equal(a.message, CASES[i].message);
    }
}

static void test_a_long_error_is_cut_and_not_overrun(void **state)
{
    (void)state;
    char body[2000];
    struct aws_answer a;
    snprintf(body, sizeof(body), "{\"__type\":\"%0900d\",\"message\":\"%0900d\"}", 1, 1);
    aws_error_parse(text_of(body), &a);
    assert_int_equal(strlen(a.code), sizeof(a.code) - 1);
    assert_int_equal(strlen(a.message), sizeof(a.message) - 1);
}

static void test_errors_map_to_what_may_heal_and_what_is_our_fault(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *code;
        enum err_code err;
    } CASES[] = {
        {403, "AccessDenied", ERR_UNAVAILABLE},       {403, "", ERR_UNAVAILABLE},
        {400, "QueueDoesNotExist", ERR_UNAVAILABLE},  {400, "RequestThrottled", ERR_UNAVAILABLE},
        {500, "InternalFailure", ERR_UNAVAILABLE},    {503, "", ERR_UNAVAILABLE},
        {429, "Whatever", ERR_UNAVAILABLE},           {302, "", ERR_UNAVAILABLE},
        {400, "InvalidParameterValue", ERR_INTERNAL}, {400, "ConditionalCheckFailedException", ERR_CONFLICT},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        assert_int_equal(aws_err_code(CASES[i].status, CASES[i].code), CASES[i].err);
}

static void test_http_dates_are_read_and_other_text_is_not(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_true(aws_date_parse(TEXT("Sun, 06 Nov 1994 08:49:37 GMT"), &ms));
    assert_int_equal(ms, 784111777000LL);
    static const char *const BAD[] = {"",
                                      "06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Foo 1994 08:49:37 GMT",
                                      "Sun, 06 anF 1994 08:49:37 GMT",
                                      "Sun, 41 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 28:49:37 GMT",
                                      "Sunday, 06-Nov-94 08:49:37 GMT and more text"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_false(aws_date_parse(text_of(BAD[i]), &ms));
    assert_false(aws_date_parse(TEXT_NONE, &ms));
}

static void test_endpoints_are_cut_to_their_origin_and_hosts_lose_the_default_port(void **state)
{
    (void)state;
    static const struct {
        const char *url, *endpoint, *host;
    } CASES[] = {
        {"https://sqs.ap-southeast-1.amazonaws.com/1234/jobs", "https://sqs.ap-southeast-1.amazonaws.com",
         "sqs.ap-southeast-1.amazonaws.com"},
        {"http://127.0.0.1:4566/000000000000/q?x#y", "http://127.0.0.1:4566", "127.0.0.1:4566"},
        {"https://host:443/", "https://host:443", "host"},
        {"http://host:80", "http://host:80", "host"},
        {"http://host:443", "http://host:443", "host:443"},
        {"http://[::1]:4566/", "http://[::1]:4566", "[::1]:4566"},
    };
    char endpoint[64], host[64];
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_true(aws_endpoint_of(CASES[i].url, endpoint, sizeof(endpoint)));
        assert_string_equal(endpoint, CASES[i].endpoint);
        assert_non_null(aws_host_of(endpoint, host, sizeof(host)).p);
        assert_string_equal(host, CASES[i].host);
    }
    static const char *const BAD[] = {"",
                                      "sqs.amazonaws.com",
                                      "ftp://host/",
                                      "https:///path",
                                      "http://user@host/",
                                      "http://a\nb/",
                                      "https://a-name-that-is-far-too-long-for-the-buffer.example.amazonaws.com.cn/"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        assert_false(aws_endpoint_of(BAD[i], endpoint, sizeof(endpoint)));
}

static void test_a_client_needs_a_region_and_an_http_endpoint(void **state)
{
    (void)state;
    struct aws_credentials *creds = static_keys();
    struct aws_client_options good = {
        .service = "sqs", .region = "r", .endpoint_url = "http://h", .target_prefix = "A", .content_type = "x"};
    struct aws_client_options bad[] = {good, good, good};
    bad[0].region = "";
    bad[1].endpoint_url = NULL;
    bad[2].endpoint_url = "jobs";
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_null(aws_client_open(&bad[i], creds, &err));
        assert_int_equal(err.code, ERR_INTERNAL);
    }
    aws_credentials_close(creds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    struct err err = {0};
    if (!http_global_init(&err))
        return 1;
    const struct CMUnitTest tests[] = {
        TEST(test_a_call_goes_to_the_root_of_the_endpoint_signed),
        TEST(test_a_skewed_clock_is_corrected_by_the_answers_date_once_and_kept),
        TEST(test_a_second_skew_error_is_not_tried_a_third_time),
        TEST(test_a_wrong_secret_is_not_taken_for_a_wrong_clock),
        TEST(test_an_expired_token_forces_one_refresh_and_one_new_signature),
        TEST(test_static_keys_that_are_refused_are_not_tried_again),
        TEST(test_nothing_else_is_retried),
        cmocka_unit_test(test_error_bodies_are_read_in_every_form),
        cmocka_unit_test(test_a_long_error_is_cut_and_not_overrun),
        cmocka_unit_test(test_errors_map_to_what_may_heal_and_what_is_our_fault),
        cmocka_unit_test(test_http_dates_are_read_and_other_text_is_not),
        cmocka_unit_test(test_endpoints_are_cut_to_their_origin_and_hosts_lose_the_default_port),
        cmocka_unit_test(test_a_client_needs_a_region_and_an_http_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
