/* What a request's headers carry: cookies, bearer tokens, content types, cached sessions, cursors and ETags. */
#include "fuzz.h"

#include "http/auth.h"
#include "http/body.h"
#include "http/params.h"
#include "service/token.h"

static void check_token(struct text cookie, struct text authorization)
{
    struct params params = {.cookie = cookie, .authorization = authorization};
    bool from_cookie = false;
    struct text token = auth_token(&params, &from_cookie);
    CHECK(!from_cookie || token.n > 0);
    struct token_claims claims;
    struct err err = {0};
    static struct token_keys *keys;
    if (!keys)
        keys = token_keys_parse("k:0123456789abcdef0123456789abcdef", &err);
    CHECK(keys);
    if (!token.n || token_verify(keys, token, 1700000000, &claims, &err))
        return;
    CHECK(err.code == ERR_UNAUTHORIZED);
}

static void check_session(struct text value, struct arena *mem)
{
    struct session_row row, again;
    if (!session_from_cache(value, &row))
        return;
    CHECK(strlen(row.currency) <= 3);
    char *written = session_to_cache(&row, mem);
    CHECK(written && session_from_cache(text_of(written), &again));
    CHECK(again.household_id == row.household_id && again.admin == row.admin);
}

static void check_cursor(struct text value)
{
    struct err err = {0};
    int64_t key1 = 0, key2 = 0;
    if (!cursor_read(value, &key1, &key2, &err))
        CHECK(err.code == ERR_VALIDATION && err.field_count == 1);
}

static void check_tags(struct text value)
{
    struct call call = {.if_match = value, .if_none_match = value};
    struct err err = {0};
    if (!call_if_match(&call, 7, &err))
        CHECK(err.code == ERR_VERSION_CONFLICT);
}

static void check_params(struct text value, struct arena *mem)
{
    const char *lines[] = {fuzz_string(mem, value), "HTTP_COOKIE=a=b", NULL};
    struct params params;
    params_read(lines, &params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text all = fuzz_copy(data, size), rest = all;
    struct arena *mem = fuzz_arena();
    struct text cookie = fuzz_part(&rest), authorization = fuzz_part(&rest);
    struct text value = cookie_value(cookie, TEXT("mm_token"));
    CHECK(!value.p || (value.p >= cookie.p && value.p + value.n <= cookie.p + cookie.n));
    CHECK(!value.n || !memchr(value.p, ';', value.n));
    check_token(cookie, authorization);
    check_session(cookie, mem);
    check_cursor(cookie);
    check_tags(cookie);
    check_params(cookie, mem);
    content_type_is_json(cookie);
    fuzz_free(all);
    return 0;
}
