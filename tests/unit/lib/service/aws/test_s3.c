/* What the S3 client sends and what it makes of each answer, against a scripted server. */
#include "service/aws/s3.h"

#include "check.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/date.h"
#include "lib/service/fake_http.h"
#include "service/aws/credentials.h"
#include "service/aws/sigv4.h"
#include "service/http.h"
#include "service/log.h"

#include <stdlib.h>
#include <unistd.h>

#define REGION "ap-southeast-1"
#define KEY TEXT("h/7/file/a b+\xc3\xa9")
#define PATH "/test-documents/h/7/file/a%20b%2B%C3%A9"
/* SHA-256 of "hello" */
#define HELLO_HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HELLO_BASE64 "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
#define ERROR(code) "<?xml version=\"1.0\"?><Error><Code>" code "</Code><Message>told</Message></Error>"

static struct fake_http *server;
static struct arena *mem;
static struct aws_credentials *creds;
static struct s3 *s3;

static struct s3 *open_at(const char *endpoint, struct aws_credentials *with, int deadline_ms)
{
    struct err err = {0};
    const struct s3_options opts = {.bucket = "test-documents",
                                    .region = REGION,
                                    .endpoint_url = endpoint,
                                    .connect_timeout_ms = 5000,
                                    .call_timeout_ms = 20000,
                                    .deadline_ms = deadline_ms,
                                    .handles = 2};
    struct s3 *made = s3_open(&opts, with, &err);
    assert_non_null(made);
    return made;
}

static int setup(void **state)
{
    (void)state;
    const struct aws_credentials_options keys = {
        .access_key_id = "AKID", .secret_access_key = "secret", .session_token = "the+token"};
    struct err err = {0};
    server = fake_http_start();
    mem = arena_new(64 * 1024, 32 * 1024 * 1024);
    creds = aws_credentials_open(&keys, &err);
    s3 = open_at(fake_http_url(server), creds, 30000);
    return mem && creds && s3 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    s3_close(s3);
    aws_credentials_close(creds);
    fake_http_stop(server);
    arena_free(mem);
    return 0;
}

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s %s [%s]", #call, err_row(err.code)->name, err.detail, err.cause);                         \
    } while (0)
#define FAILS(code_, call)                                                                                             \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        assert_false(call);                                                                                            \
        if (err.code != (code_))                                                                                       \
            fail_msg("%s: %s [%s]", #call, err_row(err.code)->name, err.cause);                                        \
    } while (0)
#define SCRIPT(...)                                                                                                    \
    static const struct fake_reply SCRIPT_[] = {__VA_ARGS__};                                                          \
    fake_http_script(server, SCRIPT_, ARRAY_LEN(SCRIPT_))

static void assert_head(size_t i, const char *part)
{
    if (!fake_http_head_has(server, i, part))
        fail_msg("'%s' is not in '%s'", part, fake_http_request(server, i).head);
}

/* ---- opening ---- */

static void test_a_bucket_region_or_endpoint_that_cannot_be_is_refused(void **state)
{
    (void)state;
    const struct s3_options good = {.bucket = "b", .region = "r"};
    struct s3_options bad[] = {good, good, good, good, good};
    bad[0].bucket = NULL;
    bad[1].bucket = "a/b";
    bad[2].region = "";
    bad[3].region = "x.com/?";
    bad[4].endpoint_url = "s3.test";
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        FAILS(ERR_INTERNAL, s3_open(&bad[i], creds, &err));
}

static void test_keys_that_could_leave_their_place_are_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {"", "/a", "a/", "a//b", "a/../b", "..", "./a", "a/.", "a\nb", "a\x7f"};
    struct s3_object object;
    SCRIPT({.status = 200});
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        FAILS(ERR_INTERNAL, s3_head(s3, text_of(BAD[i]), &object, &err));
    char *longer = arena_alloc(mem, S3_KEY_MAX + 1);
    memset(longer, 'a', S3_KEY_MAX + 1);
    FAILS(ERR_INTERNAL, s3_head(s3, (struct text){longer, S3_KEY_MAX + 1}, &object, &err));
    assert_int_equal(fake_http_count(server), 0);
    OK(s3_head(s3, (struct text){longer, S3_KEY_MAX}, &object, &err));
}

