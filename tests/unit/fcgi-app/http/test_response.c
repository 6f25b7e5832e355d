#include "check.h"

#include <stdlib.h>

#include "base/attr.h"
#include "http/route.h"

struct query {
    int64_t limit;
    struct text keyword, a, cursor;
};

static const struct field FIELDS[] = {
    FIELD_INT("limit", struct query, limit, 0, 1, 100), FIELD_TEXT("keyword", struct query, keyword, 0, 0, 255),
    FIELD_TEXT("a", struct query, a, 0, 0, 255),        FIELD_TEXT("cursor", struct query, cursor, 0, 0, 64),
    FIELD_INT("page", struct query, limit, 0, 0, 100),  FIELD_END,
};
static const struct query_def QUERY = {FIELDS, sizeof(struct query)};
static const struct route ROUTE = {.path = "/expenses", .query = &QUERY};

struct fixture {
    struct call call;
    struct response res;
    struct buf body;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->call.scope.mem = arena_new(4096, 1 << 20);
    f->call.path = TEXT("/api/v1.0/expenses");
    f->call.route = &ROUTE;
    buf_init(&f->body, 4096);
    f->res.body = &f->body;
    response_reset(&f->res);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_free(f->call.scope.mem);
    buf_release(&f->body);
    free(f);
    return 0;
}

static struct text header(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->res.header_count; i++)
        if (strcmp(f->res.headers[i].name, name) == 0)
            return f->res.headers[i].value;
    return TEXT_NONE;
}

static void test_a_created_row_has_its_address(void **state)
{
    struct fixture *f = *state;
    assert_true(response_created(&f->call, &f->res, "jars", 7, &f->err));
    assert_int_equal(f->res.status, 201);
    assert_text(header(f, "Location"), "/api/v1.0/jars/7");
}

/* The cursor of a Link header. */
static struct text cursor_of(struct text link)
{
    const char *at = strstr(link.p, "cursor=");
    assert_non_null(at);
    at += 7;
    return (struct text){at, strcspn(at, ">&")};
}

static void test_a_cursor_comes_back_as_it_was(void **state)
{
    struct fixture *f = *state;
    static const int64_t KEYS[][2] = {{0, 0}, {20260328, 1}, {-1, INT64_MAX}, {INT64_MIN, 9007199254740991}};
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        int64_t a = 0, b = 0;
        response_reset(&f->res);
        assert_true(response_next_page(&f->call, &f->res, KEYS[i][0], KEYS[i][1], &f->err));
        assert_true(cursor_read(cursor_of(header(f, "Link")), &a, &b, &f->err));
        assert_int_equal(a, KEYS[i][0]);
        assert_int_equal(b, KEYS[i][1]);
    }
}

static void test_a_bad_cursor_is_a_field_fault(void **state)
{
    (void)state;
    static const char *const BAD[] = {"", "x", "AAAA", "!!!!!!!!!!!!!!!!!!!!!!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct err err = {0};
        int64_t a, b;
        assert_false(cursor_read(text_of(BAD[i]), &a, &b, &err));
        assert_int_equal(err.code, ERR_VALIDATION);
        assert_string_equal(err.fields[0].name, "cursor");
    }
}

static void test_the_next_page_keeps_the_filters(void **state)
{
    struct fixture *f = *state;
    f->call.raw_query = TEXT("limit=5&cursor=old&&keyword=b%C3%A1nh&page=2&limit=6&other=1");
    assert_true(response_next_page(&f->call, &f->res, 0, 0, &f->err));
    assert_text(header(f, "Link"),
                "</api/v1.0/expenses?limit=5&keyword=b%C3%A1nh&cursor=AAAAAAAAAAAAAAAAAAAAAA>; rel=\"next\"");
}

static void test_a_query_cannot_leave_the_link(void **state)
{
    struct fixture *f = *state;
    f->call.raw_query = TEXT("a=<b>\"\x01\xC3\xA1");
    assert_true(response_next_page(&f->call, &f->res, 0, 0, &f->err));
    assert_text(header(f, "Link"),
                "</api/v1.0/expenses?a=%3Cb%3E%22%01%C3%A1&cursor=AAAAAAAAAAAAAAAAAAAAAA>; rel=\"next\"");
}

static void test_a_query_too_long_for_a_header_is_refused(void **state)
{
    struct fixture *f = *state;
    char query[8000];
    memset(query, 'x', sizeof(query));
    memcpy(query, "keyword=", 8);
    f->call.raw_query = (struct text){query, sizeof(query)};
    assert_false(response_next_page(&f->call, &f->res, 0, 0, &f->err));
    assert_int_equal(f->err.code, ERR_BAD_REQUEST);
}

static void test_if_match_names_the_version(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *header;
        bool ok;
    } CASES[] = {{NULL, true},     {"*", true},  {"\"3\"", true},   {"W/\"3\"", true}, {"\"2\", \"3\"", true},
                 {"\"2\"", false}, {"3", false}, {"\"33\"", false}, {"garbage", false}};
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct err err = {0};
        f->call.if_match = text_of(CASES[i].header);
        if (call_if_match(&f->call, 3, &err) != CASES[i].ok)
            fail_msg("If-Match %s", CASES[i].header);
        assert_int_equal(err.code, CASES[i].ok ? ERR_NONE : ERR_VERSION_CONFLICT);
    }
}

static void test_what_the_client_has_is_not_sent_again(void **state)
{
    struct fixture *f = *state;
    buf_str(&f->body, "{}");
    assert_true(response_etag(&f->call, &f->res, 3, &f->err));
    assert_false(response_not_modified(&f->call, &f->res));
    f->call.if_none_match = TEXT("\"2\"");
    assert_false(response_not_modified(&f->call, &f->res));
    f->call.if_none_match = TEXT("W/\"3\"");
    assert_true(response_not_modified(&f->call, &f->res));
    assert_int_equal(f->res.status, 304);
    assert_int_equal(f->body.n, 0);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_a_created_row_has_its_address), WITH_FIXTURE(test_a_cursor_comes_back_as_it_was),
        WITH_FIXTURE(test_a_bad_cursor_is_a_field_fault), WITH_FIXTURE(test_the_next_page_keeps_the_filters),
        WITH_FIXTURE(test_a_query_cannot_leave_the_link), WITH_FIXTURE(test_a_query_too_long_for_a_header_is_refused),
        WITH_FIXTURE(test_if_match_names_the_version),    WITH_FIXTURE(test_what_the_client_has_is_not_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
