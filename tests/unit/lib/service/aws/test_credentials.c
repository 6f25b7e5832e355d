#include "service/aws/credentials.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/date.h"
#include "lib/service/fake_http.h"
#include "service/http.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000 };

static struct fake_http *server;

static int setup(void **state)
{
    (void)state;
    server = fake_http_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_http_stop(server);
    return 0;
}

static struct aws_credentials *opened(const struct aws_credentials_options *opts)
{
    struct err err = {0};
    struct aws_credentials *c = aws_credentials_open(opts, &err);
    if (!c)
        fail_msg("%s", err.detail);
    return c;
}

static struct aws_keys got(struct aws_credentials *c)
{
    struct aws_keys keys;
    struct err err = {0};
    if (!aws_credentials_get(c, &keys, &err))
        fail_msg("%s %s", err.detail, err.cause);
    return keys;
}

static void gives_none(struct aws_credentials *c, const char *cause)
{
    struct aws_keys keys;
    struct err err = {0};
    assert_false(aws_credentials_get(c, &keys, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    if (!strstr(err.cause, cause))
        fail_msg("'%s' in '%s'", cause, err.cause);
}

/* Polls until the access key id is the wanted one. */
static void becomes(struct aws_credentials *c, const char *id)
{
    int64_t until = clock_monotonic_ms() + WAIT_MS;
    struct aws_keys keys = {0};
    struct err err = {0};
    do {
        if (aws_credentials_get(c, &keys, &err) && strcmp(keys.access_key_id, id) == 0)
            return;
        poll(NULL, 0, 10);
    } while (clock_monotonic_ms() < until);
    fail_msg("the key stayed %s", keys.access_key_id);
}

/* ---- the order of the sources ---- */

static void test_static_keys_of_the_environment_win_over_the_container(void **state)
{
    (void)state;
    struct aws_credentials_options opts = {.access_key_id = "AKID",
                                           .secret_access_key = "secret",
                                           .session_token = "tok",
                                           .container_full_uri = fake_http_url(server)};
    struct aws_credentials *c = opened(&opts);
    struct aws_keys keys = got(c);
    struct sigv4_keys view = aws_keys_view(&keys);
    assert_string_equal(keys.access_key_id, "AKID");
    assert_string_equal(keys.secret_access_key, "secret");
    assert_true(text_eq(view.session_token, TEXT("tok")));
    assert_int_equal(keys.expires_at_ms, 0);
    assert_false(aws_credentials_renew(c, keys.generation));
    assert_int_equal(fake_http_count(server), 0);
    aws_credentials_close(c);
}

static void test_empty_settings_are_absent_ones(void **state)
{
    (void)state;
    struct aws_credentials_options opts = {.access_key_id = "",
                                           .secret_access_key = "",
                                           .container_relative_uri = "",
                                           .container_full_uri = "",
                                           .imds_disabled = true};
    struct aws_credentials *c = opened(&opts);
    gives_none(c, "neither in the environment");
    aws_credentials_close(c);
}

static void test_the_environments_variables_are_those_of_aws_own_tools(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "a", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
    setenv("AWS_SESSION_TOKEN", "c", 1);
    setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/d", 1);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/e", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "f", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "g", 1);
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://h", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
    struct aws_credentials_options o = aws_credentials_environment();
    assert_string_equal(o.access_key_id, "a");
    assert_string_equal(o.secret_access_key, "b");
    assert_string_equal(o.session_token, "c");
    assert_string_equal(o.container_relative_uri, "/d");
    assert_string_equal(o.container_full_uri, "http://localhost/e");
    assert_string_equal(o.container_token, "f");
    assert_string_equal(o.container_token_file, "g");
    assert_string_equal(o.imds_endpoint, "http://h");
    assert_true(o.imds_disabled);
}

static void test_a_set_is_gone_after_a_wipe(void **state)
{
    (void)state;
    struct aws_keys keys = {.secret_access_key = "secret"}, zero = {0};
    aws_keys_wipe(&keys);
    assert_memory_equal(&keys, &zero, sizeof(keys));
}

/* ---- the container endpoint ---- */

#define DOCUMENT(key, ends)                                                                                            \
    "{\"RoleArn\":\"x\",\"AccessKeyId\":\"" key "\",\"SecretAccessKey\":\"s-" key "\",\"Token\":\"t-" key              \
    "\",\"Expiration\":\"" ends "\"}"
#define FAR "2099-01-01T00:00:00Z"
#define PAST "2020-01-01T00:00:00Z"

static void test_the_container_endpoint_is_asked_with_its_token(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = DOCUMENT("AKIDC", FAR)}};
    fake_http_script(server, SCRIPT, 1);
    struct aws_credentials_options opts = {.container_relative_uri = "/v2/creds?id=1",
                                           .container_token = "Basic abc",
                                           .container_endpoint = fake_http_url(server),
                                           .timeout_ms = 5000};
    struct aws_credentials *c = opened(&opts);
    struct aws_keys keys = got(c);
    assert_string_equal(keys.access_key_id, "AKIDC");
    assert_string_equal(keys.secret_access_key, "s-AKIDC");
    assert_string_equal(keys.session_token, "t-AKIDC");
    assert_int_equal(keys.expires_at_ms, 4070908800000LL);
    assert_true(fake_http_head_has(server, 0, "GET /v2/creds?id=1 HTTP/1.1\r\n"));
    assert_true(fake_http_head_has(server, 0, "Authorization: Basic abc\r\n"));
    assert_int_equal(fake_http_count(server), 1);
    aws_credentials_close(c);
}

