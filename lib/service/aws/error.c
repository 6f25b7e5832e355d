/* What AWS's error answers say and mean. Pure. */
#include "service/aws/call.h"

#include "base/date.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

static void put(char *out, size_t cap, struct text t)
{
    size_t n = t.n < cap ? t.n : cap - 1;
    if (n > 0)
        memcpy(out, t.p, n);
    out[n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
            out[i] = ' ';
    }
}

/* "com.amazonaws.sqs#QueueDoesNotExist" and "QueueDoesNotExist:http://..." are both QueueDoesNotExist. */
static struct text bare_type(struct text type)
{
    const char *hash = type.n > 0 ? memchr(type.p, '#', type.n) : NULL;
    if (hash)
        type = text_slice(type, (size_t)(hash - type.p) + 1, type.n);
    const char *colon = type.n > 0 ? memchr(type.p, ':', type.n) : NULL;
    return colon ? text_slice(type, 0, (size_t)(colon - type.p)) : type;
}

static bool parse_json(struct text body, struct aws_answer *a)
{
    struct err why = {0};
    AUTO(json_doc) struct json_doc *doc = json_parse(body, &why);
    const struct json_node *root = doc ? json_root(doc) : NULL;
    if (!root || json_kind(root) != JSON_OBJECT)
        return false;
    struct text message = json_get_text(root, "message");
    put(a->code, sizeof(a->code), bare_type(json_get_text(root, "__type")));
    put(a->message, sizeof(a->message), message.p ? message : json_get_text(root, "Message"));
    return true;
}

static struct text xml_element(struct text body, const char *open, const char *close)
{
    const char *from = memmem(body.p, body.n, open, strlen(open));
    if (!from)
        return TEXT("");
    from += strlen(open);
    size_t left = body.n - (size_t)(from - body.p);
    const char *to = memmem(from, left, close, strlen(close));
    return to ? (struct text){from, (size_t)(to - from)} : TEXT("");
}

void aws_error_parse(struct text body, struct aws_answer *a)
{
    a->code[0] = a->message[0] = '\0';
    struct text t = text_trim(body);
    if (t.n == 0)
        return;
    if (t.p[0] != '<') {
        parse_json(t, a);
        return;
    }
    put(a->code, sizeof(a->code), xml_element(t, "<Code>", "</Code>"));
    put(a->message, sizeof(a->message), xml_element(t, "<Message>", "</Message>"));
}

bool aws_date_parse(struct text t, int64_t *ms)
{
    static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[32], month[4] = "";
    unsigned day, year, hour, minute, second;
    if (t.n < 20 || t.n >= sizeof(text))
        return false;
    memcpy(text, t.p, t.n);
    text[t.n] = '\0';
    if (sscanf(text, "%*3[A-Za-z], %2u %3[A-Za-z] %4u %2u:%2u:%2u GMT", &day, month, &year, &hour, &minute, &second) !=
        6)
        return false;
    const char *at = strlen(month) == 3 ? strstr(MONTHS, month) : NULL;
    if (!at || (at - MONTHS) % 3 != 0 || year < 1970 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    *ms = instant_join((struct instant_parts){.year = (int)year,
                                              .month = (int)(at - MONTHS) / 3 + 1,
                                              .day = (int)day,
                                              .hour = (int)hour,
                                              .minute = (int)minute,
                                              .second = (int)second});
    return true;
}

/* Error codes that are neither "our request is wrong" (other 4xx) nor told by the status (5xx, 429). */
static const struct {
    const char *code;
    enum err_code err;
} MEANINGS[] = {
    {"AccessDenied", ERR_UNAVAILABLE},
    {"AccessDeniedException", ERR_UNAVAILABLE},
    {"ConditionalCheckFailedException", ERR_CONFLICT},
    {"ExpiredToken", ERR_UNAVAILABLE},
    {"ExpiredTokenException", ERR_UNAVAILABLE},
    {"IncompleteSignature", ERR_UNAVAILABLE},
    {"InvalidAccessKeyId", ERR_UNAVAILABLE},
    {"InvalidClientTokenId", ERR_UNAVAILABLE},
    {"InvalidSignatureException", ERR_UNAVAILABLE},
    {"KMS.ThrottlingException", ERR_UNAVAILABLE},
    {"KmsThrottled", ERR_UNAVAILABLE},
    {"LimitExceededException", ERR_UNAVAILABLE},
    {"MissingAuthenticationToken", ERR_UNAVAILABLE},
    {"MissingAuthenticationTokenException", ERR_UNAVAILABLE},
    {"NonExistentQueue", ERR_UNAVAILABLE},
    {"OverLimit", ERR_UNAVAILABLE},
    {"ProvisionedThroughputExceededException", ERR_UNAVAILABLE},
    {"QueueDoesNotExist", ERR_UNAVAILABLE},
    {"RequestExpired", ERR_UNAVAILABLE},
    {"RequestLimitExceeded", ERR_UNAVAILABLE},
    {"RequestThrottled", ERR_UNAVAILABLE},
    {"RequestThrottledException", ERR_UNAVAILABLE},
    {"RequestTimeTooSkewed", ERR_UNAVAILABLE},
    {"ResourceNotFoundException", ERR_UNAVAILABLE},
    {"SignatureDoesNotMatch", ERR_UNAVAILABLE},
    {"Throttling", ERR_UNAVAILABLE},
    {"ThrottlingException", ERR_UNAVAILABLE},
    {"TooManyRequestsException", ERR_UNAVAILABLE},
    {"TransactionConflictException", ERR_UNAVAILABLE},
    {"TransactionInProgressException", ERR_UNAVAILABLE},
    {"UnrecognizedClient", ERR_UNAVAILABLE},
    {"UnrecognizedClientException", ERR_UNAVAILABLE},
};

enum err_code aws_err_code(int status, const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(MEANINGS); i++) {
        if (strcmp(MEANINGS[i].code, code) == 0)
            return MEANINGS[i].err;
    }
    /* An error without a code is not AWS's: a proxy or a wrong address stands in between. */
    bool ours = status >= 400 && status < 500 && status != 408 && status != 429 && *code;
    return ours ? ERR_INTERNAL : ERR_UNAVAILABLE;
}
