/* The S3 client against the stand-in, which checks signatures, presigned addresses and policies. */
#include "service/aws/s3.h"

#include "check.h"
#include "stand_in.h"

#include "base/buf.h"
#include "base/clock.h"
#include "service/aws/call.h"
#include "service/aws/credentials.h"
#include "service/aws/sigv4.h"
#include "service/digest.h"
#include "service/http.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define REGION "ap-southeast-1"
#define BUCKET "test-documents"
#define KEY TEXT("h/7/file/0190 \xc3\xa9+~&")

enum { LARGE = 20 * 1024 * 1024 + 123 };

static struct stand_in stand_in;
static struct arena *mem;
static struct aws_credentials *creds, *root;
static struct s3 *s3;
static struct http *http;
static char key_id[128], secret[128];

/* ---- the world ---- */

static struct text iam(struct aws_client *c, const char *form)
{
    static const struct http_header HEADERS[] = {
        {"Content-Type", TEXT_INIT("application/x-www-form-urlencoded; charset=utf-8")}};
    const struct aws_http req = {
        .method = "POST", .path = TEXT("/"), .headers = HEADERS, .header_count = 1, .body = text_of(form)};
    struct http_response res;
    struct aws_answer answer;
    struct err err = {0};
    if (!aws_send(c, &req, mem, &res, &answer, &err) || res.status != 200)
        fail_msg("iam: %d %s %s", res.status, answer.code, err.cause);
    return res.body;
}

static void keep(struct text xml, const char *name, char *out, size_t cap)
{
    struct text inside;
    assert_true(s3_xml_find(&xml, name, &inside));
    snprintf(out, cap, "%.*s", TEXT_ARG(inside));
}

/* A user who may do everything with the bucket's objects under h/ and list it. */
static void make_user(void)
{
    struct err err = {0};
    struct aws_client_options opts = {.service = "iam",
                                      .region = REGION,
                                      .endpoint_url = stand_in.url,
                                      .connect_timeout_ms = 5000,
                                      .total_timeout_ms = 10000,
                                      .response_max = 1024 * 1024,
                                      .handles = 1};
    struct aws_client *c = aws_client_open(&opts, root, &err);
    assert_non_null(c);
    iam(c, "Action=CreateUser&Version=2010-05-08&UserName=files");
    iam(c, "Action=PutUserPolicy&Version=2010-05-08&UserName=files&PolicyName=p&PolicyDocument="
           "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A"
           "%22s3%3A%2A%22%2C%22Resource%22%3A%5B%22arn%3Aaws%3As3%3A%3A%3A" BUCKET
           "%22%2C%22arn%3Aaws%3As3%3A%3A%3A" BUCKET "%2Fh%2F%2A%22%5D%7D%5D%7D");
    struct text made = iam(c, "Action=CreateAccessKey&Version=2010-05-08&UserName=files");
    keep(made, "AccessKeyId", key_id, sizeof(key_id));
    keep(made, "SecretAccessKey", secret, sizeof(secret));
    aws_client_close(c);
}

static void make_bucket(void)
{
    struct err err = {0};
    struct aws_client_options opts = {.service = "s3",
                                      .region = REGION,
                                      .endpoint_url = stand_in.url,
                                      .connect_timeout_ms = 5000,
                                      .total_timeout_ms = 10000,
                                      .response_max = 1024 * 1024,
                                      .handles = 1};
    struct aws_client *c = aws_client_open(&opts, root, &err);
    const struct aws_http req = {.method = "PUT",
                                 .path = TEXT("/" BUCKET),
                                 .body = TEXT("<CreateBucketConfiguration><LocationConstraint>" REGION
                                              "</LocationConstraint></CreateBucketConfiguration>"),
                                 .sign_flags = SIGV4_S3};
    struct http_response res;
    struct aws_answer answer;
    if (!aws_send(c, &req, mem, &res, &answer, &err) || res.status != 200)
        fail_msg("the bucket could not be made: %d %s %s", res.status, answer.code, answer.message);
    aws_client_close(c);
}

