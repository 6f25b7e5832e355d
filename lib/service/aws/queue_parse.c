/* SQS's answers, and what it takes as a body. No I/O. */
#include "service/aws/queue.h"

#include "base/id.h"
#include "base/json.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

enum { MD5_BYTES = 16, MD5_HEX = 2 * MD5_BYTES };

/* Beyond UTF-8: no C0 control but tab, LF and CR, and not U+FFFE and U+FFFF (EF BF BE, EF BF BF). */
bool queue_body_is_legal(struct text body)
{
    if (!text_is_utf8(body))
        return false;
    for (size_t i = 0; i < body.n; i++) {
        unsigned char c = (unsigned char)body.p[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return false;
        if (c == 0xef && (unsigned char)body.p[i + 1] == 0xbf && (unsigned char)body.p[i + 2] >= 0xbe)
            return false;
    }
    return true;
}

static bool unreadable(const char *what, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "The queue's answer could not be read");
    return err_cause(err, "sqs: %s", what);
}

/* True also when there is no MD5 in this process (a FIPS OpenSSL): then nothing can be told. */
static bool md5_fits(struct text body, struct text hex)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char ours[MD5_HEX + 1];
    size_t n = 0;
    if (EVP_Q_digest(NULL, "MD5", NULL, body.p ? body.p : "", body.n, digest, &n) != 1 || n != MD5_BYTES)
        return true;
    hex_encode(digest, MD5_BYTES, ours);
    return text_eq_nocase(hex, (struct text){ours, MD5_HEX});
}

/* ---- receive ---- */

static int64_t attribute(const struct json_node *message, const char *name, int64_t otherwise)
{
    const struct json_node *attributes;
    int64_t value;
    if (!json_get(message, "Attributes", &attributes) || json_kind(attributes) != JSON_OBJECT ||
        !text_to_int64(json_get_text(attributes, name), &value))
        return otherwise;
    return value;
}

static bool is_whole(const struct json_node *m)
{
    if (json_kind(m) != JSON_OBJECT)
        return false;
    struct text body = json_get_text(m, "Body");
    return body.p && json_get_text(m, "ReceiptHandle").n > 0 && md5_fits(body, json_get_text(m, "MD5OfBody"));
}

static bool read_message(const struct json_node *m, struct arena *mem, struct queue_message *out)
{
    struct text id = json_get_text(m, "MessageId");
    *out = (struct queue_message){
        .body = arena_text(mem, json_get_text(m, "Body")),
        .receipt = arena_text(mem, json_get_text(m, "ReceiptHandle")),
        .receive_count = attribute(m, "ApproximateReceiveCount", 1),
        .sent_at_ms = attribute(m, "SentTimestamp", 0),
        .first_received_at_ms = attribute(m, "ApproximateFirstReceiveTimestamp", 0),
    };
    snprintf(out->id, sizeof(out->id), "%.*s", TEXT_ARG(id));
    return out->body.p && out->receipt.p;
}

bool queue_parse_receive(struct text answer, size_t max, struct arena *mem, struct queue_message *messages,
                         size_t *count, struct err *err)
{
    struct err why = {0};
    AUTO(json_doc) struct json_doc *doc = json_parse(answer, &why);
    if (!doc || json_kind(json_root(doc)) != JSON_OBJECT)
        return unreadable("the answer to ReceiveMessage is not a JSON object", err);
    const struct json_node *list = NULL;
    size_t n = 0;
    if (json_get(json_root(doc), "Messages", &list) && list && json_kind(list) != JSON_ARRAY)
        return unreadable("Messages is not an array", err);
    for (size_t i = 0; i < json_count(list) && n < max; i++) {
        const struct json_node *m = json_at(list, i);
        if (is_whole(m) && !read_message(m, mem, &messages[n++]))
            return err_set(err, ERR_NO_MEMORY, "There is no memory for messages of the queue");
    }
    *count = n;
    return true;
}

/* ---- send ---- */

static struct queue_entry *entry_of(const struct json_node *row, struct queue_entry *entries, size_t n)
{
    int64_t id;
    if (json_kind(row) != JSON_OBJECT || !text_to_int64(json_get_text(row, "Id"), &id) || id < 0 || (size_t)id >= n)
        return NULL;
    return &entries[id];
}

static void read_successful(const struct json_node *row, struct queue_entry *entries, size_t n)
{
    struct queue_entry *e = entry_of(row, entries, n);
    if (!e)
        return;
    struct text md5 = json_get_text(row, "MD5OfMessageBody");
    e->accepted = md5.n == 0 || md5_fits(e->body, md5);
    snprintf(e->reason, sizeof(e->reason), "%s", e->accepted ? "" : "the body arrived altered");
}

static void read_failed(const struct json_node *row, struct queue_entry *entries, size_t n)
{
    struct queue_entry *e = entry_of(row, entries, n);
    if (!e)
        return;
    const struct json_node *fault = NULL;
    struct text code = json_get_text(row, "Code"), message = json_get_text(row, "Message");
    e->accepted = false;
    e->sender_fault = json_get(row, "SenderFault", &fault) && json_as_bool(fault);
    snprintf(e->reason, sizeof(e->reason), "%.*s: %.*s", TEXT_ARG(code), TEXT_ARG(message));
}

static void each_row(const struct json_node *root, const char *key, struct queue_entry *entries, size_t n,
                     void (*read)(const struct json_node *, struct queue_entry *, size_t))
{
    const struct json_node *list = NULL;
    if (!json_get(root, key, &list) || json_kind(list) != JSON_ARRAY)
        return;
    for (size_t i = 0; i < json_count(list); i++)
        read(json_at(list, i), entries, n);
}

bool queue_parse_send(struct text answer, struct queue_entry *entries, size_t n, struct err *err)
{
    struct err why = {0};
    AUTO(json_doc) struct json_doc *doc = json_parse(answer, &why);
    if (!doc || json_kind(json_root(doc)) != JSON_OBJECT)
        return unreadable("the answer to SendMessageBatch is not a JSON object", err);
    each_row(json_root(doc), "Successful", entries, n, read_successful);
    each_row(json_root(doc), "Failed", entries, n, read_failed);
    return true;
}
