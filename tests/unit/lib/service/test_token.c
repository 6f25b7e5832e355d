#include "check.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/id.h"
#include "service/token.h"

#define SECRET_1 "first-secret-of-32-characters-000"
#define SECRET_2 "second-secret-of-32-characters-11"

static const int64_t NOW = 1774664130;
static struct arena *mem;
static struct token_keys *keys;

static struct token_keys *parse(const char *spec)
{
    struct err err = {0};
    struct token_keys *k = token_keys_parse(spec, &err);
    if (!k)
        fail_msg("%s", err.detail);
    return k;
}

static int set_up(void **state)
{
    (void)state;
    mem = arena_new(4096, 1 << 20);
    keys = parse("k1:" SECRET_1 ",k2:" SECRET_2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    token_keys_free(keys);
    arena_free(mem);
    return 0;
}

static struct token_claims claims(void)
{
    return (struct token_claims){.user_id = INT64_C(9007199254740993),
                                 .household_id = 42,
                                 .admin = true,
                                 .session_id = "019d3234-1111-7abc-8def-0123456789ab",
                                 .issued_s = NOW,
                                 .expires_s = NOW + 60};
}

static struct text sign(const struct token_keys *with)
{
    struct err err = {0};
    struct token_claims c = claims();
    char *token = token_sign(with, &c, mem, &err);
    assert_non_null(token);
    return text_of(token);
}

/* A token as somebody else might make it: header and body as they are, signed with the secret (none when NULL). */
static struct text forge(const char *header, const char *body, const char *secret)
{
    static char token[2048];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_length = 0;
    size_t n = base64url_encode(header, strlen(header), token, sizeof token);
    token[n++] = '.';
    n += base64url_encode(body, strlen(body), token + n, sizeof token - n);
    if (secret)
        HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)token, n, mac, &mac_length);
    token[n++] = '.';
    n += base64url_encode(mac, mac_length, token + n, sizeof token - n);
    return (struct text){token, n};
}

static bool verify(struct text token, int64_t now_s)
{
    struct err err = {0};
    struct token_claims got = {.user_id = -7};
    bool ok = token_verify(keys, token, now_s, &got, &err);
    if (!ok) {
        assert_int_equal(err.code, ERR_UNAUTHORIZED);
        assert_int_equal(got.user_id, -7);
    }
    return ok;
}

static void test_claims_come_back_as_they_went(void **state)
{
    (void)state;
    struct err err = {0};
    struct token_claims got, c = claims();
    assert_true(token_verify(keys, sign(keys), NOW, &got, &err));
    assert_int_equal(got.user_id, c.user_id);
    assert_int_equal(got.household_id, c.household_id);
    assert_string_equal(got.session_id, c.session_id);
    assert_true(got.admin);
    assert_int_equal(got.issued_s, c.issued_s);
    assert_int_equal(got.expires_s, c.expires_s);
}

static void test_a_token_ends_with_its_last_second(void **state)
{
    (void)state;
    struct text token = sign(keys);
    assert_true(verify(token, NOW + 59));
    assert_false(verify(token, NOW + 60));
}

static void test_keys_rotate_by_kid(void **state)
{
    (void)state;
    struct token_keys *old = parse("k2:" SECRET_2), *foreign = parse("k9:" SECRET_1), *same_kid = parse("k1:" SECRET_2);
    assert_true(verify(sign(old), NOW));
    assert_false(verify(sign(foreign), NOW));
    assert_false(verify(sign(same_kid), NOW));
    token_keys_free(old);
    token_keys_free(foreign);
    token_keys_free(same_kid);
}

static void test_each_changed_character_is_seen(void **state)
{
    (void)state;
    struct text token = sign(keys);
    char *changed = arena_strdup(mem, token.p);
    /* The last character of 43 carries 4 bits of the MAC; its other two are unused, so it is left alone. */
    for (size_t i = 0; i + 1 < token.n; i++) {
        changed[i] = token.p[i] == 'A' ? 'B' : 'A';
        if (verify((struct text){changed, token.n}, NOW))
            fail_msg("character %zu does not count", i);
        changed[i] = token.p[i];
    }
    assert_true(verify((struct text){changed, token.n}, NOW));
}

static const char HS256[] = "{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}";
#define BODY                                                                                                           \
    "{\"iss\":\"moneymanager\",\"aud\":\"moneymanager-api\",\"sub\":\"7\",\"hid\":42,\"role\":\"user\","               \
    "\"sid\":\"019d3234-1111-7abc-8def-0123456789ab\",\"iat\":1774664130,\"exp\":1774664190"

static void test_only_hs256_is_believed(void **state)
{
    (void)state;
    assert_true(verify(forge(HS256, BODY "}", SECRET_1), NOW));
    assert_false(verify(forge(HS256, BODY "}", SECRET_2), NOW));
    static const char *const HEADERS[] = {"{\"alg\":\"none\",\"kid\":\"k1\"}",
                                          "{\"alg\":\"HS512\",\"kid\":\"k1\"}",
                                          "{\"alg\":\"hs256\",\"kid\":\"k1\"}",
                                          "{\"alg\":\"RS256\",\"kid\":\"k1\"}",
                                          "{\"kid\":\"k1\"}",
                                          "{\"alg\":\"HS256\"}",
                                          "{\"alg\":[\"HS256\"],\"kid\":\"k1\"}",
                                          "[]",
                                          "null",
                                          "{",
                                          "",
                                          "{\"alg\":\"HS256\",\"alg\":\"none\",\"kid\":\"k1\"}"};
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) {
        if (verify(forge(HEADERS[i], BODY "}", SECRET_1), NOW) || verify(forge(HEADERS[i], BODY "}", NULL), NOW))
            fail_msg("believed: %s", HEADERS[i]);
    }
}