static struct s3 *open_with(struct aws_credentials *with, const char *bucket)
{
    struct err err = {0};
    struct s3_options opts = {.bucket = bucket,
                              .region = REGION,
                              .endpoint_url = stand_in.url,
                              .connect_timeout_ms = 5000,
                              .call_timeout_ms = 20000,
                              .deadline_ms = 60000,
                              .handles = 2};
    struct s3 *made = s3_open(&opts, with, &err);
    assert_non_null(made);
    return made;
}

static int setup(void **state)
{
    (void)state;
    struct err err = {0};
    struct aws_credentials_options roots = {.access_key_id = STAND_IN_ROOT_KEY, .secret_access_key = "root"};
    struct http_options opts = {
        .connect_timeout_ms = 5000, .total_timeout_ms = 20000, .response_max = 1024 * 1024, .handles = 1};
    assert_true(http_global_init(&err));
    if (!stand_in_start_strict(&stand_in))
        return 0;
    mem = arena_new(64 * 1024, 64 * 1024 * 1024);
    root = aws_credentials_open(&roots, &err);
    http = http_open(&opts, &err);
    assert_true(mem && root && http);
    make_bucket();
    make_user();
    struct aws_credentials_options users = {.access_key_id = key_id, .secret_access_key = secret};
    creds = aws_credentials_open(&users, &err);
    s3 = open_with(creds, BUCKET);
    return 0;
}

static int each(void **state)
{
    (void)state;
    if (!stand_in.pid)
        skip();
    arena_reset(mem);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    s3_close(s3);
    http_close(http);
    aws_credentials_close(creds);
    aws_credentials_close(root);
    arena_free(mem);
    stand_in_stop(&stand_in);
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
        assert_int_equal(err.code, code_);                                                                             \
    } while (0)

static void put_text(struct text key, struct text bytes)
{
    const struct s3_put put = {.key = key, .bytes = bytes, .content_type = TEXT("text/plain")};
    OK(s3_put(s3, &put, &err));
}

static int large_file(char sha256[DIGEST_TEXT])
{
    char name[] = "/tmp/mm-s3-XXXXXX", row[64];
    int fd = mkstemp(name);
    struct digest *d = digest_new();
    assert_true(fd >= 0 && d);
    unlink(name);
    for (int64_t at = 0; at < LARGE; at += 64) {
        size_t n = LARGE - at < 64 ? (size_t)(LARGE - at) : 64;
        memset(row, (int)('a' + at / 64 % 23), sizeof(row));
        memcpy(row, &at, sizeof(at));
        assert_int_equal(write(fd, row, n), n);
        digest_add(d, (struct text){row, n});
    }
    assert_true(digest_end(d, sha256));
    digest_free(d);
    return fd;
}

/* ---- objects ---- */

static void test_what_is_put_is_got_headed_and_deleted(void **state)
{
    (void)state;
    struct s3_object object;
    struct text got;
    put_text(KEY, TEXT("hello"));
    OK(s3_head(s3, KEY, &object, &err));
    assert_int_equal(object.size, 5);
    assert_string_equal(object.content_type, "text/plain");
    assert_true(object.etag[0] && object.etag[0] != '"');
    assert_true(object.modified_at_ms > clock_now_ms() - 60000);
    OK(s3_get_bytes(s3, KEY, 5, mem, &got, &err));
    assert_true(text_eq(got, TEXT("hello")));
    FAILS(ERR_PAYLOAD_TOO_LARGE, s3_get_bytes(s3, KEY, 4, mem, &got, &err));
    OK(s3_delete(s3, KEY, &err));
    FAILS(ERR_NOT_FOUND, s3_head(s3, KEY, &object, &err));
    FAILS(ERR_NOT_FOUND, s3_get_bytes(s3, KEY, 5, mem, &got, &err));
    OK(s3_delete(s3, KEY, &err));
}

static void test_an_empty_object_is_one(void **state)
{
    (void)state;
    struct text got;
    put_text(KEY, TEXT(""));
    OK(s3_get_bytes(s3, KEY, 5, mem, &got, &err));
    assert_int_equal(got.n, 0);
    OK(s3_delete(s3, KEY, &err));
}

static bool collect(struct text part, const struct s3_object *object, void *to)
{
    assert_true(object->size > 0);
    buf_text(to, part);
    return true;
}