static void test_the_token_file_wins_and_loses_its_line_end(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = DOCUMENT("AKIDF", FAR)}};
    char path[] = "/tmp/token-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "from-file\n", 10), 10);
    close(fd);
    fake_http_script(server, SCRIPT, 1);
    struct aws_credentials_options opts = {.container_full_uri = fake_http_url(server),
                                           .container_token = "from-env",
                                           .container_token_file = path,
                                           .timeout_ms = 5000};
    struct aws_credentials *c = opened(&opts);
    got(c);
    assert_true(fake_http_head_has(server, 0, "Authorization: from-file\r\n"));
    aws_credentials_close(c);
    unlink(path);
}

static void test_a_missing_token_file_is_told_and_nothing_is_asked(void **state)
{
    (void)state;
    struct aws_credentials_options opts = {.container_full_uri = fake_http_url(server),
                                           .container_token_file = "/nonexistent/token"};
    struct aws_credentials *c = opened(&opts);
    gives_none(c, "token file");
    assert_int_equal(fake_http_count(server), 0);
    aws_credentials_close(c);
}

static void test_only_known_container_addresses_may_be_asked(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        bool allowed;
    } CASES[] = {
        {"https://anything.example/creds", true},
        {"http://127.0.0.1:1/x", true},
        {"http://127.9.9.9", true},
        {"http://localhost:80/x", true},
        {"http://[::1]:80/x", true},
        {"http://169.254.170.2/x", true},
        {"http://169.254.170.23/v1/credentials", true},
        {"http://[fd00:ec2::23]/v1", true},
        {"http://169.254.169.254/latest", false},
        {"http://example.com/x", false},
        {"http://127.0.0.1.evil.com/", false},
        {"http://127.0.0.1@evil.com/", false},
        {"http://localhost.evil.com/", false},
        {"http://[::1/x", false},
        {"ftp://127.0.0.1/", false},
        {"", false},
        {"https://", false},
        {"file:///etc/passwd", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        if (credentials_uri_allowed(CASES[i].uri) != CASES[i].allowed)
            fail_msg("%s", CASES[i].uri);
    }
    struct aws_credentials_options opts = {.container_full_uri = "http://example.com/x"};
    struct err err = {0};
    assert_null(aws_credentials_open(&opts, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

/* ---- IMDSv2 ---- */

static struct aws_credentials *from_imds(void)
{
    struct aws_credentials_options opts = {.imds_endpoint = fake_http_url(server), .timeout_ms = 5000};
    return opened(&opts);
}

#define ROLE_DOCUMENT(key)                                                                                             \
    "{\"Code\":\"Success\",\"LastUpdated\":\"2020-01-01T00:00:00Z\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"" key      \
    "\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"" FAR "\"}"

static void test_the_instances_role_comes_by_a_token_then_its_name_then_its_document(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "tok=="}, {.body = "my-role\n"}, {.body = ROLE_DOCUMENT("AKIDI")}};
    fake_http_script(server, SCRIPT, 3);
    struct aws_credentials *c = from_imds();
    assert_string_equal(got(c).access_key_id, "AKIDI");
    assert_true(fake_http_head_has(server, 0, "PUT /latest/api/token HTTP/1.1\r\n"));
    assert_true(fake_http_head_has(server, 0, "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
    assert_false(fake_http_head_has(server, 0, "X-Forwarded-For"));
    assert_true(fake_http_head_has(server, 1, "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\n"));
    assert_true(fake_http_head_has(server, 1, "X-aws-ec2-metadata-token: tok==\r\n"));
    assert_true(fake_http_head_has(server, 2, "GET /latest/meta-data/iam/security-credentials/my-role HTTP/1.1\r\n"));
    aws_credentials_close(c);
}

static void test_a_401_means_a_new_imds_token(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = "old"}, {.body = "role"}, {.status = 401}, {.body = "new"}, {.body = ROLE_DOCUMENT("AKIDN")}};
    fake_http_script(server, SCRIPT, 5);
    struct aws_credentials *c = from_imds();
    assert_string_equal(got(c).access_key_id, "AKIDN");
    assert_true(fake_http_head_has(server, 4, "X-aws-ec2-metadata-token: new\r\n"));
    aws_credentials_close(c);
}

static void test_the_imds_token_is_kept_for_the_next_fetch(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = "tok"},
                                               {.body = "role"},
                                               {.body = ROLE_DOCUMENT("AKID1")},
                                               {.body = "role"},
                                               {.body = ROLE_DOCUMENT("AKID2")}};
    fake_http_script(server, SCRIPT, 5);
    struct aws_credentials *c = from_imds();
    struct aws_keys first = got(c);
    assert_true(aws_credentials_renew(c, first.generation));
    assert_string_equal(got(c).access_key_id, "AKID2");
    assert_true(fake_http_head_has(server, 3, "GET /latest/meta-data/iam/security-credentials/ "));
    aws_credentials_close(c);
}

