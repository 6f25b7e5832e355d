/* S3's answers in XML: whatever comes, it is read or refused, no more items than asked, and texts never grow. */
#include "fuzz.h"

#include "service/aws/s3.h"

static void check_list(struct text t, struct arena *mem)
{
    struct s3_list list;
    struct err err = {0};
    if (!s3_parse_list(t, 3, mem, &list, &err)) {
        CHECK(err.code == ERR_UNAVAILABLE);
        return;
    }
    CHECK(list.count <= 3);
    CHECK(!list.next.p || list.next.n > 0);
    for (size_t i = 0; i < list.count; i++)
        CHECK(list.items[i].key.n > 0 && list.items[i].etag.p && list.items[i].size >= 0);
}

static void check_elements(struct text t)
{
    struct text rest = t, inside;
    while (s3_xml_find(&rest, "Key", &inside)) {
        CHECK(inside.p >= t.p && inside.p + inside.n <= t.p + t.n);
        CHECK(rest.p > inside.p - 1 && rest.p + rest.n == t.p + t.n);
    }
}

static void check_text(struct text t, struct arena *mem)
{
    struct text text = s3_xml_text(t, mem);
    CHECK(text.p && text.n <= t.n);
    CHECK(!text_is_utf8(t) || text_is_utf8(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = fuzz_copy(data, size);
    struct arena *mem = fuzz_arena();
    check_list(t, mem);
    check_elements(t);
    check_text(t, mem);
    CHECK(s3_likely_layer(fuzz_string(mem, t), fuzz_string(mem, t)));
    fuzz_free(t);
    return 0;
}