static void test_a_range_is_got_alone(void **state)
{
    (void)state;
    struct s3_object object;
    AUTO(buf) struct buf got;
    buf_init(&got, 100);
    put_text(KEY, TEXT("0123456789"));
    struct s3_get get = {.key = KEY, .from = 2, .count = 3, .part = collect, .to = &got};
    OK(s3_get(s3, &get, &object, &err));
    assert_string_equal(got.p, "234");
    assert_int_equal(object.size, 10);
    get = (struct s3_get){.key = KEY, .from = 7, .part = collect, .to = &got};
    OK(s3_get(s3, &get, NULL, &err));
    assert_string_equal(got.p, "234789");
    OK(s3_delete(s3, KEY, &err));
}

static void test_a_file_of_twenty_mebibytes_goes_up_in_parts_and_comes_back(void **state)
{
    (void)state;
    char sha256[DIGEST_TEXT], back[DIGEST_TEXT];
    int fd = large_file(sha256), out = large_file(back);
    int64_t size = 0;
    assert_int_equal(ftruncate(out, 0), 0);
    const struct http_source file = {.fd = fd, .size = LARGE};
    const struct s3_put put = {.key = KEY, .file = &file, .content_type = TEXT("application/zip")};
    OK(s3_put(s3, &put, &err));
    FAILS(ERR_PAYLOAD_TOO_LARGE, s3_get_file(s3, KEY, out, LARGE - 1, &size, &err));
    OK(s3_get_file(s3, KEY, out, LARGE, &size, &err));
    assert_int_equal(size, LARGE);
    struct digest *d = digest_new();
    char chunk[4096];
    ssize_t n;
    while ((n = pread(out, chunk, sizeof(chunk), (off_t)(LARGE - size))) > 0) {
        digest_add(d, (struct text){chunk, (size_t)n});
        size -= n;
    }
    assert_true(digest_end(d, back));
    digest_free(d);
    assert_string_equal(back, sha256);
    OK(s3_delete(s3, KEY, &err));
    close(fd);
    close(out);
}

static void test_a_file_of_one_part_is_sent_with_its_digest(void **state)
{
    (void)state;
    char sha256[DIGEST_TEXT];
    int fd = large_file(sha256);
    struct s3_object object;
    const struct http_source file = {.fd = fd, .offset = 64, .size = 1000000};
    const struct s3_put put = {.key = KEY, .file = &file};
    OK(s3_put(s3, &put, &err));
    OK(s3_head(s3, KEY, &object, &err));
    assert_int_equal(object.size, 1000000);
    OK(s3_delete(s3, KEY, &err));
    close(fd);
}

static void test_a_list_comes_page_by_page_in_the_order_of_keys(void **state)
{
    (void)state;
    struct text next = TEXT_NONE;
    size_t seen = 0, pages = 0;
    for (int i = 0; i < 5; i++) {
        char key[32];
        snprintf(key, sizeof(key), "h/9/list/%d<&>'\"", i);
        put_text(text_of(key), TEXT("x"));
    }
    do {
        struct s3_list list;
        OK(s3_list(s3, TEXT("h/9/list/"), next, 2, mem, &list, &err));
        for (size_t i = 0; i < list.count; i++, seen++) {
            char want[32];
            snprintf(want, sizeof(want), "h/9/list/%zu<&>'\"", seen);
            assert_true(text_eq(list.items[i].key, text_of(want)));
            assert_int_equal(list.items[i].size, 1);
            OK(s3_delete(s3, list.items[i].key, &err));
        }
        next = list.next;
    } while (++pages < 5 && next.n > 0);
    assert_int_equal(seen, 5);
    assert_int_equal(pages, 3);
}

/* ---- refusals ---- */

static void test_what_a_policy_forbids_is_unavailable(void **state)
{
    (void)state;
    const struct s3_put put = {.key = TEXT("other/1"), .bytes = TEXT("x")};
    FAILS(ERR_UNAVAILABLE, s3_put(s3, &put, &err));
}

