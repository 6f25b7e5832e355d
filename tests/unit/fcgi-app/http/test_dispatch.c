/* Whole requests from memory, without database and Redis: what is decided before a handler needs them. */
#include "check.h"

#include <stdlib.h>

#include "base/attr.h"
#include "http/body.h"
#include "http/cors.h"
#include "http/exchange.h"
#include "http/problem.h"

struct fixture {
    struct app app;
    struct exchange x;
    const char *body;
    const char *env[32];
    size_t env_count;
};

static size_t read_body(void *from, char *out, size_t n)
{
    struct fixture *f = from;
    size_t have = f->body ? strlen(f->body) : 0;
    if (have > n)
        have = n;
    if (have)
        memcpy(out, f->body, have);
    return have;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err = {0};
    f->app.config.zone = zone_load("Asia/Ho_Chi_Minh");
    f->app.config.currency = currency_find(TEXT("VND"));
    f->app.config.web_origins = "http://localhost:5173,https://app.example.com";
    f->app.token_keys = token_keys_parse("k:0123456789abcdef0123456789abcdef", &err);
    assert_non_null(f->app.config.zone);
    assert_non_null(f->app.token_keys);
    assert_true(exchange_init(&f->x, &f->app, &err));
    f->x.in.read_body = read_body;
    f->x.in.from = f;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    exchange_release(&f->x);
    token_keys_free(f->app.token_keys);
    zone_free(f->app.config.zone);
    free(f);
    return 0;
}

/* lines: "NAME=value" strings ended by NULL. */
static void ask(struct fixture *f, const char *method, const char *path, const char *const *lines)
{
    char method_line[64], path_line[256];
    exchange_reset(&f->x);
    f->env_count = 0;
    snprintf(method_line, sizeof(method_line), "REQUEST_METHOD=%s", method);
    snprintf(path_line, sizeof(path_line), "SCRIPT_NAME=%s", path);
    f->env[f->env_count++] = method_line;
    f->env[f->env_count++] = path_line;
    while (lines && *lines)
        f->env[f->env_count++] = *lines++;
    f->env[f->env_count] = NULL;
    params_read(f->env, &f->x.in.params);
    dispatch(&f->x);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool head_has(struct fixture *f, const char *line)
{
    return strstr(f->x.head.p, line) != NULL;
}

static void assert_head(struct fixture *f, const char *line)
{
    if (!head_has(f, line))
        fail_msg("no \"%s\" in\n%s", line, f->x.head.p);
}

static void assert_code(struct fixture *f, int status, const char *code)
{
    char want[80];
    snprintf(want, sizeof(want), "\"code\":\"%s\"", code);
    assert_int_equal(f->x.res.status, status);
    if (!strstr(f->x.body.p, want))
        fail_msg("no %s in %s", want, f->x.body.p);
    assert_head(f, "Content-Type: application/problem+json\r\n");
    assert_non_null(strstr(f->x.body.p, "\"success\":false"));
}

static void test_health_needs_nothing(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET", "/api/v1.0/health", NULL);
    assert_int_equal(f->x.res.status, 200);
    assert_string_equal(f->x.body.p, "{\"status\":\"ok\"}");
    assert_head(f, "Status: 200 OK\r\n");
    assert_head(f, "Content-Length: 15\r\n");
    assert_head(f, "Cache-Control: private, no-cache\r\n");
    assert_head(f, "\r\n\r\n");
}

static void test_a_request_id_from_the_proxy_comes_back(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET", "/api/v1.0/health", LINES("REQUEST_ID=abc-123"));
    assert_head(f, "X-Request-Id: abc-123\r\n");
}

static void test_an_unusable_request_id_is_replaced(void **state)
{
    struct fixture *f = *state;
    static const char *const BAD[] = {
        "REQUEST_ID=a b", "REQUEST_ID=a\r\nSet-Cookie: x=y",
        "REQUEST_ID=", "REQUEST_ID=0123456789012345678901234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        ask(f, "GET", "/api/v1.0/health", LINES(BAD[i]));
        assert_int_equal(strlen(f->x.request_id), 36);
        assert_false(head_has(f, "Set-Cookie"));
    }
}

static void test_unknown_addresses_are_not_found(void **state)
{
    struct fixture *f = *state;
    static const char *const PATHS[] = {
        "/", "", "/api/v1.0", "/api/v1.0/", "/api/v1.0/nope", "/health", "/api/v2/health", "/api/v1.0/jars/../health"};
    for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
        ask(f, "GET", PATHS[i], NULL);
        assert_code(f, 404, "not_found");
    }
}

