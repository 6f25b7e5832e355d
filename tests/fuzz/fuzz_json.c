/* JSON: what is read is valid UTF-8 all the way down, and written again it reads back the same. */
#include "fuzz.h"

#include "base/json.h"
#include "base/json_scan.h"

enum { OUT_MAX = 8 * 1024 * 1024 };

static void write_value(struct json_out *j, const struct json_node *v, int depth);

static void write_members(struct json_out *j, const struct json_node *v, int depth)
{
    struct text key;
    const struct json_node *member;
    json_begin_object(j);
    for (size_t i = 0; json_member(v, i, &key, &member); i++) {
        CHECK(text_is_utf8(key));
        /* Keys of ours need no escaping, so a foreign one goes out as a value beside its own. */
        json_key(j, "k");
        json_text(j, key);
        json_key(j, "v");
        write_value(j, member, depth + 1);
    }
    json_end_object(j);
}

static void write_value(struct json_out *j, const struct json_node *v, int depth)
{
    CHECK(depth <= JSON_DEPTH_MAX);
    switch (json_kind(v)) {
    case JSON_NULL: json_null(j); break;
    case JSON_BOOL: json_bool(j, json_as_bool(v)); break;
    case JSON_NUMBER: json_raw(j, json_as_text(v)); break;
    case JSON_TEXT:
        CHECK(text_is_utf8(json_as_text(v)));
        json_text(j, json_as_text(v));
        break;
    case JSON_ARRAY:
        json_begin_array(j);
        for (size_t i = 0; i < json_count(v); i++)
            write_value(j, json_at(v, i), depth + 1);
        json_end_array(j);
        break;
    case JSON_OBJECT: write_members(j, v, depth); break;
    }
}

static bool same(const struct json_node *a, const struct json_node *b)
{
    if (json_kind(a) != json_kind(b))
        return false;
    switch (json_kind(a)) {
    case JSON_NULL: return true;
    case JSON_BOOL: return json_as_bool(a) == json_as_bool(b);
    case JSON_NUMBER:
    case JSON_TEXT: return text_eq(json_as_text(a), json_as_text(b));
    case JSON_ARRAY:
        for (size_t i = 0; i < json_count(a); i++)
            if (!same(json_at(a, i), json_at(b, i)))
                return false;
        return json_count(a) == json_count(b);
    case JSON_OBJECT: return true; /* written in another shape */
    }
    return false;
}

static void read_again(const struct json_node *root)
{
    struct buf out;
    struct json_out j;
    struct err err = {0};
    buf_init(&out, OUT_MAX);
    json_out_init(&j, &out);
    write_value(&j, root, 0);
    if (!out.failed) {
        struct json_doc *again = json_parse(buf_view(&out), &err);
        CHECK(again);
        CHECK(same(root, json_root(again)));
        json_doc_free(again);
    }
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = fuzz_copy(data, size);
    struct err err = {0};
    struct json_scan scan = {0};
    struct json_doc *doc = json_parse(t, &err);
    bool tokens = json_scan(t, JSON_DEPTH_MAX, &scan);
    CHECK((doc != NULL) == (err.code == ERR_NONE));
    CHECK(!doc || (tokens && text_is_utf8(t)));
    if (doc)
        read_again(json_root(doc));
    json_doc_free(doc);
    fuzz_free(t);
    return 0;
}
