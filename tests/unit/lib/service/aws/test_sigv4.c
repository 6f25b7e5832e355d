/* AWS's own worked examples (the SigV4 test suite, the IAM and S3 user guides), and the pitfalls one by one. */
#include "service/aws/sigv4.h"

#include "base/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SUITE_DATE 1440938160000LL /* 2015-08-30T12:36:00Z */
#define S3_DATE 1369353600000LL    /* 2013-05-24T00:00:00Z */
#define SUITE_TOKEN "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
/* The token of the suite's older post-sts-token cases. */
#define LONG_TOKEN                                                                                                           \
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7m"  \
    "SEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo" \
    "0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

static struct arena *mem;

static int setup(void **state)
{
    (void)state;
    mem = arena_new(16 * 1024, 4 * 1024 * 1024);
    return mem ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

static struct sigv4_keys suite_keys(void)
{
    return (struct sigv4_keys){TEXT("AKIDEXAMPLE"), TEXT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), TEXT_NONE};
}

static struct sigv4_keys s3_keys(void)
{
    return (struct sigv4_keys){TEXT("AKIAIOSFODNN7EXAMPLE"), TEXT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                               TEXT_NONE};
}

static const char *added(const struct sigv4_headers *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++) {
        if (strcmp(h->headers[i].name, name) == 0)
            return h->headers[i].value.p;
    }
    return NULL;
}

static const char *after(const char *text, const char *mark)
{
    const char *at = text ? strstr(text, mark) : NULL;
    return at ? at + strlen(mark) : "";
}

/* The signature in a request of the suite with these parts. */
static const char *sign(struct sigv4_request req, struct sigv4_keys keys, struct sigv4_headers *out)
{
    struct err err = {0};
    if (!sigv4_sign(&req, &keys, mem, out, &err))
        fail_msg("%s", err.detail);
    return after(added(out, "Authorization"), "Signature=");
}

static struct sigv4_request suite_request(const char *method, const char *path, const char *query)
{
    static const struct http_header HOST[] = {{"Host", {"example.amazonaws.com", 21}}};
    return (struct sigv4_request){.method = method,
                                  .path = text_of(path),
                                  .query = text_of(query),
                                  .headers = HOST,
                                  .header_count = 1,
                                  .body = TEXT(""),
                                  .region = "us-east-1",
                                  .service = "service",
                                  .at_ms = SUITE_DATE};
}

/* ---- the SigV4 test suite ---- */

#define VANILLA "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
#define POST_VANILLA "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

struct suite_case {
    const char *name, *method, *path, *query, *signature;
    struct http_header headers[3]; /* besides Host */
    const char *body;
};