static void test_claims_that_lack_or_differ_are_refused(void **state)
{
    (void)state;
    static const char SESSION[] = "\"sid\":\"019d3234-1111-7abc-8def-0123456789ab\"";
    static const char *const BODIES[] = {
        "{}", "[]", "{\"iss\":\"moneymanager\"}", "not json",
        /* each lacks or changes one thing of BODY */
        "{\"iss\":\"other\",\"aud\":\"moneymanager-api\",\"sub\":\"7\",\"hid\":42,%s,\"exp\":1774664190}",
        "{\"iss\":\"moneymanager\",\"aud\":\"other\",\"sub\":\"7\",\"hid\":42,%s,\"exp\":1774664190}",
        "{\"iss\":\"moneymanager\",\"aud\":\"moneymanager-api\",\"hid\":42,%s,\"exp\":1774664190}",
        "{\"iss\":\"moneymanager\",\"aud\":\"moneymanager-api\",\"sub\":\"-7\",\"hid\":42,%s,\"exp\":1774664190}",
        "{\"iss\":\"moneymanager\",\"aud\":\"moneymanager-api\",\"sub\":\"7\",%s,\"exp\":1774664190}",
        "{\"iss\":\"moneymanager\",\"aud\":\"moneymanager-api\",\"sub\":\"7\",\"hid\":42,%s}",
        "{\"iss\":\"moneymanager\",\"aud\":\"moneymanager-api\",\"sub\":\"7\",\"hid\":42,%s,\"exp\":\"1774664190\"}",
        "{\"iss\":\"moneymanager\",\"aud\":\"moneymanager-api\",\"sub\":\"7\",\"hid\":42,\"sid\":\"x\",\"exp\":1774664190}",
        "{\"iss\":\"moneymanager\",\"aud\":\"moneymanager-api\",\"sub\":\"7\",\"hid\":42,\"exp\":1774664190}"};
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        char body[512];
        const char *hole = strstr(BODIES[i], "%s");
        int before = hole ? (int)(hole - BODIES[i]) : (int)strlen(BODIES[i]);
        snprintf(body, sizeof body, "%.*s%s%s", before, BODIES[i], hole ? SESSION : "", hole ? hole + 2 : "");
        if (verify(forge(HS256, body, SECRET_1), NOW))
            fail_msg("believed: %s", body);
    }
}

static void test_what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",     ".",    "..",   "a.b",     "a.b.c", "a.b.c.d",
                                      ".b.c", "a..c", "a.b.", "a b.c.d", "é.b.c"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_false(verify(text_of(BAD[i]), NOW));
    assert_false(verify(TEXT_NONE, NOW));
    char *huge = arena_alloc(mem, 100000);
    memset(huge, 'a', 99999);
    huge[10] = huge[20] = '.';
    assert_false(verify(text_of(huge), NOW));
    struct text token = sign(keys);
    assert_false(verify((struct text){token.p, token.n - 1}, NOW));
    assert_false(verify(text_of(arena_printf(mem, "%s=", token.p)), NOW));
}

static void test_bad_key_lists_are_refused_without_quoting_them(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      "k1",
                                      "k1:",
                                      "k1:short-secret",
                                      ":" SECRET_1,
                                      "k 1:" SECRET_1,
                                      "k1:" SECRET_1 ",k1:" SECRET_2,
                                      "k1:" SECRET_1 ",",
                                      "k1:" SECRET_1 ",k2:short-secret"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct err err = {0};
        struct token_keys *k = token_keys_parse(BAD[i], &err);
        if (k)
            fail_msg("accepted: %s", BAD[i]);
        assert_int_equal(err.code, ERR_VALIDATION);
        assert_null(strstr(err.detail, "-secret"));
    }
}

#define TEST_CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void test_a_token_that_was_verified_before_is_no_less_checked(void **state)
{
    (void)state;
    static struct token_memo memo;
    struct err err = {0};
    struct token_claims got;
    char changed[2048];
    struct text token = sign(keys);
    for (int i = 0; i < 3; i++) {
        got = (struct token_claims){0};
        assert_true(token_verify_memo(&memo, keys, token, NOW, &got, &err));
        assert_int_equal(got.user_id, claims().user_id);
        assert_string_equal(got.session_id, claims().session_id);
    }
    assert_true(token_verify_memo(&memo, keys, token, NOW + 59, &got, &err));
    assert_false(token_verify_memo(&memo, keys, token, NOW + 60, &got, &err));
    assert_int_equal(err.code, ERR_UNAUTHORIZED);
    /* The signature's last character has bits that no byte needs, so it is left out. */
    for (size_t i = 0; i + 1 < token.n; i++) {
        memcpy(changed, token.p, token.n);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_false(token_verify_memo(&memo, keys, (struct text){changed, token.n}, NOW, &got, &err));
    }
    assert_false(token_verify_memo(&memo, keys, (struct text){token.p, token.n - 1}, NOW, &got, &err));
    assert_false(token_verify_memo(&memo, keys, TEXT_NONE, NOW, &got, &err));
    assert_true(token_verify_memo(&memo, keys, token, NOW, &got, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_CASE(test_claims_come_back_as_they_went),
        TEST_CASE(test_a_token_ends_with_its_last_second),
        TEST_CASE(test_keys_rotate_by_kid),
        TEST_CASE(test_each_changed_character_is_seen),
        TEST_CASE(test_only_hs256_is_believed),
        TEST_CASE(test_claims_that_lack_or_differ_are_refused),
        TEST_CASE(test_what_is_no_token_is_refused),
        TEST_CASE(test_a_token_that_was_verified_before_is_no_less_checked),
        TEST_CASE(test_bad_key_lists_are_refused_without_quoting_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