/* ---- what goes over the wire ---- */

static void test_a_put_asks_for_encryption_and_tells_its_digest(void **state)
{
    (void)state;
    SCRIPT({.status = 200});
    const struct s3_put put = {.key = KEY,
                               .bytes = TEXT("hello"),
                               .content_type = TEXT("text/plain"),
                               .content_disposition = TEXT("inline; filename=\"a\"")};
    OK(s3_put(s3, &put, &err));
    assert_head(0, "PUT " PATH " HTTP/1.1\r\n");
    assert_head(0, "x-amz-server-side-encryption: AES256\r\n");
    assert_head(0, "x-amz-checksum-sha256: " HELLO_BASE64 "\r\n");
    assert_head(0, "x-amz-content-sha256: " HELLO_HEX "\r\n");
    assert_head(0, "x-amz-security-token: the+token\r\n");
    assert_head(0, "Content-Type: text/plain\r\n");
    assert_head(0, "Content-Disposition: inline; filename=\"a\"\r\n");
    assert_head(0, "Content-Length: 5\r\n");
    assert_head(0, "SignedHeaders=content-disposition;content-type;host;x-amz-checksum-sha256;x-amz-content-sha256;"
                   "x-amz-date;x-amz-security-token;x-amz-server-side-encryption,");
    assert_string_equal(fake_http_request(server, 0).body, "hello");
}

static int hello_file(void)
{
    char name[] = "/tmp/mm-s3-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, "..hello..", 9), 9);
    return fd;
}

static void test_a_file_is_put_with_the_digest_given_or_found(void **state)
{
    (void)state;
    SCRIPT({.status = 200}, {.status = 200});
    const struct http_source file = {.fd = hello_file(), .offset = 2, .size = 5};
    struct s3_put put = {.key = KEY, .file = &file};
    for (size_t i = 0; i < 2; i++) {
        OK(s3_put(s3, &put, &err));
        assert_head(i, "x-amz-content-sha256: " HELLO_HEX "\r\n");
        assert_head(i, "x-amz-checksum-sha256: " HELLO_BASE64 "\r\n");
        assert_head(i, "Content-Type: application/octet-stream\r\n");
        assert_string_equal(fake_http_request(server, i).body, "hello");
        put.sha256 = TEXT(HELLO_HEX);
    }
    const struct http_source longer = {.fd = file.fd, .offset = 2, .size = 50};
    put = (struct s3_put){.key = KEY, .file = &longer};
    FAILS(ERR_INTERNAL, s3_put(s3, &put, &err));
    put.sha256 = TEXT(HELLO_HEX);
    FAILS(ERR_INTERNAL, s3_put(s3, &put, &err));
    close(file.fd);
}

