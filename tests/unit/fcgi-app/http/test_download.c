#include "check.h"

#include "http/download.h"

static struct arena *mem;

static int start(void **state)
{
    (void)state;
    mem = arena_new(4096, 65536);
    return mem ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

static void test_plain_names_stand_in_quotes(void **state)
{
    (void)state;
    assert_string_equal(content_disposition(TEXT("bill 3.pdf"), false, mem), "inline; filename=\"bill 3.pdf\"");
    assert_string_equal(content_disposition(TEXT("a;b.csv"), true, mem), "attachment; filename=\"a;b.csv\"");
}

static void test_other_names_are_encoded(void **state)
{
    (void)state;
    assert_string_equal(content_disposition(TEXT("ảnh.png"), false, mem),
                        "inline; filename=\"file\"; filename*=UTF-8''%E1%BA%A3nh.png");
    assert_string_equal(content_disposition(TEXT("a\"b\\c"), true, mem),
                        "attachment; filename=\"file\"; filename*=UTF-8''a%22b%5Cc");
    assert_string_equal(content_disposition(TEXT("50%.png"), false, mem),
                        "inline; filename=\"file\"; filename*=UTF-8''50%25.png");
    assert_string_equal(content_disposition(TEXT("a\r\nSet-Cookie: x"), false, mem),
                        "inline; filename=\"file\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x");
}

static struct text base_of(const char *set, const char *host, const char *proto)
{
    struct app app = {.config = {.api_base_url = set}};
    struct call call = {.app = &app,
                        .scope = {.mem = mem},
                        .host = host ? text_of(host) : TEXT_NONE,
                        .forwarded_proto = proto ? text_of(proto) : TEXT_NONE};
    return public_base(&call);
}

static void test_the_public_address_is_the_setting_or_the_requests_own_host(void **state)
{
    (void)state;
    assert_text(base_of("https://api.example.com", "evil.example", "http"), "https://api.example.com");
    assert_text(base_of(NULL, "api.example.com:8080", NULL), "http://api.example.com:8080");
    assert_text(base_of(NULL, "api.example.com", "https"), "https://api.example.com");
    assert_text(base_of(NULL, "[::1]:80", "gopher"), "http://[::1]:80");
    assert_null(base_of(NULL, NULL, NULL).p);
    assert_null(base_of(NULL, "a/b", NULL).p);
    assert_null(base_of(NULL, "a\"onload=x", NULL).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_names_stand_in_quotes),
        cmocka_unit_test(test_other_names_are_encoded),
        cmocka_unit_test(test_the_public_address_is_the_setting_or_the_requests_own_host),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
