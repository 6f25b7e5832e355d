#include "check.h"

#include "base/attr.h"
#include "http/route.h"

static struct route_match find(enum method method, const char *path)
{
    struct route_match match;
    route_find(method, text_of(path), &match);
    return match;
}

static void test_rows_are_sorted_and_each_is_there_once(void **state)
{
    (void)state;
    for (size_t i = 1; i < ROUTE_COUNT; i++) {
        const struct route *a = &ROUTES[i - 1], *b = &ROUTES[i];
        int order = strcmp(a->path, b->path);
        if (order > 0)
            fail_msg("%s stands before %s", a->path, b->path);
        for (size_t k = i; k > 0 && strcmp(ROUTES[k - 1].path, b->path) == 0; k--)
            if (ROUTES[k - 1].method == b->method)
                fail_msg("%s %s is there twice", method_name(b->method), b->path);
    }
}

static void test_rows_say_nothing_that_contradicts_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *r = &ROUTES[i];
        assert_non_null(r->handler);
        assert_int_equal(r->path[0], '/');
        if (r->access == WRITES && r->auth != AUTH_USER && r->auth != AUTH_ADMIN)
            fail_msg("%s writes, so it needs a user", r->path);
        if (r->idempotent && r->access != WRITES)
            fail_msg("%s: only commands can be idempotent by a key", r->path);
        /* The clients force these (contract, section 4, item 20). */
        if (r->method == METHOD_GET && r->access == WRITES && strncmp(r->path, "/email/", 7) != 0)
            fail_msg("GET %s must change nothing", r->path);
        if (r->cached && (r->method != METHOD_GET || r->auth != AUTH_USER))
            fail_msg("%s cannot be cached", r->path);
    }
}

/* The path of a row with 7 and "word" in its places. */
static void example(const char *pattern, char *out, size_t cap)
{
    size_t n = 0;
    while (*pattern && n + 8 < cap) {
        if (*pattern != '{') {
            out[n++] = *pattern++;
            continue;
        }
        const char *put = strncmp(pattern, "{id}", 4) == 0 ? "7" : "word";
        n += (size_t)snprintf(out + n, cap - n, "%s", put);
        pattern = strchr(pattern, '}') + 1;
    }
    out[n] = '\0';
}

static void test_each_row_is_found_by_its_own_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        char path[200];
        example(ROUTES[i].path, path, sizeof(path));
        struct route_match match = find(ROUTES[i].method, path);
        if (match.route != &ROUTES[i])
            fail_msg("%s %s leads to %s", method_name(ROUTES[i].method), path,
                     match.route ? match.route->path : "nothing");
    }
}

static void test_unknown_paths_are_not_known(void **state)
{
    (void)state;
    static const char *const PATHS[] = {"",          "/",      "//",     "/nope",   "/health/",
                                        "/health/x", "health", "/healt", "/healthy"};
    for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
        struct route_match match = find(METHOD_GET, PATHS[i]);
        if (match.path_known || match.route)
            fail_msg("%s is known", PATHS[i]);
    }
}

static void test_another_method_of_a_known_path_names_what_is_allowed(void **state)
{
    (void)state;
    struct route_match match = find(METHOD_DELETE, "/health");
    assert_null(match.route);
    assert_true(match.path_known);
    assert_string_equal(match.allow, "GET, HEAD, OPTIONS");
}

static void test_head_is_served_by_get(void **state)
{
    (void)state;
    struct route_match match = find(METHOD_HEAD, "/health");
    assert_non_null(match.route);
    assert_int_equal(match.route->method, METHOD_GET);
}

static void test_methods_are_read_exactly(void **state)
{
    (void)state;
    assert_int_equal(method_read(TEXT("PATCH")), METHOD_PATCH);
    assert_int_equal(method_read(TEXT("get")), METHOD_OTHER);
    assert_int_equal(method_read(TEXT("TRACE")), METHOD_OTHER);
    assert_int_equal(method_read(TEXT_NONE), METHOD_OTHER);
}

/* Rows with ids come with the features; these hold for all of them. */
static void test_ids_are_decimal_and_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const char *at = strstr(ROUTES[i].path, "{id}");
        if (!at || at[4])
            continue;
        static const char *const BAD[] = {"", "x", "1x", "-1", "+1", " 1", "9223372036854775808", "0x1", "%31"};
        for (size_t k = 0; k < ARRAY_LEN(BAD); k++) {
            char path[200];
            snprintf(path, sizeof(path), "%.*s%s", (int)(at - ROUTES[i].path), ROUTES[i].path, BAD[k]);
            if (find(ROUTES[i].method, path).route == &ROUTES[i])
                fail_msg("%s was taken for an id of %s", path, ROUTES[i].path);
        }
        char path[200];
        snprintf(path, sizeof(path), "%.*s42", (int)(at - ROUTES[i].path), ROUTES[i].path);
        assert_int_equal(find(ROUTES[i].method, path).ids[0], 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sorted_and_each_is_there_once),
        cmocka_unit_test(test_rows_say_nothing_that_contradicts_itself),
        cmocka_unit_test(test_each_row_is_found_by_its_own_path),
        cmocka_unit_test(test_unknown_paths_are_not_known),
        cmocka_unit_test(test_another_method_of_a_known_path_names_what_is_allowed),
        cmocka_unit_test(test_head_is_served_by_get),
        cmocka_unit_test(test_methods_are_read_exactly),
        cmocka_unit_test(test_ids_are_decimal_and_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