static void test_a_head_tells_what_the_object_is(void **state)
{
    (void)state;
    SCRIPT({.headers = "ETag: \"abc\"\r\nContent-Type: image/png\r\nx-amz-checksum-sha256: " HELLO_BASE64
                       "\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
           {.headers = "ETag: \"abc-3\"\r\nx-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=-3\r\n"});
    struct s3_object object;
    OK(s3_head(s3, KEY, &object, &err));
    assert_head(0, "HEAD " PATH " HTTP/1.1\r\n");
    assert_head(0, "x-amz-checksum-mode: ENABLED\r\n");
    assert_string_equal(object.etag, "abc");
    assert_string_equal(object.content_type, "image/png");
    assert_string_equal(object.sha256, HELLO_HEX);
    assert_int_equal(object.modified_at_ms, 784111777000);
    OK(s3_head(s3, KEY, &object, &err));
    assert_string_equal(object.sha256, ""); /* of its parts, not of it */
}

static void test_a_list_asks_for_a_prefix_and_goes_on_with_its_token(void **state)
{
    (void)state;
    SCRIPT({.body = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a/+=</"
                    "NextContinuationToken></ListBucketResult>"},
           {.body = "<ListBucketResult></ListBucketResult>"}, {.body = "<Else/>"});
    struct s3_list list;
    OK(s3_list(s3, TEXT("h/7/"), TEXT_NONE, 1000, mem, &list, &err));
    assert_head(0, "GET /test-documents/?list-type=2&max-keys=1000&prefix=h%2F7%2F HTTP/1.1\r\n");
    assert_text(list.next, "a/+=");
    OK(s3_list(s3, TEXT("h/7/"), list.next, 1, mem, &list, &err));
    assert_head(1, "/?continuation-token=a%2F%2B%3D&list-type=2&max-keys=1&prefix=");
    assert_null(list.next.p);
    FAILS(ERR_UNAVAILABLE, s3_list(s3, TEXT(""), TEXT_NONE, 1, mem, &list, &err));
    FAILS(ERR_INTERNAL, s3_list(s3, TEXT(""), TEXT_NONE, 0, mem, &list, &err));
    FAILS(ERR_INTERNAL, s3_list(s3, TEXT(""), TEXT_NONE, 1001, mem, &list, &err));
}

/* ---- answers ---- */

static void test_what_may_heal_is_tried_again_and_the_rest_is_not(void **state)
{
    (void)state;
    static const struct {
        struct fake_reply reply;
        bool again;
        enum err_code code;
    } CASES[] = {
        {{.status = 500, .body = ERROR("InternalError")}, true, ERR_UNAVAILABLE},
        {{.status = 503, .body = ERROR("SlowDown")}, true, ERR_UNAVAILABLE},
        {{.status = 502, .body = "<html>"}, true, ERR_UNAVAILABLE},
        {{.status = 429}, true, ERR_UNAVAILABLE},
        {{.status = 400, .body = ERROR("RequestTimeout")}, true, ERR_UNAVAILABLE},
        {{.status = 400, .body = ERROR("BadDigest")}, true, ERR_UNAVAILABLE},
        {{.status = 409, .body = ERROR("OperationAborted")}, true, ERR_UNAVAILABLE},
        {{.close_silently = true}, true, ERR_UNAVAILABLE},
        {{.status = 404, .body = ERROR("NoSuchKey")}, false, ERR_NOT_FOUND},
        {{.status = 404, .body = ERROR("NoSuchBucket")}, false, ERR_UNAVAILABLE},
        {{.status = 403, .body = ERROR("AccessDenied")}, false, ERR_UNAVAILABLE},
        {{.status = 403, .body = ERROR("InvalidAccessKeyId")}, false, ERR_UNAVAILABLE},
        {{.status = 403}, false, ERR_UNAVAILABLE},
        {{.status = 301, .body = ERROR("PermanentRedirect")}, false, ERR_UNAVAILABLE},
        {{.status = 400, .body = ERROR("InvalidArgument")}, false, ERR_INTERNAL},
        {{.status = 405, .body = ERROR("MethodNotAllowed")}, false, ERR_INTERNAL},
    };
    const struct s3_put put = {.key = KEY, .bytes = TEXT("hello")};
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const struct fake_reply once[] = {CASES[i].reply, {.status = 200}};
        fake_http_script(server, once, 2);
        if (CASES[i].again)
            OK(s3_put(s3, &put, &err));
        else
            FAILS(CASES[i].code, s3_put(s3, &put, &err));
        assert_int_equal(fake_http_count(server), CASES[i].again ? 2 : 1);
    }
}

static void test_tries_have_an_end(void **state)
{
    (void)state;
    SCRIPT({.status = 503}, {.status = 503}, {.status = 503}, {.status = 503}, {.status = 200});
    FAILS(ERR_UNAVAILABLE, s3_delete(s3, KEY, &err));
    assert_int_equal(fake_http_count(server), 4);
    struct s3 *hasty = open_at("http://127.0.0.1:1", creds, 1);
    int64_t start = clock_monotonic_ms();
    FAILS(ERR_UNAVAILABLE, s3_delete(hasty, KEY, &err));
    assert_true(clock_monotonic_ms() - start < 5000);
    s3_close(hasty);
}

static void test_a_cancelled_client_ends_at_once(void **state)
{
    (void)state;
    SCRIPT({.status = 200});
    s3_cancel(s3);
    FAILS(ERR_UNAVAILABLE, s3_delete(s3, KEY, &err));
    assert_int_equal(fake_http_count(server), 0);
}

