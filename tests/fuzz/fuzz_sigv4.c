/* The signer: whatever path, query, headers and keys it is given, it signs or says no, and its own headers stay one
 * line each. */
#include "fuzz.h"

#include "service/aws/sigv4.h"

static void check_headers(const struct sigv4_headers *out)
{
    CHECK(out->count >= 2 && out->count <= ARRAY_LEN(out->headers));
    for (size_t i = 0; i < out->count; i++)
        CHECK(out->headers[i].value.p);
}

static void check_refusal(const struct err *err)
{
    CHECK(err->code == ERR_INTERNAL || err->code == ERR_NO_MEMORY);
}

static void presign(const struct sigv4_request *req, const struct sigv4_keys *keys, struct arena *mem)
{
    struct err err = {0};
    struct text query;
    if (!sigv4_presign(req, keys, 900, mem, &query, &err)) {
        check_refusal(&err);
        return;
    }
    CHECK(query.n > 0);
    /* Our own parameters stand behind the request's, which go on the wire as they were given. */
    CHECK(memmem(query.p, query.n, "X-Amz-Signature=", 16));
}

static void post_form(const struct sigv4_request *req, const struct sigv4_keys *keys, struct arena *mem)
{
    struct err err = {0};
    struct sigv4_form form = {0};
    struct sigv4_post post = {.region = "ap-southeast-1",
                              .bucket = "documents",
                              .key_prefix = req->path,
                              .size_min = 1,
                              .size_max = 1024,
                              .at_ms = req->at_ms,
                              .expires_at_ms = req->at_ms + 900000,
                              .fields = req->headers,
                              .field_count = req->header_count};
    if (sigv4_post_form(&post, keys, mem, &form, &err))
        CHECK(form.count > 0 && form.count <= SIGV4_POST_FIELDS_MAX);
    else
        check_refusal(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text all = fuzz_copy(data, size), rest = all;
    struct arena *mem = fuzz_arena();
    unsigned flags = fuzz_choice(&rest, 8);
    struct sigv4_request req = {.method = "POST",
                                .path = fuzz_part(&rest),
                                .query = fuzz_part(&rest),
                                .region = "ap-southeast-1",
                                .service = flags & SIGV4_S3 ? "s3" : "sqs",
                                .at_ms = INT64_C(1700000000000),
                                .flags = flags};
    struct http_header headers[] = {{"Host", fuzz_part(&rest)},
                                    {fuzz_string(mem, fuzz_part(&rest)), fuzz_part(&rest)},
                                    {fuzz_string(mem, fuzz_part(&rest)), fuzz_part(&rest)}};
    req.headers = headers;
    req.header_count = ARRAY_LEN(headers);
    req.body = fuzz_part(&rest);
    struct sigv4_keys keys = {
        .access_key_id = TEXT("AKID"), .secret_access_key = TEXT("secret"), .session_token = rest};
    struct sigv4_headers out = {0};
    struct err err = {0};
    if (sigv4_sign(&req, &keys, mem, &out, &err))
        check_headers(&out);
    else
        check_refusal(&err);
    presign(&req, &keys, mem);
    post_form(&req, &keys, mem);
    fuzz_free(all);
    return 0;
}