static void test_what_imds_may_answer_besides_a_document_gives_no_keys(void **state)
{
    (void)state;
    /* The try after the first one hangs, so that the first one's reason stays to be seen. */
#define TOKEN {.body = "tok"}
#define ROLE {.body = "role"}
#define HANG {.hang = true}
    static const struct {
        struct fake_reply replies[4];
        const char *cause;
    } CASES[] = {
        {{{.status = 403}, HANG}, "token answered status 403"},
        {{{.body = ""}, HANG}, "token answered"},
        {{TOKEN, {.status = 404}, HANG}, "role answered status 404"},
        {{TOKEN, {.body = "../../user-data"}, HANG}, "role answered"},
        {{TOKEN, {.body = ""}, HANG}, "role answered"},
        {{TOKEN, ROLE, {.body = "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}"}, HANG}, "Code AssumeRole"},
        {{TOKEN, ROLE, {.body = "<html>"}, HANG}, "not a JSON object"},
        {{TOKEN, ROLE, {.body = "{", .truncate = true}, HANG}, "http GET"},
        {{TOKEN, ROLE, {.body = "{\"AccessKeyId\":\"a\"}"}, HANG}, "lacks"},
        {{TOKEN, ROLE, {.body = DOCUMENT("AKIDOLD", PAST)}, HANG}, "has expired"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        fake_http_script(server, CASES[i].replies, 4);
        struct aws_credentials_options opts = {.imds_endpoint = fake_http_url(server), .timeout_ms = WAIT_MS};
        struct aws_credentials *c = opened(&opts);
        gives_none(c, CASES[i].cause);
        aws_credentials_close(c);
    }
}

static void test_a_failed_fetch_is_tried_again_by_itself(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.status = 500}, {.body = "tok"}, {.body = "role"}, {.body = ROLE_DOCUMENT("AKIDLATE")}};
    fake_http_script(server, SCRIPT, 4);
    struct aws_credentials *c = from_imds();
    becomes(c, "AKIDLATE");
    assert_int_equal(fake_http_count(server), 4);
    aws_credentials_close(c);
}

