/* Answers of SQS and of the sources of keys: whatever comes, it is read or refused, and no more messages than asked. */
#include "fuzz.h"

#include "service/aws/call.h"
#include "service/aws/credentials.h"
#include "service/aws/queue.h"

static void check_receive(struct text t, struct arena *mem)
{
    struct queue_message messages[3];
    size_t count = 0;
    struct err err = {0};
    if (!queue_parse_receive(t, ARRAY_LEN(messages), mem, messages, &count, &err)) {
        CHECK(err.code == ERR_UNAVAILABLE);
        return;
    }
    CHECK(count <= ARRAY_LEN(messages));
    for (size_t i = 0; i < count; i++) {
        CHECK(messages[i].body.p && messages[i].receipt.n > 0);
        CHECK(memchr(messages[i].id, '\0', sizeof messages[i].id));
    }
}

static void check_send(struct text t)
{
    struct queue_entry entries[3] = {{.body = TEXT("{}")}, {.body = TEXT("a")}, {.body = TEXT("b")}};
    struct err err = {0};
    if (!queue_parse_send(t, entries, ARRAY_LEN(entries), &err))
        CHECK(err.code == ERR_UNAVAILABLE);
    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        CHECK(memchr(entries[i].reason, '\0', sizeof entries[i].reason));
}

static void check_error(struct text t, struct arena *mem)
{
    struct aws_answer answer = {0};
    char endpoint[64], host[64];
    aws_error_parse(t, &answer);
    CHECK(memchr(answer.code, '\0', sizeof answer.code) && memchr(answer.message, '\0', sizeof answer.message));
    CHECK(aws_err_code(400, answer.code) != ERR_NONE);
    if (aws_endpoint_of(fuzz_string(mem, t), endpoint, sizeof endpoint))
        CHECK(strlen(endpoint) < sizeof endpoint && aws_host_of(endpoint, host, sizeof host).n > 0);
}

static void check_keys(struct text t)
{
    struct aws_keys keys;
    struct err err = {0};
    if (!credentials_parse(t, &keys, &err))
        CHECK(err.code != ERR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = fuzz_copy(data, size);
    struct arena *mem = fuzz_arena();
    check_receive(t, mem);
    check_send(t);
    check_error(t, mem);
    check_keys(t);
    queue_body_is_legal(t);
    credentials_uri_allowed(fuzz_string(mem, t));
    fuzz_free(t);
    return 0;
}