static void test_a_wrong_secret_or_key_or_bucket_is_unavailable(void **state)
{
    (void)state;
    struct aws_credentials_options bad[] = {{.access_key_id = key_id, .secret_access_key = "wrong"},
                                            {.access_key_id = "AKIANOBODY0000000000", .secret_access_key = "wrong"}};
    const struct s3_put put = {.key = KEY, .bytes = TEXT("x")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err none = {0};
        struct aws_credentials *with = aws_credentials_open(&bad[i], &none);
        struct s3 *mine = open_with(with, BUCKET);
        FAILS(ERR_UNAVAILABLE, s3_put(mine, &put, &err));
        s3_close(mine);
        aws_credentials_close(with);
    }
    struct s3 *mine = open_with(root, "no-such-bucket");
    FAILS(ERR_UNAVAILABLE, s3_put(mine, &put, &err));
    s3_close(mine);
}

/* ---- addresses for others ---- */

static int fetch(const char *method, const char *url, struct http_response *res)
{
    const struct http_request req = {.method = method, .url = url};
    struct err err = {0};
    if (!http_call(http, &req, mem, res, &err))
        fail_msg("%s", err.cause);
    return res->status;
}

static void test_a_presigned_get_works_and_says_how_the_file_is_called(void **state)
{
    (void)state;
    struct text url;
    struct http_response res;
    int64_t expires;
    put_text(KEY, TEXT("hello"));
    struct s3_presign p = {.method = "GET",
                           .key = KEY,
                           .expires_s = 60,
                           .content_disposition = TEXT("attachment; filename=\"a b.txt\""),
                           .content_type = TEXT("application/x-mine")};
    OK(s3_presign(s3, &p, mem, &url, &expires, &err));
    assert_true(expires > clock_now_ms() + 50000 && expires < clock_now_ms() + 61000);
    assert_int_equal(fetch("GET", url.p, &res), 200);
    assert_true(text_eq(res.body, TEXT("hello")));
    assert_true(text_eq(http_header_value(&res, "content-disposition"), p.content_disposition));
    assert_true(text_eq(http_header_value(&res, "content-type"), p.content_type));
    p.method = "HEAD";
    assert_int_equal(fetch("HEAD", url.p, &res), 403); /* signed for GET */
    OK(s3_presign(s3, &p, mem, &url, NULL, &err));
    assert_int_equal(fetch("HEAD", url.p, &res), 200);
    OK(s3_delete(s3, KEY, &err));
}

static void test_an_altered_presigned_get_is_refused(void **state)
{
    (void)state;
    struct text url;
    struct http_response res;
    put_text(TEXT("h/1/a"), TEXT("mine"));
    put_text(TEXT("h/2/a"), TEXT("another's"));
    const struct s3_presign p = {.method = "GET", .key = TEXT("h/1/a"), .expires_s = 60};
    OK(s3_presign(s3, &p, mem, &url, NULL, &err));
    const char *const alter[][2] = {{"/h/1/a", "/h/2/a"}, {"X-Amz-Expires=60", "X-Amz-Expires=66"}};
    for (size_t i = 0; i < ARRAY_LEN(alter); i++) {
        char *copy = arena_strdup(mem, url.p), *at = strstr(copy, alter[i][0]);
        assert_non_null(at);
        memcpy(at, alter[i][1], strlen(alter[i][1]));
        assert_int_equal(fetch("GET", copy, &res), 403);
    }
    char *copy = arena_strdup(mem, url.p);
    copy[url.n - 1] = copy[url.n - 1] == '0' ? '1' : '0'; /* of the signature */
    assert_int_equal(fetch("GET", copy, &res), 403);
    assert_int_equal(fetch("GET", url.p, &res), 200);
}

static void test_a_presigned_get_ends(void **state)
{
    (void)state;
    struct text url;
    struct http_response res;
    int64_t deadline = clock_monotonic_ms() + 20000;
    put_text(KEY, TEXT("hello"));
    const struct s3_presign p = {.method = "GET", .key = KEY, .expires_s = 2};
    OK(s3_presign(s3, &p, mem, &url, NULL, &err));
    assert_int_equal(fetch("GET", url.p, &res), 200);
    while (fetch("GET", url.p, &res) == 200 && clock_monotonic_ms() < deadline)
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000000L}, NULL);
    assert_int_equal(res.status, 403);
    OK(s3_delete(s3, KEY, &err));
}

static int put_by(const char *url, struct text type, struct text body)
{
    const struct http_header headers[] = {{"Content-Type", type}};
    const struct http_request req = {.method = "PUT", .url = url, .headers = headers, .header_count = 1, .body = body};
    struct http_response res;
    struct err err = {0};
    assert_true(http_call(http, &req, mem, &res, &err));
    return res.status;
}

