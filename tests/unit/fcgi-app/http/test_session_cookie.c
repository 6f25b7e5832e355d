#include "check.h"

#include "http/session_cookie.h"
#include "store/session.h"

struct fixture {
    struct app app;
    struct call call;
    struct buf body;
    struct response res;
};

static void fixture_open(struct fixture *f)
{
    struct err err = {0};
    *f = (struct fixture){0};
    f->app.token_keys = token_keys_parse("k:0123456789abcdef0123456789abcdef", &err);
    assert_non_null(f->app.token_keys);
    f->call.app = &f->app;
    f->call.scope.mem = arena_new(4096, 1 << 20);
    f->call.scope.now_ms = INT64_C(1800000000000);
    buf_init(&f->body, 1024);
    f->res.body = &f->body;
    response_reset(&f->res);
}

static void fixture_close(struct fixture *f)
{
    buf_release(&f->body);
    arena_free(f->call.scope.mem);
    token_keys_free(f->app.token_keys);
}

static void test_the_token_names_the_session_and_ends_with_it(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = {0};
    struct token_claims claims;
    fixture_open(&f);
    struct session_grant grant = {.session_id = "018f3f6e-0000-7000-8000-000000000001",
                                  .user_id = 7,
                                  .household_id = 9,
                                  .admin = true,
                                  .expires_at_ms = f.call.scope.now_ms + 60 * 1000};
    const char *token = session_grant(&f.call, &f.res, &grant, &err);
    assert_non_null(token);
    int64_t now_s = f.call.scope.now_ms / 1000;
    assert_true(token_verify(f.app.token_keys, text_of(token), now_s + 59, &claims, &err));
    assert_string_equal(claims.session_id, grant.session_id);
    assert_int_equal(claims.user_id, 7);
    assert_int_equal(claims.household_id, 9);
    assert_true(claims.admin);
    assert_false(token_verify(f.app.token_keys, text_of(token), now_s + 61, &claims, &err));
    fixture_close(&f);
}

static void test_the_cookie_is_out_of_reach_of_scripts_and_plain_http(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = {0};
    fixture_open(&f);
    struct session_grant grant = {.user_id = 7, .expires_at_ms = f.call.scope.now_ms + SESSION_LIFE_MS};
    const char *token = session_grant(&f.call, &f.res, &grant, &err);
    assert_int_equal(f.res.header_count, 1);
    assert_string_equal(f.res.headers[0].name, "Set-Cookie");
    char expected[1024];
    snprintf(expected, sizeof(expected), "mm_token=%s; Max-Age=36000; Path=/; HttpOnly; Secure; SameSite=None", token);
    assert_text(f.res.headers[0].value, expected);
    assert_true(f.res.no_store);
    fixture_close(&f);
}

static void test_clearing_names_the_same_cookie_with_the_same_flags(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f);
    session_cookie_clear(&f.res);
    assert_text(f.res.headers[0].value, "mm_token=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=None");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_token_names_the_session_and_ends_with_it),
        cmocka_unit_test(test_the_cookie_is_out_of_reach_of_scripts_and_plain_http),
        cmocka_unit_test(test_clearing_names_the_same_cookie_with_the_same_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
