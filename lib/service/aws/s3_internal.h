/* Shared by the files of the S3 client only. */
#ifndef SERVICE_AWS_S3_INTERNAL_H
#define SERVICE_AWS_S3_INTERNAL_H

#include <stdatomic.h>

#include "base/buf.h"
#include "service/aws/call.h"
#include "service/aws/s3.h"

enum { S3_BUCKET_MAX = 64, S3_ENDPOINT_MAX = 256, S3_REGION_MAX = 64, S3_PATH_MAX = 4 * S3_KEY_MAX, S3_TRIES_MAX = 4 };

struct s3 {
    struct aws_client *client;
    struct aws_credentials *creds;
    char bucket[S3_BUCKET_MAX], region[S3_REGION_MAX], endpoint[S3_ENDPOINT_MAX];
    bool path_style;
    int call_timeout_ms, deadline_ms;
    atomic_llong told_at_ms; /* when a 403 was logged last */
};

/* One verb: its memory, its time, its tries. s3_call_end() in any case. */
struct s3_call {
    struct s3 *s;
    const char *what; /* "PutObject" */
    struct arena *mem;
    int64_t deadline_ms; /* monotonic */
    unsigned tries;
    struct http_response res;
    struct aws_answer answer;
};

/* extra_ms: besides the client's own deadline. */
bool s3_call_begin(struct s3_call *c, struct s3 *s, const char *what, int64_t extra_ms, struct err *err) MUST_CHECK;
void s3_call_end(struct s3_call *c);
static inline void s3_call_auto(struct s3_call *c)
{
    s3_call_end(c);
}
/* One try; res and answer are filled when an answer came. True: 2xx. */
bool s3_call_once(struct s3_call *c, const struct aws_http *req, struct err *err) MUST_CHECK;
/* As many as time and reason allow; what the last one gave. */
bool s3_call_run(struct s3_call *c, const struct aws_http *req, struct err *err) MUST_CHECK;
/* Whether to try again after a failure of `why`; sleeps before. */
bool s3_call_again(struct s3_call *c, const struct err *why);

/* "/bucket/key" or "/key", encoded; p == NULL with ERR_INTERNAL for a key that cannot be ours. */
struct text s3_path(const struct s3 *s, bool path_style, struct text key, struct arena *mem, struct err *err);
/* What headers tell of an object. */
void s3_object_of(const struct http_response *res, struct s3_object *object);
/* Base64 of a digest given in hex; p == NULL when it is none or without memory. */
struct text s3_base64_of_hex(struct text hex, struct arena *mem);
/* SHA-256 of the source in hex; ERR_INTERNAL when the file is short. */
bool s3_hash(const struct http_source *file, struct text bytes, char hex[S3_SHA256_MAX], struct err *err) MUST_CHECK;
int64_t s3_transfer_ms(int64_t bytes);
bool s3_put_parts(struct s3 *s, const struct s3_put *put, struct err *err) MUST_CHECK;

/* s3_fault.c: sets *err for an answer that is no success, and logs a refusal. False. */
bool s3_refused(struct s3 *s, const char *what, const struct aws_answer *answer, struct err *err);
bool s3_is_transient(const struct aws_answer *answer);

#endif