static void test_a_presigned_put_takes_only_what_was_signed(void **state)
{
    (void)state;
    struct text url, got;
    const struct http_header headers[] = {{"Content-Type", TEXT("image/png")}};
    const struct s3_presign p = {.method = "PUT", .key = KEY, .expires_s = 60, .headers = headers, .header_count = 1};
    OK(s3_presign(s3, &p, mem, &url, NULL, &err));
    assert_int_equal(put_by(url.p, TEXT("text/html"), TEXT("x")), 403);
    assert_int_equal(put_by(url.p, TEXT("image/png"), TEXT("picture")), 200);
    OK(s3_get_bytes(s3, KEY, 100, mem, &got, &err));
    assert_true(text_eq(got, TEXT("picture")));
    OK(s3_delete(s3, KEY, &err));
}

static int post_form(const struct s3_form *form, const char *altered_key, struct text file)
{
    AUTO(buf) struct buf body;
    buf_init(&body, 1024 * 1024);
    for (size_t i = 0; i < form->count; i++) {
        struct text value = form->fields[i].value;
        if (altered_key && strcmp(form->fields[i].name, "key") == 0)
            value = text_of(altered_key);
        buf_printf(&body, "--cut\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%.*s\r\n", form->fields[i].name,
                   TEXT_ARG(value));
    }
    buf_str(&body, "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n"
                   "Content-Type: image/png\r\n\r\n");
    buf_text(&body, file);
    buf_str(&body, "\r\n--cut--\r\n");
    const struct http_header headers[] = {{"Content-Type", TEXT("multipart/form-data; boundary=cut")}};
    const struct http_request req = {
        .method = "POST", .url = form->url.p, .headers = headers, .header_count = 1, .body = buf_view(&body)};
    struct http_response res;
    struct err err = {0};
    assert_true(http_call(http, &req, mem, &res, &err));
    return res.status;
}

static void test_a_form_takes_a_file_within_its_range_and_no_other(void **state)
{
    (void)state;
    struct s3_form form;
    struct text got;
    int64_t expires;
    const struct s3_post p = {
        .key = TEXT("h/1/form"), .size_min = 4, .size_max = 8, .content_type = TEXT("image/png"), .expires_s = 60};
    OK(s3_post_form(s3, &p, mem, &form, &expires, &err));
    assert_true(expires > clock_now_ms() + 50000);
    assert_int_equal(post_form(&form, NULL, TEXT("123")), 400);
    assert_int_equal(post_form(&form, NULL, TEXT("123456789")), 400);
    assert_int_equal(post_form(&form, "h/2/form", TEXT("12345")), 403);
    assert_int_equal(post_form(&form, "h/1/form2", TEXT("12345")), 403);
    FAILS(ERR_NOT_FOUND, s3_get_bytes(s3, TEXT("h/1/form"), 100, mem, &got, &err));
    assert_int_equal(post_form(&form, NULL, TEXT("12345")) / 100, 2);
    OK(s3_get_bytes(s3, TEXT("h/1/form"), 100, mem, &got, &err));
    assert_true(text_eq(got, TEXT("12345")));
}

#define TEST(name) cmocka_unit_test_setup(name, each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_put_is_got_headed_and_deleted),
        TEST(test_an_empty_object_is_one),
        TEST(test_a_range_is_got_alone),
        TEST(test_a_file_of_twenty_mebibytes_goes_up_in_parts_and_comes_back),
        TEST(test_a_file_of_one_part_is_sent_with_its_digest),
        TEST(test_a_list_comes_page_by_page_in_the_order_of_keys),
        TEST(test_what_a_policy_forbids_is_unavailable),
        TEST(test_a_wrong_secret_or_key_or_bucket_is_unavailable),
        TEST(test_a_presigned_get_works_and_says_how_the_file_is_called),
        TEST(test_an_altered_presigned_get_is_refused),
        TEST(test_a_presigned_get_ends),
        TEST(test_a_presigned_put_takes_only_what_was_signed),
        TEST(test_a_form_takes_a_file_within_its_range_and_no_other),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