static void test_wrong_methods_are_told_the_right_ones(void **state)
{
    struct fixture *f = *state;
    ask(f, "PUT", "/api/v1.0/health", NULL);
    assert_code(f, 405, "method_not_allowed");
    assert_head(f, "Allow: GET, HEAD, OPTIONS\r\n");
    ask(f, "BREW", "/api/v1.0/health", NULL);
    assert_code(f, 405, "method_not_allowed");
}

static void test_origins_of_ours_are_echoed_and_others_not(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET", "/api/v1.0/health", LINES("HTTP_ORIGIN=https://app.example.com"));
    assert_head(f, "Access-Control-Allow-Origin: https://app.example.com\r\n");
    assert_head(f, "Access-Control-Allow-Credentials: true\r\n");
    assert_head(f, "Vary: Origin\r\n");
    static const char *const BAD[] = {"HTTP_ORIGIN=https://app.example.com.evil.net", "HTTP_ORIGIN=null",
                                      "HTTP_ORIGIN=*", "HTTP_ORIGIN=http://app.example.com",
                                      "HTTP_ORIGIN=https://APP.example.com"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        ask(f, "GET", "/api/v1.0/health", LINES(BAD[i]));
        assert_false(head_has(f, "Access-Control"));
        assert_head(f, "Vary: Origin\r\n");
    }
}

static void test_errors_carry_the_origin_too(void **state)
{
    struct fixture *f = *state;
    ask(f, "GET", "/api/v1.0/nope", LINES("HTTP_ORIGIN=http://localhost:5173"));
    assert_head(f, "Access-Control-Allow-Origin: http://localhost:5173\r\n");
}

static void test_a_preflight_needs_no_session(void **state)
{
    struct fixture *f = *state;
    ask(f, "OPTIONS", "/api/v1.0/jars",
        LINES("HTTP_ORIGIN=http://localhost:5173", "HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST"));
    assert_int_equal(f->x.res.status, 204);
    assert_head(f, "Access-Control-Allow-Methods: GET, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    assert_head(f, "Idempotency-Key");
    assert_false(head_has(f, "Content-Type:"));
    ask(f, "OPTIONS", "/api/v1.0/jars", LINES("HTTP_ORIGIN=http://evil.example"));
    assert_int_equal(f->x.res.status, 204);
    assert_false(head_has(f, "Access-Control"));
}

static const struct route *some_row(enum method method, enum auth auth, bool body)
{
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (ROUTES[i].method == method && ROUTES[i].auth == auth && !strchr(ROUTES[i].path, '{') &&
            (ROUTES[i].body != NULL) == body)
            return &ROUTES[i];
    return NULL;
}

static void test_private_rows_need_a_token(void **state)
{
    struct fixture *f = *state;
    char path[200];
    static const char *const TOKENS[] = {"X=", "HTTP_AUTHORIZATION=Bearer ", "HTTP_AUTHORIZATION=Bearer a.b.c",
                                         "HTTP_COOKIE=mm_token=x", "HTTP_AUTHORIZATION=Basic eDp5"};
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (ROUTES[i].auth != AUTH_USER && ROUTES[i].auth != AUTH_ADMIN)
            continue;
        if (strchr(ROUTES[i].path, '{'))
            continue;
        snprintf(path, sizeof(path), BASE_PATH "%s", ROUTES[i].path);
        for (size_t k = 0; k < ARRAY_LEN(TOKENS); k++) {
            ask(f, method_name(ROUTES[i].method), path, LINES(TOKENS[k]));
            assert_code(f, 401, "unauthorized");
            assert_head(f, "WWW-Authenticate: Bearer\r\n");
        }
    }
}

static void test_a_body_over_the_limit_is_refused_before_it_is_read(void **state)
{
    struct fixture *f = *state;
    const struct route *row = some_row(METHOD_POST, AUTH_PUBLIC, true);
    if (!row)
        skip();
    char path[200];
    snprintf(path, sizeof(path), BASE_PATH "%s", row->path);
    ask(f, "POST", path, LINES("CONTENT_TYPE=application/json", "CONTENT_LENGTH=262145"));
    assert_code(f, 413, "payload_too_large");
    ask(f, "POST", path, LINES("CONTENT_TYPE=application/json", "CONTENT_LENGTH=-1"));
    assert_code(f, 400, "bad_request");
    ask(f, "POST", path, LINES("CONTENT_TYPE=application/json", "CONTENT_LENGTH=99999999999999999999"));
    assert_code(f, 400, "bad_request");
}