static void test_a_delete_of_nothing_is_done(void **state)
{
    (void)state;
    SCRIPT({.status = 204}, {.status = 404, .body = ERROR("NoSuchKey")},
           {.status = 404, .body = ERROR("NoSuchBucket")});
    OK(s3_delete(s3, KEY, &err));
    OK(s3_delete(s3, KEY, &err));
    FAILS(ERR_UNAVAILABLE, s3_delete(s3, KEY, &err));
    assert_head(0, "DELETE " PATH " HTTP/1.1\r\n");
}

/* stderr into a file while `run` runs. */
static struct text logged_by(void (*run)(void))
{
    char name[] = "/tmp/mm-log-XXXXXX";
    static char text[4096];
    int fd = mkstemp(name), saved = dup(STDERR_FILENO);
    assert_true(fd >= 0 && saved >= 0);
    unlink(name);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    run();
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text_of(text);
}

static void refused_three_times(void)
{
    static const struct fake_reply DENIED[] = {
        {.status = 403,
         .body =
             "<Error><Code>AccessDenied</Code><Message>User: x is not authorized to perform: s3:PutObject because no "
             "VPC endpoint policy allows the s3:PutObject action</Message></Error>"},
        {.status = 403, .body = ERROR("AccessDenied")},
        {.status = 404, .body = ERROR("NoSuchKey")}};
    fake_http_script(server, DENIED, 3);
    for (size_t i = 0; i < 3; i++) {
        struct err err = {0};
        const struct s3_put put = {.key = KEY, .bytes = TEXT("hello")};
        assert_false(s3_put(s3, &put, &err));
    }
}

static void test_a_refusal_is_logged_once_with_the_layer_to_look_at(void **state)
{
    (void)state;
    struct text log = logged_by(refused_three_times);
    const char *first = strstr(log.p, "ERROR");
    if (!first || strstr(first + 1, "ERROR") || !strstr(first, "the VPC endpoint's policy"))
        fail_msg("%s", log.p);
    assert_null(strstr(log.p, "h/7")); /* neither keys nor secrets */
    assert_null(strstr(log.p, "AKID"));
}

