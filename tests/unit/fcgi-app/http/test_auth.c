#include "check.h"

#include "base/attr.h"
#include "http/auth.h"

static struct text token(const char *authorization, const char *cookie, bool *from_cookie)
{
    struct params params = {.authorization = text_of(authorization), .cookie = text_of(cookie)};
    return auth_token(&params, from_cookie);
}

static void test_a_bearer_header_decides_alone(void **state)
{
    (void)state;
    bool from_cookie = true;
    assert_text(token("Bearer abc", "mm_token=xyz", &from_cookie), "abc");
    assert_false(from_cookie);
    assert_text(token("bearer  abc ", NULL, &from_cookie), "abc");
    /* Even an empty one: the cookie must not speak for a client that sends a header. */
    assert_int_equal(token("Bearer ", "mm_token=xyz", &from_cookie).n, 0);
    assert_false(from_cookie);
}

static void test_without_a_bearer_header_the_cookie_counts(void **state)
{
    (void)state;
    bool from_cookie = false;
    assert_text(token(NULL, "a=b; mm_token=xyz; c=d", &from_cookie), "xyz");
    assert_true(from_cookie);
    assert_text(token("Basic dTpw", "mm_token=xyz", &from_cookie), "xyz");
    assert_int_equal(token(NULL, "a=b", &from_cookie).n, 0);
    assert_false(from_cookie);
    assert_int_equal(token(NULL, "mm_token=", &from_cookie).n, 0);
    assert_int_equal(token(NULL, NULL, &from_cookie).n, 0);
}

static void test_cookies_are_found_by_their_whole_name(void **state)
{
    (void)state;
    static const struct {
        const char *header, *value;
    } CASES[] = {{"mm_token=1", "1"},           {"x_mm_token=0;mm_token=1", "1"}, {"mm_token2=0; mm_token=1", "1"},
                 {"a; mm_token=a=b", "a=b"},    {" mm_token=1 ;", "1"},           {"MM_TOKEN=0;mm_token=1", "1"},
                 {"mm_token=1;mm_token=2", "1"}};
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        assert_text(cookie_value(text_of(CASES[i].header), TEXT("mm_token")), CASES[i].value);
    assert_null(cookie_value(TEXT("x=1; y"), TEXT("mm_token")).p);
    assert_null(cookie_value(TEXT("mm_token"), TEXT("mm_token")).p);
}

static void test_a_cached_session_comes_back_as_it_was(void **state)
{
    (void)state;
    struct arena *mem = arena_new(1024, 4096);
    const struct session_row row = {.household_id = 9007199254740991, .admin = true, .currency = "VND"};
    struct session_row back;
    assert_true(session_from_cache(text_of(session_to_cache(&row, mem)), &back));
    assert_int_equal(back.household_id, row.household_id);
    assert_string_equal(back.currency, "VND");
    assert_true(back.admin);
    arena_free(mem);
}

static void test_a_damaged_cached_session_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",     "1",        "1 VND",  "x VND 0", "1 VNDX 0",
                                      "1  0", "1 VND 00", "1 VN 1", "1 XXX 0", "1 \x01\x02D 0"};
    struct session_row row;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (session_from_cache(text_of(BAD[i]), &row))
            fail_msg("\"%s\" was taken", BAD[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bearer_header_decides_alone),
        cmocka_unit_test(test_without_a_bearer_header_the_cookie_counts),
        cmocka_unit_test(test_cookies_are_found_by_their_whole_name),
        cmocka_unit_test(test_a_cached_session_comes_back_as_it_was),
        cmocka_unit_test(test_a_damaged_cached_session_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