static void test_a_body_must_be_json_and_whole(void **state)
{
    struct fixture *f = *state;
    const struct route *row = some_row(METHOD_POST, AUTH_PUBLIC, true);
    if (!row)
        skip();
    char path[200];
    snprintf(path, sizeof(path), BASE_PATH "%s", row->path);
    f->body = "{\"a\":";
    ask(f, "POST", path, LINES("CONTENT_TYPE=application/json", "CONTENT_LENGTH=5"));
    assert_code(f, 400, "malformed_json");
    ask(f, "POST", path, LINES("CONTENT_TYPE=text/plain", "CONTENT_LENGTH=5"));
    assert_code(f, 415, "unsupported_media_type");
    ask(f, "POST", path, LINES("CONTENT_LENGTH=5"));
    assert_code(f, 415, "unsupported_media_type");
    ask(f, "POST", path, LINES("CONTENT_TYPE=application/json", "CONTENT_LENGTH=6"));
    assert_code(f, 400, "bad_request");
}

static void test_json_is_told_by_its_type_with_any_parameters(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"application/json", "application/json;charset=UTF-8", "Application/JSON ; x=y",
                                       "application/merge-patch+json"};
    static const char *const BAD[] = {"",
                                      "text/json",
                                      "application/jsonp",
                                      "application/",
                                      "json",
                                      "application/+json",
                                      "multipart/form-data; boundary=application/json",
                                      "application/x-www-form-urlencoded"};
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++)
        if (!content_type_is_json(text_of(GOOD[i])))
            fail_msg("%s was refused", GOOD[i]);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (content_type_is_json(text_of(BAD[i])))
            fail_msg("%s was taken", BAD[i]);
    assert_false(content_type_is_json(TEXT_NONE));
}

static void test_a_problem_names_all_bad_fields(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    f->x.res.body = &f->x.body;
    err_field(&err, "name", "Thiếu \"tên\"");
    err_field(&err, "items[2].amount", "Số tiền không hợp lệ");
    problem_write(&f->x.res, &err, TEXT("/api/v1.0/jars"), TEXT("r1"), f->x.mem);
    assert_int_equal(f->x.res.status, 422);
    assert_non_null(strstr(f->x.body.p, "\"errors\":{\"name\":\"Thiếu \\\"tên\\\"\","
                                        "\"items[2].amount\":\"Số tiền không hợp lệ\"}"));
    struct json_doc *doc = json_parse(buf_view(&f->x.body), &err);
    assert_non_null(doc);
    assert_text(json_get_text(json_root(doc), "requestId"), "r1");
    assert_text(json_get_text(json_root(doc), "instance"), "/api/v1.0/jars");
    json_doc_free(doc);
}

static void test_a_problem_of_ours_tells_nothing_of_its_cause(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    f->x.res.body = &f->x.body;
    err_set(&err, ERR_INTERNAL, "SELECT of table users failed");
    err_cause(&err, "1064 near 'users'");
    problem_write(&f->x.res, &err, TEXT("/x"), TEXT("r1"), f->x.mem);
    assert_int_equal(f->x.res.status, 500);
    assert_null(strstr(f->x.body.p, "users"));
}

static void test_a_problem_carries_what_the_code_pages_count_down(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    f->x.res.body = &f->x.body;
    err_set(&err, ERR_RATE_LIMITED, "Slow down");
    err.retry_after_seconds = 17;
    snprintf(err.extra, sizeof(err.extra), "\"needsActivation\":true");
    problem_write(&f->x.res, &err, TEXT("/x"), TEXT("r1"), f->x.mem);
    assert_int_equal(f->x.res.status, 429);
    assert_non_null(strstr(f->x.body.p, "\"retryAfterSeconds\":17"));
    assert_non_null(strstr(f->x.body.p, "\"needsActivation\":true"));
    assert_string_equal(f->x.res.headers[0].name, "Retry-After");
    assert_text(f->x.res.headers[0].value, "17");
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_health_needs_nothing),
        WITH_FIXTURE(test_a_request_id_from_the_proxy_comes_back),
        WITH_FIXTURE(test_an_unusable_request_id_is_replaced),
        WITH_FIXTURE(test_unknown_addresses_are_not_found),
        WITH_FIXTURE(test_wrong_methods_are_told_the_right_ones),
        WITH_FIXTURE(test_origins_of_ours_are_echoed_and_others_not),
        WITH_FIXTURE(test_errors_carry_the_origin_too),
        WITH_FIXTURE(test_a_preflight_needs_no_session),
        WITH_FIXTURE(test_private_rows_need_a_token),
        WITH_FIXTURE(test_a_body_over_the_limit_is_refused_before_it_is_read),
        WITH_FIXTURE(test_a_body_must_be_json_and_whole),
        WITH_FIXTURE(test_json_is_told_by_its_type_with_any_parameters),
        WITH_FIXTURE(test_a_problem_names_all_bad_fields),
        WITH_FIXTURE(test_a_problem_of_ours_tells_nothing_of_its_cause),
        WITH_FIXTURE(test_a_problem_carries_what_the_code_pages_count_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