static void test_each_refusal_names_its_likely_layer(void **state)
{
    (void)state;
    static const char *const CASES[][3] = {
        {"AccessDenied", "with an explicit deny in a resource-based policy", "bucket policy"},
        {"AccessDenied", "because no VPC endpoint policy allows the s3:GetObject action", "VPC endpoint's policy"},
        {"AccessDenied", "because no identity-based policy allows the s3:GetObject action", "IAM policy"},
        {"AccessDenied", "Access Denied", "bucket policy"},
        {"AccessDenied", "Request has expired", "age of the signed URL"},
        {"SignatureDoesNotMatch", "", "secret does not fit"},
        {"InvalidAccessKeyId", "", "does not know it"},
        {"ExpiredToken", "", "have expired"},
        {"RequestTimeTooSkewed", "", "clock"},
        {"", "", "bucket policy, the endpoint's policy or the key"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        if (!strstr(s3_likely_layer(CASES[i][0], CASES[i][1]), CASES[i][2]))
            fail_msg("%s %s", CASES[i][0], CASES[i][1]);
    }
}

static void test_a_skewed_clock_is_cured_for_s3_too(void **state)
{
    (void)state;
    SCRIPT({.status = 403, .headers = "Date: Sun, 06 Nov 2044 08:49:37 GMT\r\n", .body = ERROR("RequestTimeTooSkewed")},
           {.status = 200});
    const struct s3_put put = {.key = KEY, .bytes = TEXT("hello")};
    OK(s3_put(s3, &put, &err));
    assert_head(1, "x-amz-date: 20441106T0849");
}

/* ---- downloads ---- */

static bool collect(struct text part, const struct s3_object *object, void *to)
{
    (void)object;
    buf_text(to, part);
    return true;
}

static void test_a_download_that_breaks_goes_on_where_it_broke(void **state)
{
    (void)state;
    SCRIPT({.status = 503}, {.headers = "ETag: \"e1\"\r\n", .body = "01234", .truncate = true},
           {.status = 206,
            .headers = "ETag: \"e1\"\r\nContent-Range: bytes 5-14/15\r\n",
            .body = "56789",
            .truncate = true},
           {.status = 206, .headers = "ETag: \"e1\"\r\nContent-Range: bytes 10-14/15\r\n", .body = "abcde"});
    AUTO(buf) struct buf got;
    struct s3_object object;
    buf_init(&got, 100);
    const struct s3_get get = {.key = KEY, .part = collect, .to = &got};
    OK(s3_get(s3, &get, &object, &err));
    assert_string_equal(got.p, "0123456789abcde");
    assert_int_equal(object.size, 15);
    assert_null(strstr(fake_http_request(server, 1).head, "Range:"));
    assert_head(2, "Range: bytes=5-\r\n");
    assert_head(2, "If-Match: \"e1\"\r\n");
    assert_head(3, "Range: bytes=10-\r\n");
}

static void test_a_download_whose_object_changed_on_the_way_fails(void **state)
{
    (void)state;
    SCRIPT({.headers = "ETag: \"e1\"\r\n", .body = "01234", .truncate = true},
           {.status = 412, .body = ERROR("PreconditionFailed")});
    AUTO(buf) struct buf got;
    buf_init(&got, 100);
    const struct s3_get get = {.key = KEY, .part = collect, .to = &got};
    FAILS(ERR_UNAVAILABLE, s3_get(s3, &get, NULL, &err));
    assert_string_equal(got.p, "01234");
}

static void test_a_whole_answer_to_a_range_is_no_range(void **state)
{
    (void)state;
    SCRIPT({.body = "0123456789"}, {.status = 206, .headers = "Content-Range: bytes 3-5/10\r\n", .body = "345"});
    AUTO(buf) struct buf got;
    buf_init(&got, 100);
    const struct s3_get get = {.key = KEY, .from = 3, .count = 3, .part = collect, .to = &got};
    FAILS(ERR_UNAVAILABLE, s3_get(s3, &get, NULL, &err));
    assert_int_equal(got.n, 0);
    OK(s3_get(s3, &get, NULL, &err));
    assert_head(1, "Range: bytes=3-5\r\n");
    assert_string_equal(got.p, "345");
}

static bool refuse(struct text part, const struct s3_object *object, void *to)
{
    (void)part, (void)object;
    ++*(int *)to;
    return false;
}

static void test_a_reader_ends_a_download_and_nothing_is_tried_again(void **state)
{
    (void)state;
    SCRIPT({.body = "0123456789"}, {.body = "0123456789"});
    int parts = 0;
    const struct s3_get get = {.key = KEY, .part = refuse, .to = &parts};
    FAILS(ERR_UNAVAILABLE, s3_get(s3, &get, NULL, &err));
    assert_int_equal(parts, 1);
    assert_int_equal(fake_http_count(server), 1);
}

static void test_the_body_of_an_error_is_never_taken_for_the_object(void **state)
{
    (void)state;
    SCRIPT({.status = 404, .body = ERROR("NoSuchKey")});
    struct text got;
    FAILS(ERR_NOT_FOUND, s3_get_bytes(s3, KEY, 1000, mem, &got, &err));
}

/* ---- parts ---- */

#define BEGUN {.body = "<InitiateMultipartUploadResult><UploadId>a&amp;b</UploadId></InitiateMultipartUploadResult>"}
#define DONE {.body = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"}

static struct http_source large_source(void)
{
    char name[] = "/tmp/mm-s3-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(ftruncate(fd, S3_PART_BYTES + 1), 0);
    return (struct http_source){.fd = fd, .size = S3_PART_BYTES + 1};
}

static void test_a_large_file_is_begun_sent_and_completed(void **state)
{
    (void)state;
    SCRIPT(BEGUN, {.headers = "ETag: \"p1\"\r\n"}, {.status = 500}, {.headers = "ETag: \"p2\"\r\n"}, DONE);
    const struct http_source file = large_source();
    const struct s3_put put = {.key = KEY, .file = &file, .content_type = TEXT("text/csv")};
    OK(s3_put(s3, &put, &err));
    assert_head(0, "POST " PATH "?uploads= HTTP/1.1\r\n");
    assert_head(0, "x-amz-checksum-algorithm: SHA256\r\n");
    assert_head(0, "x-amz-server-side-encryption: AES256\r\n");
    assert_head(0, "Content-Type: text/csv\r\n");
    assert_head(1, "PUT " PATH "?partNumber=1&uploadId=a%26b HTTP/1.1\r\n");
    assert_head(1, "Content-Length: 8388608\r\n");
    assert_head(2, "?partNumber=2&uploadId=a%26b HTTP/1.1\r\n");
    assert_head(3, "?partNumber=2&uploadId=a%26b HTTP/1.1\r\n");
    assert_head(3, "Content-Length: 1\r\n");
    /* SHA-256 of one zero byte */
    assert_head(3, "x-amz-checksum-sha256: bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\r\n");
    assert_head(4, "POST " PATH "?uploadId=a%26b HTTP/1.1\r\n");
    assert_non_null(strstr(fake_http_request(server, 4).body,
                           "<Part><PartNumber>2</PartNumber><ETag>\"p2\"</ETag><ChecksumSHA256>"
                           "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=</ChecksumSHA256></Part>"));
    close(file.fd);
}

static void test_a_large_file_that_fails_is_taken_back(void **state)
{
    (void)state;
    SCRIPT(BEGUN, {.headers = "ETag: \"p1\"\r\n"}, {.status = 403, .body = ERROR("AccessDenied")}, {.status = 204});
    const struct http_source file = large_source();
    const struct s3_put put = {.key = KEY, .file = &file};
    FAILS(ERR_UNAVAILABLE, s3_put(s3, &put, &err));
    assert_int_equal(fake_http_count(server), 4);
    assert_head(3, "DELETE " PATH "?uploadId=a%26b HTTP/1.1\r\n");
    close(file.fd);
}

static void test_a_completion_that_fails_within_200_is_tried_again(void **state)
{
    (void)state;
    SCRIPT(BEGUN, {.headers = "ETag: \"p1\"\r\n"}, {.headers = "ETag: \"p2\"\r\n"}, {.body = ERROR("InternalError")},
           DONE);
    const struct http_source file = large_source();
    const struct s3_put put = {.key = KEY, .file = &file};
    OK(s3_put(s3, &put, &err));
    assert_int_equal(fake_http_count(server), 5);
    close(file.fd);
}

/* The fake's HEAD tells the length 0 unless a range says more. */
#define LOST(head)                                                                                                     \
    SCRIPT(BEGUN, {.headers = "ETag: \"p1\"\r\n"}, {.headers = "ETag: \"p2\"\r\n"}, {.status = 500},                   \
           {.status = 404, .body = ERROR("NoSuchUpload")}, head, {.status = 204})

static void test_a_completion_whose_answer_was_lost_is_found_done(void **state)
{
    (void)state;
    LOST({.headers = "Content-Range: bytes 0-0/8388609\r\n"});
    const struct http_source file = large_source();
    const struct s3_put put = {.key = KEY, .file = &file};
    OK(s3_put(s3, &put, &err));
    assert_head(5, "HEAD " PATH " HTTP/1.1\r\n");
    assert_int_equal(fake_http_count(server), 6);
    close(file.fd);
}

static void test_an_object_of_another_length_is_not_the_one_completed(void **state)
{
    (void)state;
    LOST({.status = 200});
    const struct http_source file = large_source();
    const struct s3_put put = {.key = KEY, .file = &file};
    FAILS(ERR_UNAVAILABLE, s3_put(s3, &put, &err));
    assert_head(6, "DELETE " PATH "?uploadId=");
    close(file.fd);
}

/* ---- signed for others ---- */

static const char *param_of(struct text url, const char *name)
{
    const char *at = strstr(url.p, name);
    if (!at)
        fail_msg("%s is not in %s", name, url.p);
    return at + strlen(name);
}

static void test_an_address_carries_the_token_and_leads_where_it_is_told(void **state)
{
    (void)state;
    struct text url;
    struct s3_presign p = {.method = "GET", .key = KEY, .expires_s = 300, .endpoint_url = "https://office.test:443"};
    OK(s3_presign(s3, &p, mem, &url, NULL, &err));
    assert_true(text_starts(url, TEXT("https://office.test:443" PATH "?")));
    assert_memory_equal(param_of(url, "X-Amz-Expires="), "300&", 4);
    assert_memory_equal(param_of(url, "X-Amz-Security-Token="), "the%2Btoken&", 12);
    assert_memory_equal(param_of(url, "X-Amz-SignedHeaders="), "host&", 5);
    struct s3 *own = open_at("", creds, 1000);
    p.endpoint_url = NULL;
    OK(s3_presign(own, &p, mem, &url, NULL, &err));
    assert_true(text_starts(url, TEXT("https://test-documents.s3." REGION ".amazonaws.com/h/7/file/a%20b%2B%C3%A9?")));
    p.expires_s = SIGV4_EXPIRES_MAX_S + 1;
    OK(s3_presign(own, &p, mem, &url, NULL, &err));
    assert_memory_equal(param_of(url, "X-Amz-Expires="), "604800&", 7);
    p.key = TEXT("../x");
    FAILS(ERR_INTERNAL, s3_presign(own, &p, mem, &url, NULL, &err));
    s3_close(own);
}

/* A source of keys that end in `left_s` seconds. */
static struct aws_credentials *mortal_keys(int64_t left_s)
{
    static char body[512], until[INSTANT_TEXT_MAX], uri[128];
    struct err err = {0};
    static struct fake_reply reply[2];
    instant_format(clock_now_ms() + left_s * 1000, until);
    snprintf(body, sizeof(body),
             "{\"AccessKeyId\":\"ROLE\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"%s\"}", until);
    reply[0] = reply[1] = (struct fake_reply){.body = body};
    fake_http_script(server, reply, 2);
    snprintf(uri, sizeof(uri), "%s/keys", fake_http_url(server));
    const struct aws_credentials_options opts = {.container_full_uri = uri, .timeout_ms = 5000};
    struct aws_credentials *made = aws_credentials_open(&opts, &err);
    assert_non_null(made);
    return made;
}

static void test_an_address_never_outlives_its_keys(void **state)
{
    (void)state;
    struct text url;
    struct s3_form form;
    int64_t expires;
    struct aws_credentials *keys = mortal_keys(1000);
    struct s3 *mine = open_at(fake_http_url(server), keys, 1000);
    const struct s3_presign p = {.method = "GET", .key = KEY, .expires_s = 3600};
    const struct s3_post post = {.key = KEY, .size_max = 10, .content_type = TEXT("image/png"), .expires_s = 3600};
    OK(s3_presign(mine, &p, mem, &url, &expires, &err));
    assert_true(expires <= clock_now_ms() + 1000 * 1000 && expires > clock_now_ms() + 800 * 1000);
    OK(s3_post_form(mine, &post, mem, &form, &expires, &err));
    assert_true(expires <= clock_now_ms() + 1000 * 1000 && expires > clock_now_ms() + 800 * 1000);
    s3_close(mine);
    aws_credentials_close(keys);
    keys = mortal_keys(30);
    mine = open_at(fake_http_url(server), keys, 1000);
    FAILS(ERR_UNAVAILABLE, s3_presign(mine, &p, mem, &url, &expires, &err));
    s3_close(mine);
    aws_credentials_close(keys);
}

/* ---- XML ---- */

#define CONTENTS(key, etag, size)                                                                                      \
    "<Contents><Key>" key "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>" etag                     \
    "</ETag><Size>" size "</Size><StorageClass>STANDARD</StorageClass></Contents>"

static void test_a_list_is_read_with_its_entities(void **state)
{
    (void)state;
    struct s3_list list;
    OK(s3_parse_list(
        TEXT("<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><Name>b</Name>" CONTENTS(
            "a&amp;b&#x20AC;&#65;&lt;", "&quot;e&quot;", "12") CONTENTS("b", "e2", "0") "</ListBucketResult>"),
        10, mem, &list, &err));
    assert_int_equal(list.count, 2);
    assert_text(list.items[0].key, "a&b\xe2\x82\xac"
                                   "A<");
    assert_text(list.items[0].etag, "e");
    assert_int_equal(list.items[0].size, 12);
    assert_int_equal(list.items[0].modified_at_ms, 1767323045000);
    assert_null(list.next.p);
    OK(s3_parse_list(TEXT("<ListBucketResult>" CONTENTS("a", "e", "1") CONTENTS("b", "e", "1") "</ListBucketResult>"),
                     1, mem, &list, &err));
    assert_int_equal(list.count, 1);
}

static void test_a_list_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",
        "{}",
        "<ListBucketResult>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult>" CONTENTS("a", "e", "x") "</ListBucketResult>",
        "<ListBucketResult>" CONTENTS("a", "e", "-1") "</ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    };
    struct s3_list list;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        FAILS(ERR_UNAVAILABLE, s3_parse_list(text_of(BAD[i]), 10, mem, &list, &err));
}