static void test_close_does_not_wait_for_a_source_that_hangs(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.hang = true}};
    fake_http_script(server, SCRIPT, 1);
    struct aws_credentials_options opts = {.imds_endpoint = fake_http_url(server), .timeout_ms = 3 * WAIT_MS};
    struct aws_credentials *c = opened(&opts);
    fake_http_wait(server, 1);
    int64_t start = clock_monotonic_ms();
    aws_credentials_close(c);
    assert_true(clock_monotonic_ms() - start < WAIT_MS);
}

/* ---- refreshing ---- */

static struct aws_credentials *from_container(void)
{
    struct aws_credentials_options opts = {.container_full_uri = fake_http_url(server), .timeout_ms = 5000};
    return opened(&opts);
}

/* A document whose keys end in `seconds`. */
static char *document(const char *key, int seconds)
{
    char ends[INSTANT_TEXT_MAX], *text = NULL;
    instant_format(clock_now_ms() + seconds * 1000LL, ends);
    assert_true(asprintf(&text,
                         "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"%s\"}",
                         key, ends) > 0);
    return text;
}

static void test_keys_are_fetched_anew_in_the_background_before_they_end(void **state)
{
    (void)state;
    char *soon = document("AKIDSOON", 4);
    const struct fake_reply script[] = {{.body = soon}, {.body = DOCUMENT("AKIDNEXT", FAR)}};
    fake_http_script(server, script, 2);
    struct aws_credentials *c = from_container();
    struct aws_keys first = got(c);
    assert_string_equal(first.access_key_id, "AKIDSOON");
    becomes(c, "AKIDNEXT");
    assert_int_equal(fake_http_count(server), 2);
    assert_int_equal(got(c).generation, first.generation + 1);
    aws_credentials_close(c);
    free(soon);
}

static void test_the_old_set_is_served_while_refreshing_fails_and_not_after_its_end(void **state)
{
    (void)state;
    char *soon = document("AKIDSOON", 3);
    const struct fake_reply script[] = {{.body = soon}, {.status = 500}, {.hang = true}};
    fake_http_script(server, script, 3);
    struct aws_credentials *c = from_container();
    struct aws_keys first = got(c), keys;
    struct err err = {0};
    fake_http_wait(server, 2);
    int64_t asked_at, until = clock_monotonic_ms() + WAIT_MS;
    do {
        asked_at = clock_now_ms();
        if (!aws_credentials_get(c, &keys, &err))
            break;
        assert_string_equal(keys.access_key_id, "AKIDSOON");
        assert_true(asked_at < first.expires_at_ms);
        poll(NULL, 0, 20);
    } while (clock_monotonic_ms() < until);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_true(clock_now_ms() >= first.expires_at_ms);
    aws_credentials_close(c);
    free(soon);
}

static void test_a_forced_refresh_happens_once_and_then_not_again_for_a_while(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {
        {.body = DOCUMENT("AKID1", FAR)}, {.body = DOCUMENT("AKID2", FAR)}, {.body = DOCUMENT("AKID3", FAR)}};
    fake_http_script(server, SCRIPT, 3);
    struct aws_credentials *c = from_container();
    struct aws_keys first = got(c);
    assert_true(aws_credentials_renew(c, first.generation));
    assert_string_equal(got(c).access_key_id, "AKID2");
    assert_true(aws_credentials_renew(c, first.generation)); /* a newer set is there already */
    assert_false(aws_credentials_renew(c, first.generation + 1));
    assert_int_equal(fake_http_count(server), 2);
    aws_credentials_close(c);
}

static void test_a_forced_refresh_that_fails_keeps_the_old_set(void **state)
{
    (void)state;
    static const struct fake_reply SCRIPT[] = {{.body = DOCUMENT("AKID1", FAR)}, {.status = 500}, {.hang = true}};
    fake_http_script(server, SCRIPT, 3);
    struct aws_credentials *c = from_container();
    struct aws_keys first = got(c);
    assert_false(aws_credentials_renew(c, first.generation));
    assert_string_equal(got(c).access_key_id, "AKID1");
    aws_credentials_close(c);
}

