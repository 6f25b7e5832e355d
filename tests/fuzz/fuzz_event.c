/* Bodies of messages: what is read can be written again as a delayed copy, which reads back the same. */
#include "fuzz.h"

#include "base/json.h"
#include "finance/events.h"

enum { COPY_MAX = 240 * 1024 };

static void check_copy(const struct json_node *root, const struct event *e)
{
    struct buf out;
    struct err err = {0};
    struct event copy;
    buf_init(&out, COPY_MAX);
    CHECK(event_rewrite(root, e->attempt + 1, 1700000000123, &out, &err));
    struct json_doc *doc = json_parse(buf_view(&out), &err);
    CHECK(doc);
    if (e->attempt < 100000) {
        CHECK(event_read(json_root(doc), &copy, &err));
        CHECK(strcmp(copy.id, e->id) == 0 && strcmp(copy.type, e->type) == 0);
        CHECK(copy.household_id == e->household_id && copy.user_id == e->user_id && copy.subject_id == e->subject_id);
        CHECK(copy.attempt == e->attempt + 1 && copy.first_sent_at_ms == 1700000000123);
        CHECK(json_count(copy.data) == json_count(e->data));
    }
    json_doc_free(doc);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = fuzz_copy(data, size);
    struct err err = {0};
    struct event e;
    struct json_doc *doc = json_parse(t, &err);
    if (doc && event_read(json_root(doc), &e, &err))
        check_copy(json_root(doc), &e);
    else
        CHECK(err.code == ERR_PERMANENT || err.code == ERR_MALFORMED_JSON);
    json_doc_free(doc);
    fuzz_free(t);
    return 0;
}
