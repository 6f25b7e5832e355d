/* Each verb of the S3 client with each of its allocations failing once. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc */
#include "service/aws/s3.h"

#include "check.h"
#include "failing_malloc.h"

#include "lib/service/fake_http.h"
#include "service/aws/credentials.h"
#include "service/http.h"

#include <stdlib.h>
#include <unistd.h>

#define KEY TEXT("h/7/file/a")
enum { ALLOCATIONS_MAX = 2000 };

static struct fake_http *server;
static struct aws_credentials *creds;
static struct s3 *s3;
static struct http_source large;

static struct s3 *open_client(struct err *err)
{
    const struct s3_options opts = {.bucket = "b",
                                    .region = "ap-southeast-1",
                                    .endpoint_url = fake_http_url(server),
                                    .connect_timeout_ms = 5000,
                                    .call_timeout_ms = 20000,
                                    .deadline_ms = 30000,
                                    .handles = 1};
    return s3_open(&opts, creds, err);
}

static bool open_and_close(struct arena *mem, struct err *err)
{
    (void)mem;
    struct s3 *made = open_client(err);
    s3_close(made);
    return made != NULL;
}

static bool put(struct arena *mem, struct err *err)
{
    (void)mem;
    const struct s3_put put = {.key = KEY, .bytes = TEXT("hello"), .content_disposition = TEXT("inline")};
    return s3_put(s3, &put, err);
}

static bool put_large(struct arena *mem, struct err *err)
{
    (void)mem;
    const struct s3_put put = {.key = KEY, .file = &large};
    return s3_put(s3, &put, err);
}

static bool head(struct arena *mem, struct err *err)
{
    (void)mem;
    struct s3_object object;
    return s3_head(s3, KEY, &object, err);
}

static bool get(struct arena *mem, struct err *err)
{
    struct text got;
    return s3_get_bytes(s3, KEY, 100, mem, &got, err);
}

static bool list(struct arena *mem, struct err *err)
{
    struct s3_list list;
    return s3_list(s3, TEXT("h/"), TEXT("next"), 10, mem, &list, err);
}

static bool presign(struct arena *mem, struct err *err)
{
    struct text url;
    const struct s3_presign p = {.method = "GET", .key = KEY, .expires_s = 60, .content_type = TEXT("a/b")};
    return s3_presign(s3, &p, mem, &url, NULL, err);
}

static bool post_form(struct arena *mem, struct err *err)
{
    struct s3_form form;
    const struct s3_post p = {.key = KEY, .size_max = 10, .content_type = TEXT("a/b"), .expires_s = 60};
    return s3_post_form(s3, &p, mem, &form, NULL, err);
}

static const struct {
    const char *name;
    bool (*run)(struct arena *mem, struct err *err);
    struct fake_reply script[6];
} VERBS[] = {
    {"open", open_and_close, {{0}}},
    {"put", put, {{.status = 200}}},
    {"put in parts",
     put_large,
     {{.body = "<X><UploadId>u</UploadId></X>"},
      {.headers = "ETag: \"1\"\r\n"},
      {.headers = "ETag: \"2\"\r\n"},
      {.body = "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"}}},
    {"head", head, {{.headers = "ETag: \"1\"\r\n"}}},
    {"get", get, {{.body = "hello"}}},
    {"list",
     list,
     {{.body = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
               "<Contents><Key>a</Key><LastModified>2026-01-02T03:04:05Z</LastModified><ETag>e</ETag><Size>1</Size>"
               "</Contents></ListBucketResult>"}}},
    {"presign", presign, {{0}}},
    {"post form", post_form, {{0}}},
};

/* False when the verb needs fewer allocations than that: then it must succeed. */
static bool fails_without(size_t verb, long n)
{
    struct err err = {0};
    /* Small, so that the arena asks for more memory too. */
    struct arena *mem = arena_new(64, 1024 * 1024);
    assert_non_null(mem);
    fake_http_script(server, VERBS[verb].script, ARRAY_LEN(VERBS[verb].script));
    malloc_fail_after(n);
    bool ok = VERBS[verb].run(mem, &err), failed = malloc_failed;
    malloc_fail_after(-1);
    arena_free(mem);
    if (ok ? failed : !failed || err.code != ERR_NO_MEMORY)
        fail_msg("%s without allocation %ld: %s [%s]", VERBS[verb].name, n, ok ? "done" : err.detail, err.cause);
    return failed;
}

static void test_each_failed_allocation_is_told_and_nothing_leaks(void **state)
{
    (void)state;
    for (size_t verb = 0; verb < ARRAY_LEN(VERBS); verb++) {
        long n = 0;
        while (fails_without(verb, n) && n < ALLOCATIONS_MAX)
            n++;
        assert_in_range(n, 1, ALLOCATIONS_MAX - 1);
    }
}

static int start(void **state)
{
    (void)state;
    struct err err = {0};
    char name[] = "/tmp/mm-s3-XXXXXX";
    const struct aws_credentials_options keys = {.access_key_id = "AKID", .secret_access_key = "secret"};
    assert_true(http_global_init(&err));
    server = fake_http_start();
    creds = aws_credentials_open(&keys, &err);
    s3 = open_client(&err);
    large = (struct http_source){.fd = mkstemp(name), .size = S3_PART_BYTES + 1};
    assert_true(large.fd >= 0 && creds && s3);
    unlink(name);
    return ftruncate(large.fd, large.size);
}

static int stop(void **state)
{
    (void)state;
    s3_close(s3);
    aws_credentials_close(creds);
    fake_http_stop(server);
    return close(large.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_failed_allocation_is_told_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