static const struct suite_case SUITE[] = {
    {"get-vanilla", "GET", "/", "", VANILLA, {{0}}, ""},
    {"get-vanilla-empty-query-key",
     "GET",
     "/",
     "Param1=value1",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
     {{0}},
     ""},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     "Param2=value2&Param1=value1",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
     {{0}},
     ""},
    {"get-vanilla-query-order-value",
     "GET",
     "/",
     "Param1=value2&Param1=value1",
     "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694",
     {{0}},
     ""},
    {"get-vanilla-query-order-encoded",
     "GET",
     "/",
     "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
     {{0}},
     ""},
    {"get-vanilla-query-unreserved",
     "GET",
     "/",
     UNRESERVED "=" UNRESERVED,
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
     {{0}},
     ""},
    {"get-vanilla-utf8-query",
     "GET",
     "/",
     "\xe1\x88\xb4=bar",
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
     {{0}},
     ""},
    {"get-unreserved",
     "GET",
     "/" UNRESERVED,
     "",
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
     {{0}},
     ""},
    {"get-utf8",
     "GET",
     "/\xe1\x88\xb4",
     "",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
     {{0}},
     ""},
    {"get-space",
     "GET",
     "/example space/",
     "",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
     {{0}},
     ""},
    {"get-relative", "GET", "/example/..", "", VANILLA, {{0}}, ""},
    {"get-relative-relative", "GET", "/example1/example2/../..", "", VANILLA, {{0}}, ""},
    {"get-slash", "GET", "//", "", VANILLA, {{0}}, ""},
    {"get-slash-dot-slash", "GET", "/./", "", VANILLA, {{0}}, ""},
    {"get-slash-pointless-dot",
     "GET",
     "/./example",
     "",
     "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
     {{0}},
     ""},
    {"get-slashes",
     "GET",
     "//example//",
     "",
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
     {{0}},
     ""},
    {"get-header-key-duplicate",
     "GET",
     "/",
     "",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
     {{"My-Header1", {"value2", 6}}, {"My-Header1", {"value2", 6}}, {"My-Header1", {"value1", 6}}},
     ""},
    {"get-header-value-order",
     "GET",
     "/",
     "",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
     {{"My-Header1", {"value4,value1", 13}}, {"My-Header1", {"value3", 6}}, {"My-Header1", {"value2", 6}}},
     ""},
    {"get-header-value-multiline",
     "GET",
     "/",
     "",
     "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd",
     {{"My-Header1", {"value1\n  value2\n     value3", 27}}},
     ""},
    {"get-header-value-trim",
     "GET",
     "/",
     "",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
     {{"My-Header1", {" value1", 7}}, {"My-Header2", {" \"a   b   c\"", 12}}},
     ""},
    {"post-vanilla", "POST", "/", "", POST_VANILLA, {{0}}, ""},
    {"post-vanilla-query",
     "POST",
     "/",
     "Param1=value1",
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
     {{0}},
     ""},
    {"post-header-key-sort",
     "POST",
     "/",
     "",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
     {{"My-Header1", {"value1", 6}}},
     ""},
    {"post-header-value-case",
     "POST",
     "/",
     "",
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
     {{"My-Header1", {"VALUE1", 6}}},
     ""},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     "",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
     {{"Content-Type", {"application/x-www-form-urlencoded", 33}}},
     "Param1=value1"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     "",
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
     {{"Content-Type", {"application/x-www-form-urlencoded; charset=utf8", 47}}},
     "Param1=value1"},
};

static void test_every_case_of_the_signing_suite_gives_its_published_signature(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(SUITE); i++) {
        const struct suite_case *c = &SUITE[i];
        struct http_header headers[4] = {{"Host", TEXT("example.amazonaws.com")}};
        struct sigv4_request req = suite_request(c->method, c->path, c->query);
        req.header_count = 1;
        for (size_t h = 0; h < 3 && c->headers[h].name; h++)
            headers[req.header_count++] = c->headers[h];
        req.headers = headers;
        req.body = text_of(c->body);
        struct sigv4_headers out;
        const char *got = sign(req, suite_keys(), &out);
        if (strcmp(got, c->signature) != 0)
            fail_msg("%s: %s instead of %s", c->name, got, c->signature);
        assert_string_equal(added(&out, "x-amz-date"), "20150830T123600Z");
        assert_null(added(&out, "x-amz-content-sha256"));
    }
}

static void test_the_whole_authorization_header_is_as_published(void **state)
{
    (void)state;
    struct sigv4_headers out;
    sign(suite_request("GET", "/", ""), suite_keys(), &out);
    assert_string_equal(added(&out, "Authorization"),
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                        "SignedHeaders=host;x-amz-date, Signature=" VANILLA);
}

