/* XML from strangers: what is told of it, and what is refused. */
#include "check.h"

#include "base/attr.h"
#include "base/buf.h"
#include "service/xml.h"

static bool on_open(void *to, struct text name, struct err *err)
{
    (void)err;
    buf_printf(to, "<%.*s>", TEXT_ARG(name));
    return true;
}

static bool on_text(void *to, struct text piece, struct err *err)
{
    (void)err;
    buf_text(to, piece);
    return true;
}

static bool on_close(void *to, struct text name, struct err *err)
{
    (void)err;
    buf_printf(to, "</%.*s>", TEXT_ARG(name));
    return true;
}

static const struct xml_handler HANDLER = {on_open, on_text, on_close};

static bool read_xml(struct text document, struct buf *out, struct err *err)
{
    buf_init(out, 1 << 20);
    return xml_read(document, &HANDLER, out, err);
}

static void test_elements_and_texts_are_told_in_order(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf out;
    assert_true(read_xml(TEXT("<?xml version=\"1.0\"?><a x='1'><n:b xmlns:n='u'>1 &lt; 2</n:b><c/><![CDATA[<d>]]></a>"),
                         &out, &err));
    assert_text(buf_view(&out), "<a><b>1 < 2</b><c></c><d></a>");
    buf_release(&out);
}

static void test_other_encodings_become_utf8(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf out;
    assert_true(read_xml(TEXT("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xE9</a>"), &out, &err));
    assert_text(buf_view(&out), "<a>é</a>");
    buf_release(&out);
}

static void test_what_is_bad_is_refused(void **state)
{
    (void)state;
    static const char *const DOCUMENTS[] = {"",
                                            "no",
                                            "<a>",
                                            "<a></b>",
                                            "<a/><b/>",
                                            "<a>\xFF</a>",
                                            "<a>&undefined;</a>",
                                            "<!DOCTYPE a><a/>",
                                            "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
                                            "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
                                            "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>"};
    for (size_t i = 0; i < ARRAY_LEN(DOCUMENTS); i++) {
        struct err err = {0};
        struct buf out;
        if (read_xml(text_of(DOCUMENTS[i]), &out, &err))
            fail_msg("%s was read", DOCUMENTS[i]);
        assert_int_equal(err.code, ERR_BAD_REQUEST);
        assert_true(!out.p || !strstr(out.p, "root:"));
        buf_release(&out);
    }
}

static void test_depth_has_a_limit(void **state)
{
    (void)state;
    struct buf deep, out;
    struct err err = {0};
    buf_init(&deep, 1 << 16);
    for (int i = 0; i < XML_DEPTH_MAX + 10; i++)
        buf_str(&deep, "<a>");
    for (int i = 0; i < XML_DEPTH_MAX + 10; i++)
        buf_str(&deep, "</a>");
    assert_false(read_xml(buf_view(&deep), &out, &err));
    assert_int_equal(err.code, ERR_BAD_REQUEST);
    buf_release(&deep);
    buf_release(&out);
}

static bool refuse(void *to, struct text name, struct err *err)
{
    (void)to;
    (void)name;
    return err_set(err, ERR_CONFLICT, "enough");
}

static void test_a_handler_may_end_the_reading(void **state)
{
    (void)state;
    struct err err = {0};
    const struct xml_handler only_close = {.close = refuse};
    assert_false(xml_read(TEXT("<a><b/></a>"), &only_close, NULL, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_and_texts_are_told_in_order),
        cmocka_unit_test(test_other_encodings_become_utf8),
        cmocka_unit_test(test_what_is_bad_is_refused),
        cmocka_unit_test(test_depth_has_a_limit),
        cmocka_unit_test(test_a_handler_may_end_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