static void test_the_next_fetch_comes_a_quarter_of_an_hour_before_the_end(void **state)
{
    (void)state;
    const int64_t now = 1700000000000LL, minute = 60000;
    static const struct {
        int64_t ends_in_min, fetch_in_s;
    } CASES[] = {
        {360, 345 * 60}, {60, 45 * 60}, {16, 60}, {15, 60}, {5, 60}, {1, 30}, {0, 1}, {-60, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        assert_int_equal(credentials_refresh_at(now, now + CASES[i].ends_in_min * minute),
                         now + CASES[i].fetch_in_s * 1000);
    assert_true(credentials_refresh_at(now, 0) > now);
}

/* ---- parsing ---- */

static void test_documents_are_read_or_refused_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } CASES[] = {
        {"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\"}", true},
        {DOCUMENT("a", FAR), true},
        {"{\"Code\":\"Success\",\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Expiration\":\"2030-01-01T00:00:00Z\"}",
         true},
        {DOCUMENT("a", "soon"), false},
        {"{\"Code\":\"Failed\",\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\"}", false},
        {"{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"b\"}", false},
        {"{\"AccessKeyId\":\"a\\nb\",\"SecretAccessKey\":\"b\"}", false},
        {"{\"AccessKeyId\":5,\"SecretAccessKey\":\"b\"}", false},
        {"[]", false},
        {"null", false},
        {"\"a\"", false},
        {"", false},
        {"{", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct aws_keys keys = {.access_key_id = "untouched"};
        struct err err = {0};
        bool ok = credentials_parse(text_of(CASES[i].text), &keys, &err);
        if (ok != CASES[i].good)
            fail_msg("%s", CASES[i].text);
        assert_string_equal(keys.access_key_id, ok ? "a" : "untouched");
        assert_int_equal(err.code, ok ? ERR_NONE : ERR_UNAVAILABLE);
    }
}

static void test_keys_that_are_too_long_are_refused(void **state)
{
    (void)state;
    static char text[AWS_TOKEN_MAX + 256];
    struct aws_keys keys;
    struct err err = {0};
    snprintf(text, sizeof(text), "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Token\":\"%0*d\"}", AWS_TOKEN_MAX,
             1);
    assert_false(credentials_parse(text_of(text), &keys, &err));
    snprintf(text, sizeof(text), "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Token\":\"%0*d\"}",
             AWS_TOKEN_MAX - 1, 1);
    assert_true(credentials_parse(text_of(text), &keys, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    struct err err = {0};
    if (!http_global_init(&err))
        return 1;
    const struct CMUnitTest tests[] = {
        TEST(test_static_keys_of_the_environment_win_over_the_container),
        TEST(test_empty_settings_are_absent_ones),
        TEST(test_the_environments_variables_are_those_of_aws_own_tools),
        TEST(test_a_set_is_gone_after_a_wipe),
        TEST(test_the_container_endpoint_is_asked_with_its_token),
        TEST(test_the_token_file_wins_and_loses_its_line_end),
        TEST(test_a_missing_token_file_is_told_and_nothing_is_asked),
        TEST(test_only_known_container_addresses_may_be_asked),
        TEST(test_the_instances_role_comes_by_a_token_then_its_name_then_its_document),
        TEST(test_a_401_means_a_new_imds_token),
        TEST(test_the_imds_token_is_kept_for_the_next_fetch),
        TEST(test_what_imds_may_answer_besides_a_document_gives_no_keys),
        TEST(test_a_failed_fetch_is_tried_again_by_itself),
        TEST(test_close_does_not_wait_for_a_source_that_hangs),
        TEST(test_keys_are_fetched_anew_in_the_background_before_they_end),
        TEST(test_the_old_set_is_served_while_refreshing_fails_and_not_after_its_end),
        TEST(test_a_forced_refresh_happens_once_and_then_not_again_for_a_while),
        TEST(test_a_forced_refresh_that_fails_keeps_the_old_set),
        TEST(test_the_next_fetch_comes_a_quarter_of_an_hour_before_the_end),
        TEST(test_documents_are_read_or_refused_whole),
        TEST(test_keys_that_are_too_long_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