static void test_the_iam_guides_list_users_example_is_signed_as_published(void **state)
{
    (void)state;
    static const struct http_header HEADERS[] = {
        {"Host", {"iam.amazonaws.com", 17}},
        {"Content-Type", {"application/x-www-form-urlencoded; charset=utf-8", 48}},
    };
    struct sigv4_request req = suite_request("GET", "/", "Action=ListUsers&Version=2010-05-08");
    req.headers = HEADERS;
    req.header_count = 2;
    req.service = "iam";
    struct sigv4_headers out;
    assert_string_equal(sign(req, suite_keys(), &out),
                        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

/* ---- the session token, both orders ---- */

static void test_a_session_token_is_signed_with_the_request(void **state)
{
    (void)state;
    struct sigv4_keys keys = suite_keys();
    struct sigv4_headers out;
    keys.session_token = TEXT(SUITE_TOKEN);
    assert_string_equal(sign(suite_request("GET", "/", ""), keys, &out),
                        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
    assert_string_equal(added(&out, "x-amz-security-token"), SUITE_TOKEN);
    keys.session_token = TEXT(LONG_TOKEN);
    assert_string_equal(sign(suite_request("POST", "/", ""), keys, &out),
                        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

static void test_a_session_token_can_be_added_after_signing(void **state)
{
    (void)state;
    struct sigv4_keys keys = suite_keys();
    struct sigv4_request req = suite_request("POST", "/", "");
    struct sigv4_headers out;
    keys.session_token = TEXT(LONG_TOKEN);
    req.flags = SIGV4_TOKEN_AFTER_SIGNING;
    assert_string_equal(sign(req, keys, &out), POST_VANILLA);
    assert_string_equal(added(&out, "x-amz-security-token"), LONG_TOKEN);
    assert_null(strstr(added(&out, "Authorization"), "security-token"));
}

/* ---- the S3 user guide ---- */

#define S3_HOST "examplebucket.s3.amazonaws.com"

static struct sigv4_request s3_request(const char *method, const char *path, const char *query)
{
    static const struct http_header HOST[] = {{"Host", {S3_HOST, 30}}};
    return (struct sigv4_request){.method = method,
                                  .path = text_of(path),
                                  .query = text_of(query),
                                  .headers = HOST,
                                  .header_count = 1,
                                  .body = TEXT(""),
                                  .region = "us-east-1",
                                  .service = "s3",
                                  .at_ms = S3_DATE,
                                  .flags = SIGV4_S3};
}

static void test_the_s3_guides_get_object_is_signed_as_published(void **state)
{
    (void)state;
    static const struct http_header HEADERS[] = {{"Host", {S3_HOST, 30}}, {"Range", {"bytes=0-9", 9}}};
    struct sigv4_request req = s3_request("GET", "/test.txt", "");
    struct sigv4_headers out;
    req.headers = HEADERS;
    req.header_count = 2;
    assert_string_equal(sign(req, s3_keys(), &out), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    assert_string_equal(added(&out, "x-amz-content-sha256"),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_the_s3_guides_put_object_is_signed_as_published_whether_the_dollar_is_encoded_or_not(void **state)
{
    (void)state;
    static const struct http_header HEADERS[] = {
        {"Host", {S3_HOST, 30}},
        {"Date", {"Fri, 24 May 2013 00:00:00 GMT", 29}},
        {"x-amz-storage-class", {"REDUCED_REDUNDANCY", 18}},
    };
    const char *const paths[] = {"/test$file.text", "/test%24file.text"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct sigv4_request req = s3_request("PUT", paths[i], "");
        struct sigv4_headers out;
        req.headers = HEADERS;
        req.header_count = 3;
        req.body = TEXT("Welcome to Amazon S3.");
        assert_string_equal(sign(req, s3_keys(), &out),
                            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    }
}

static void test_the_s3_guides_bucket_queries_are_signed_as_published(void **state)
{
    (void)state;
    struct sigv4_headers out;
    assert_string_equal(sign(s3_request("GET", "/", "lifecycle"), s3_keys(), &out),
                        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    assert_string_equal(sign(s3_request("GET", "/", "lifecycle="), s3_keys(), &out),
                        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    assert_string_equal(sign(s3_request("GET", "/", "prefix=J&max-keys=2"), s3_keys(), &out),
                        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static struct text presign(struct sigv4_request req, struct sigv4_keys keys, int64_t expires_s)
{
    struct err err = {0};
    struct text query;
    if (!sigv4_presign(&req, &keys, expires_s, mem, &query, &err))
        fail_msg("%s", err.detail);
    return query;
}

static void test_the_s3_guides_presigned_get_is_as_published(void **state)
{
    (void)state;
    struct text query = presign(s3_request("GET", "/test.txt", ""), s3_keys(), 86400);
    assert_string_equal(query.p, "X-Amz-Algorithm=AWS4-HMAC-SHA256"
                                 "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                                 "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                                 "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

static void test_the_suites_presigned_queries_are_as_published(void **state)
{
    (void)state;
    static const struct http_header TRIM[] = {{"Host", {"example.amazonaws.com", 21}},
                                              {"My-Header1", {" value1", 7}},
                                              {"My-Header2", {" \"a   b   c\"", 12}}};
    struct sigv4_request req = suite_request("GET", "/", "");
    req.headers = TRIM;
    req.header_count = 3;
    assert_string_equal(after(presign(req, suite_keys(), 3600).p, "X-Amz-Signature="),
                        "e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4");
    req = suite_request("GET", "/", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1");
    assert_string_equal(after(presign(req, suite_keys(), 3600).p, "X-Amz-Signature="),
                        "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787");
}

static void test_a_presigned_token_stands_in_the_query_before_signing_or_after_it(void **state)
{
    (void)state;
    struct sigv4_request req = suite_request("GET", "/", "");
    struct sigv4_keys keys = suite_keys();
    const char *plain = after(presign(req, keys, 3600).p, "X-Amz-Signature=");
    keys.session_token = TEXT(SUITE_TOKEN);
    const char *before = presign(req, keys, 3600).p;
    assert_true(strstr(before, "X-Amz-Security-Token=") < strstr(before, "X-Amz-Signature="));
    assert_string_equal(after(before, "X-Amz-Signature="),
                        "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c");
    req.flags = SIGV4_TOKEN_AFTER_SIGNING;
    const char *afterwards = presign(req, keys, 3600).p;
    assert_true(strstr(afterwards, "X-Amz-Security-Token=") > strstr(afterwards, "X-Amz-Signature="));
    assert_memory_equal(after(afterwards, "X-Amz-Signature="), plain, 64);
}

static void test_a_presigned_url_lives_from_a_second_to_a_week(void **state)
{
    (void)state;
    struct sigv4_request req = s3_request("GET", "/x", "");
    struct sigv4_keys keys = s3_keys();
    const int64_t bad[] = {0, -1, 7 * 86400 + 1};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        struct text query;
        assert_false(sigv4_presign(&req, &keys, bad[i], mem, &query, &err));
        assert_int_equal(err.code, ERR_INTERNAL);
    }
    assert_non_null(presign(req, keys, 7 * 86400).p);
}

static void test_a_presigned_url_never_outlives_the_keys_that_signed_it(void **state)
{
    (void)state;
    const int64_t now = 1000000;
    assert_int_equal(sigv4_presign_expiry(3600, 0, now), 3600);
    assert_int_equal(sigv4_presign_expiry(30 * 86400, 0, now), 7 * 86400);
    assert_int_equal(sigv4_presign_expiry(3600, now + 2 * 3600 * 1000, now), 3600);
    assert_int_equal(sigv4_presign_expiry(3600, now + 600 * 1000, now), 540);
    assert_int_equal(sigv4_presign_expiry(3600, now + 59 * 1000, now), 0);
    assert_int_equal(sigv4_presign_expiry(3600, now - 1, now), 0);
}

/* ---- POST policy ---- */

static void test_the_s3_guides_post_policy_has_its_published_signature(void **state)
{
    (void)state;
    static const char POLICY[] =
        "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2"
        "NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMt"
        "cmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29t"
        "L3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4"
        "LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0s"
        "DQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZP"
        "RE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1B"
        "Qy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
    struct sigv4_keys keys = s3_keys();
    char got[SIGV4_HASH_MAX];
    sigv4_signature(&keys, "20151229T000000Z", "us-east-1", "s3", text_of(POLICY), got);
    assert_string_equal(got, "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e");
}

static const char *form_value(const struct sigv4_form *form, const char *name)
{
    for (size_t i = 0; i < form->count; i++) {
        if (strcmp(form->fields[i].name, name) == 0)
            return form->fields[i].value.p;
    }
    return NULL;
}

static void decode_base64(const char *text, char *out, size_t cap)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    unsigned bits = 0, have = 0;
    for (const char *p = text; *p && *p != '=' && n + 1 < cap; p++) {
        bits = bits << 6 | (unsigned)(strchr(DIGITS, *p) - DIGITS);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have & 0xff);
        }
    }
    out[n] = '\0';
}

static void test_an_upload_form_binds_key_size_and_every_field(void **state)
{
    (void)state;
    static const struct http_header FIELDS[] = {{"Content-Type", {"image/png", 9}}};
    struct sigv4_post post = {.region = "us-east-1",
                              .bucket = "docs",
                              .key_prefix = TEXT("household/42/"),
                              .size_min = 1,
                              .size_max = 5000000,
                              .at_ms = SUITE_DATE,
                              .expires_at_ms = SUITE_DATE + 600000,
                              .fields = FIELDS,
                              .field_count = 1};
    struct sigv4_keys keys = s3_keys();
    struct sigv4_form form;
    struct err err = {0};
    char policy[2048], signature[SIGV4_HASH_MAX];
    keys.session_token = TEXT("token/+=");
    assert_true(sigv4_post_form(&post, &keys, mem, &form, &err));
    decode_base64(form_value(&form, "policy"), policy, sizeof(policy));
    assert_string_equal(policy, "{\"expiration\":\"2015-08-30T12:46:00.000Z\",\"conditions\":[{\"bucket\":\"docs\"},"
                                "[\"starts-with\",\"$key\",\"household/42/\"],[\"content-length-range\",1,5000000],"
                                "{\"Content-Type\":\"image/png\"},{\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\"},"
                                "{\"x-amz-credential\":\"AKIAIOSFODNN7EXAMPLE/20150830/us-east-1/s3/aws4_request\"},"
                                "{\"x-amz-date\":\"20150830T123600Z\"},{\"x-amz-security-token\":\"token/+=\"}]}");
    sigv4_signature(&keys, "20150830T123600Z", "us-east-1", "s3", text_of(form_value(&form, "policy")), signature);
    assert_string_equal(form_value(&form, "x-amz-signature"), signature);
    assert_string_equal(form.fields[form.count - 1].name, "x-amz-signature");
}

/* ---- the pitfalls one by one ---- */

static const char *signature_of_headers(const struct http_header *headers, size_t n)
{
    struct sigv4_request req = suite_request("GET", "/", "");
    struct sigv4_headers out;
    req.headers = headers;
    req.header_count = n;
    return sign(req, suite_keys(), &out);
}

static void test_headers_sort_by_name_alone(void **state)
{
    (void)state;
    /* Sorted as whole lines "x-amz-meta-test-two:" would stand before "x-amz-meta-test:", since '-' is less than ':'.
     */
    const struct http_header headers[] = {
        {"Host", TEXT("example.amazonaws.com")}, {"x-amz-meta-test-two", TEXT("2")}, {"x-amz-meta-test", TEXT("1")}};
    struct sigv4_request req = suite_request("GET", "/", "");
    struct sigv4_headers out;
    req.headers = headers;
    req.header_count = 3;
    sign(req, suite_keys(), &out);
    assert_non_null(
        strstr(added(&out, "Authorization"), "SignedHeaders=host;x-amz-date;x-amz-meta-test;x-amz-meta-test-two, "));
}

static void test_headers_that_hops_may_change_are_not_signed(void **state)
{
    (void)state;
    const char *const names[] = {"Connection",        "User-Agent", "X-Amzn-Trace-Id",  "Upgrade",
                                 "Transfer-Encoding", "Expect",     "Sec-WebSocket-Key"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct http_header headers[] = {{"Host", TEXT("example.amazonaws.com")}, {names[i], TEXT("x")}};
        assert_string_equal(signature_of_headers(headers, 2), VANILLA);
    }
}

static void test_a_caller_cannot_pass_the_signers_own_headers(void **state)
{
    (void)state;
    const char *const names[] = {"Authorization", "X-Amz-Date", "x-amz-content-sha256", "X-AMZ-SECURITY-TOKEN"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct http_header headers[] = {{"Host", TEXT("example.amazonaws.com")}, {names[i], TEXT("x")}};
        struct sigv4_request req = suite_request("GET", "/", "");
        struct sigv4_keys keys = suite_keys();
        struct sigv4_headers out;
        struct err err = {0};
        req.headers = headers;
        req.header_count = 2;
        assert_false(sigv4_sign(&req, &keys, mem, &out, &err));
        assert_int_equal(err.code, ERR_INTERNAL);
    }
}

static void test_a_request_without_host_is_refused(void **state)
{
    (void)state;
    struct sigv4_request req = suite_request("GET", "/", "");
    struct sigv4_keys keys = suite_keys();
    struct sigv4_headers out;
    struct err err = {0};
    req.header_count = 0;
    assert_false(sigv4_sign(&req, &keys, mem, &out, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
}

static void test_the_host_is_signed_with_its_port(void **state)
{
    (void)state;
    const struct http_header with[] = {{"Host", TEXT("example.amazonaws.com:4566")}};
    assert_string_not_equal(signature_of_headers(with, 1), VANILLA);
}

static bool same(struct sigv4_request a, struct sigv4_request b)
{
    struct sigv4_headers out;
    const char *first = sign(a, suite_keys(), &out);
    return strcmp(first, sign(b, suite_keys(), &out)) == 0;
}

static void test_s3_paths_are_encoded_once_and_not_normalised(void **state)
{
    (void)state;
    /* what the wire carries, the same key encoded by another rule, a different key */
    static const char *const CASES[][3] = {
        {"/my%20file", "/my file", "/my%2520file"},
        {"/a%2Bb", "/a+b", "/a%20b"},
        {"/~x", "/%7Ex", "/%257Ex"},
        {"/a//b", "/a//b", "/a/b"},
        {"/a/./b", "/a/./b", "/a/b"},
        {"/h%C3%B3a%20%C4%91%C6%A1n",
         "/h\xc3\xb3"
         "a \xc4\x91\xc6\xa1n",
         "/h%25C3%25B3a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        if (!same(s3_request("GET", CASES[i][0], ""), s3_request("GET", CASES[i][1], "")))
            fail_msg("%s and %s differ", CASES[i][0], CASES[i][1]);
        if (same(s3_request("GET", CASES[i][0], ""), s3_request("GET", CASES[i][2], "")))
            fail_msg("%s and %s are the same", CASES[i][0], CASES[i][2]);
    }
}

static void test_other_services_paths_are_normalised_and_encoded_again(void **state)
{
    (void)state;
    assert_true(same(suite_request("GET", "/a/../b//c/./d/", ""), suite_request("GET", "/b/c/d/", "")));
    assert_true(same(suite_request("GET", "", ""), suite_request("GET", "/", "")));
    assert_true(same(suite_request("GET", "/../../..", ""), suite_request("GET", "/", "")));
    assert_false(same(suite_request("GET", "/a%20b", ""), suite_request("GET", "/a b", "")));
}

static void test_a_plus_in_a_query_is_a_plus_and_a_blank_is_20(void **state)
{
    (void)state;
    assert_true(same(suite_request("GET", "/", "q=a+b"), suite_request("GET", "/", "q=a%2Bb")));
    assert_true(same(suite_request("GET", "/", "q=a b"), suite_request("GET", "/", "q=a%20b")));
    assert_false(same(suite_request("GET", "/", "q=a+b"), suite_request("GET", "/", "q=a%20b")));
}

static void test_empty_query_values_and_stray_ampersands_sign_alike(void **state)
{
    (void)state;
    assert_true(same(suite_request("GET", "/", "uploads"), suite_request("GET", "/", "uploads=")));
    assert_true(same(suite_request("GET", "/", "&b=1&&a=&"), suite_request("GET", "/", "a&b=1")));
    assert_true(same(suite_request("GET", "/", "q=100%"), suite_request("GET", "/", "q=100%25")));
}

static void test_the_scope_date_turns_at_midnight_utc(void **state)
{
    (void)state;
    const int64_t midnight = 1440979200000LL; /* 2015-08-31T00:00:00Z */
    static const struct {
        int64_t offset_ms;
        const char *date, *scope;
    } CASES[] = {
        {-1, "20150830T235959Z", "Credential=AKIDEXAMPLE/20150830/"},
        {0, "20150831T000000Z", "Credential=AKIDEXAMPLE/20150831/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct sigv4_request req = suite_request("GET", "/", "");
        struct sigv4_headers out;
        req.at_ms = midnight + CASES[i].offset_ms;
        sign(req, suite_keys(), &out);
        assert_string_equal(added(&out, "x-amz-date"), CASES[i].date);
        assert_non_null(strstr(added(&out, "Authorization"), CASES[i].scope));
    }
}

static void test_an_unsigned_payload_is_told_by_its_header_and_ignores_the_body(void **state)
{
    (void)state;
    struct sigv4_request req = s3_request("PUT", "/x", "");
    struct sigv4_headers out;
    req.flags |= SIGV4_UNSIGNED_PAYLOAD;
    req.body = TEXT("one");
    const char *one = sign(req, s3_keys(), &out);
    assert_string_equal(added(&out, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
    req.body = TEXT("two");
    assert_string_equal(sign(req, s3_keys(), &out), one);
}

static void test_limits_are_faults_and_not_overflows(void **state)
{
    (void)state;
    struct http_header headers[40];
    char query[1024] = "";
    struct sigv4_headers out;
    struct sigv4_keys keys = suite_keys();
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        headers[i] = (struct http_header){i == 0 ? "Host" : "x-a", TEXT("x")};
    struct sigv4_request many = suite_request("GET", "/", "");
    many.headers = headers;
    many.header_count = ARRAY_LEN(headers);
    for (size_t i = 0; i < 100; i++)
        snprintf(query + strlen(query), sizeof(query) - strlen(query), "&p%zu", i);
    struct sigv4_request long_query = suite_request("GET", "/", query), long_region = suite_request("GET", "/", "");
    long_region.region = query;
    const struct sigv4_request bad[] = {many, long_query, long_region};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_false(sigv4_sign(&bad[i], &keys, mem, &out, &err));
        assert_int_equal(err.code, ERR_INTERNAL);
    }
}

static void test_signing_without_memory_fails_at_every_position(void **state)
{
    (void)state;
    struct sigv4_request req = s3_request("GET", "/test.txt", "b=2&a=1");
    struct sigv4_keys keys = s3_keys();
    struct sigv4_headers out;
    keys.session_token = TEXT(SUITE_TOKEN);
    bool done = false;
    for (long n = 0; !done; n++) {
        struct err err = {0};
        assert_true(n < 100);
        arena_fail_after(mem, n);
        done = sigv4_sign(&req, &keys, mem, &out, &err);
        if (!done)
            assert_int_equal(err.code, ERR_NO_MEMORY);
    }
    arena_fail_after(mem, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_case_of_the_signing_suite_gives_its_published_signature),
        TEST(test_the_whole_authorization_header_is_as_published),
        TEST(test_the_iam_guides_list_users_example_is_signed_as_published),
        TEST(test_a_session_token_is_signed_with_the_request),
        TEST(test_a_session_token_can_be_added_after_signing),
        TEST(test_the_s3_guides_get_object_is_signed_as_published),
        TEST(test_the_s3_guides_put_object_is_signed_as_published_whether_the_dollar_is_encoded_or_not),
        TEST(test_the_s3_guides_bucket_queries_are_signed_as_published),
        TEST(test_the_s3_guides_presigned_get_is_as_published),
        TEST(test_the_suites_presigned_queries_are_as_published),
        TEST(test_a_presigned_token_stands_in_the_query_before_signing_or_after_it),
        TEST(test_a_presigned_url_lives_from_a_second_to_a_week),
        TEST(test_a_presigned_url_never_outlives_the_keys_that_signed_it),
        TEST(test_the_s3_guides_post_policy_has_its_published_signature),
        TEST(test_an_upload_form_binds_key_size_and_every_field),
        TEST(test_headers_sort_by_name_alone),
        TEST(test_headers_that_hops_may_change_are_not_signed),
        TEST(test_a_caller_cannot_pass_the_signers_own_headers),
        TEST(test_a_request_without_host_is_refused),
        TEST(test_the_host_is_signed_with_its_port),
        TEST(test_s3_paths_are_encoded_once_and_not_normalised),
        TEST(test_other_services_paths_are_normalised_and_encoded_again),
        TEST(test_a_plus_in_a_query_is_a_plus_and_a_blank_is_20),
        TEST(test_empty_query_values_and_stray_ampersands_sign_alike),
        TEST(test_the_scope_date_turns_at_midnight_utc),
        TEST(test_an_unsigned_payload_is_told_by_its_header_and_ignores_the_body),
        TEST(test_limits_are_faults_and_not_overflows),
        TEST(test_signing_without_memory_fails_at_every_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