static void test_elements_are_told_by_their_whole_name(void **state)
{
    (void)state;
    struct text rest = TEXT("<Keys>1</Keys><Key a=\"b\">2</Key><Key/><Key>3</Key><Key>4"), inside;
    assert_true(s3_xml_find(&rest, "Key", &inside));
    assert_text(inside, "2");
    assert_true(s3_xml_find(&rest, "Key", &inside));
    assert_text(inside, "");
    assert_true(s3_xml_find(&rest, "Key", &inside));
    assert_text(inside, "3");
    assert_false(s3_xml_find(&rest, "Key", &inside));
}

static void test_entities_that_are_none_stay_as_they_are(void **state)
{
    (void)state;
    assert_text(s3_xml_text(TEXT("&x;&;&#;&#x;&#0;&#xD800;&#x110000;&#x99999999999;& &amp"), mem),
                "&x;&;&#;&#x;&#0;&#xD800;&#x110000;&#x99999999999;& &amp");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    struct err err = {0};
    if (!http_global_init(&err))
        return 1;
    const struct CMUnitTest tests[] = {
        TEST(test_a_bucket_region_or_endpoint_that_cannot_be_is_refused),
        TEST(test_keys_that_could_leave_their_place_are_refused),
        TEST(test_a_put_asks_for_encryption_and_tells_its_digest),
        TEST(test_a_file_is_put_with_the_digest_given_or_found),
        TEST(test_a_head_tells_what_the_object_is),
        TEST(test_a_list_asks_for_a_prefix_and_goes_on_with_its_token),
        TEST(test_what_may_heal_is_tried_again_and_the_rest_is_not),
        TEST(test_tries_have_an_end),
        TEST(test_a_cancelled_client_ends_at_once),
        TEST(test_a_delete_of_nothing_is_done),
        TEST(test_a_refusal_is_logged_once_with_the_layer_to_look_at),
        TEST(test_each_refusal_names_its_likely_layer),
        TEST(test_a_skewed_clock_is_cured_for_s3_too),
        TEST(test_a_download_that_breaks_goes_on_where_it_broke),
        TEST(test_a_download_whose_object_changed_on_the_way_fails),
        TEST(test_a_whole_answer_to_a_range_is_no_range),
        TEST(test_a_reader_ends_a_download_and_nothing_is_tried_again),
        TEST(test_the_body_of_an_error_is_never_taken_for_the_object),
        TEST(test_a_large_file_is_begun_sent_and_completed),
        TEST(test_a_large_file_that_fails_is_taken_back),
        TEST(test_a_completion_that_fails_within_200_is_tried_again),
        TEST(test_a_completion_whose_answer_was_lost_is_found_done),
        TEST(test_an_object_of_another_length_is_not_the_one_completed),
        TEST(test_an_address_carries_the_token_and_leads_where_it_is_told),
        TEST(test_an_address_never_outlives_its_keys),
        TEST(test_a_list_is_read_with_its_entities),
        TEST(test_a_list_that_is_none_is_refused),
        TEST(test_elements_are_told_by_their_whole_name),
        TEST(test_entities_that_are_none_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
