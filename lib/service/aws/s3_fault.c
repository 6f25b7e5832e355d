/* What S3's refusals mean, to the caller and to the operator. */
#include "service/aws/s3_internal.h"

#include "base/clock.h"
#include "base/pace.h"
#include "service/log.h"

#include <string.h>

enum { TELL_EVERY_MS = 10 * 1000 };

static bool is_one_of(const char *code, const char *const *codes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(code, codes[i]) == 0)
            return true;
    }
    return false;
}

bool s3_is_transient(const struct aws_answer *a)
{
    /* Of the 4xx: bytes that were damaged or late on the way, and a throttle. */
    static const char *const CODES[] = {"BadDigest",
                                        "IncompleteBody",
                                        "InternalError",
                                        "InvalidDigest",
                                        "OperationAborted",
                                        "RequestTimeout",
                                        "SlowDown",
                                        "ServiceUnavailable",
                                        "ThrottlingException",
                                        "XAmzContentChecksumMismatch",
                                        "XAmzContentSHA256Mismatch"};
    return a->status == 0 || a->status >= 500 || a->status == 408 || a->status == 429 ||
           is_one_of(a->code, CODES, ARRAY_LEN(CODES));
}

/* AWS says in the message which policy it was when it knows. */
static const struct {
    const char *code;    /* NULL: any */
    const char *message; /* a part of it; NULL: any */
    const char *layer;
} LAYERS[] = {
    {"AccessDenied", "VPC endpoint policy", "the VPC endpoint's policy"},
    {"AccessDenied", "resource-based policy", "the bucket policy (does the request come through the VPC endpoint?)"},
    {"AccessDenied", "identity-based policy", "the IAM policy of the key or role"},
    {"AccessDenied", "expired", "the age of the signed URL"},
    {"AccessDenied", NULL,
     "the bucket policy (does the request come through the VPC endpoint?), else the endpoint's policy"},
    {"SignatureDoesNotMatch", NULL, "the key: its secret does not fit"},
    {"InvalidAccessKeyId", NULL, "the key: AWS does not know it"},
    {"ExpiredToken", NULL, "the key: the role's keys have expired"},
    {"InvalidToken", NULL, "the key: its session token does not fit"},
    {"RequestTimeTooSkewed", NULL, "the clock of this machine"},
    {NULL, NULL, "the bucket policy, the endpoint's policy or the key"},
};

const char *s3_likely_layer(const char *code, const char *message)
{
    size_t i = 0;
    for (; i + 1 < ARRAY_LEN(LAYERS); i++) {
        if (strcmp(LAYERS[i].code, code) == 0 && (!LAYERS[i].message || strstr(message, LAYERS[i].message)))
            break;
    }
    return LAYERS[i].layer;
}

/* Once in a while: with a wrong policy every request is refused. */
static void tell(struct s3 *s, const char *what, const struct aws_answer *a, const char *look_at)
{
    long long last = atomic_load(&s->told_at_ms);
    int64_t at = last;
    if (pace_due(&at, clock_monotonic_ms(), TELL_EVERY_MS) && atomic_compare_exchange_strong(&s->told_at_ms, &last, at))
        log_error("s3", "%s on the bucket %s was refused (status %d %s): look first at %s", what, s->bucket, a->status,
                  *a->code ? a->code : "without a code", look_at);
}

static enum err_code code_of(const struct aws_answer *a)
{
    if (a->status == 404)
        return !*a->code || strcmp(a->code, "NoSuchKey") == 0 ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
    if (a->status == 403 || (a->status >= 300 && a->status < 400) || s3_is_transient(a))
        return ERR_UNAVAILABLE;
    /* Another write came between two tries of a download. */
    return a->status == 412 ? ERR_UNAVAILABLE : aws_err_code(a->status, a->code);
}

bool s3_refused(struct s3 *s, const char *what, const struct aws_answer *a, struct err *err)
{
    enum err_code code = code_of(a);
    if (a->status == 403)
        tell(s, what, a, s3_likely_layer(a->code, a->message));
    else if (strcmp(a->code, "NoSuchBucket") == 0 || (a->status >= 300 && a->status < 400))
        tell(s, what, a, "S3_BUCKET and AWS_REGION");
    if (code == ERR_NOT_FOUND)
        err_set(err, code, "There is no such file");
    else
        err_set(err, code,
                code == ERR_INTERNAL ? "A request to the file store was wrong" : "The file store is not available");
    /* The line above comes seldom, and an answer to HEAD names no code: whoever was refused names the layer too. */
    return err_cause(err, "s3.%s: status %d %s: %.150s%s%s", what, a->status,
                     *a->code ? a->code : "without an error code", a->message,
                     a->status == 403 ? "; look first at " : "",
                     a->status == 403 ? s3_likely_layer(a->code, a->message) : "");
}
