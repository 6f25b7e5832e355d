#include "check.h"

#include <stdlib.h>

#include "base/attr.h"
#include "service/template.h"

#define LIT(s) {s, sizeof(s) - 1}

static const struct template_value VALUES[] = {
    {"name", LIT("An & Bình <1>"), false}, {"empty", LIT(""), false}, {"lines", LIT("a\r\nb\tc\x7f"), false},
    {"part", LIT("<b>x</b>"), true},       {"set", LIT("1"), false},
};

static char *render(const char *source, enum template_escape escape, const struct json_node *json, struct err *err)
{
    struct template_values values = {VALUES, ARRAY_LEN(VALUES), json};
    struct buf b;
    char *out = NULL;
    buf_init(&b, 4096);
    if (template_render(text_of(source), escape, &values, &b, err))
        out = strndup(b.n ? b.p : "", b.n);
    buf_release(&b);
    return out;
}

static void check(const char *source, enum template_escape escape, const char *expected)
{
    struct err err = {0};
    char *out = render(source, escape, NULL, &err);
    if (!out || strcmp(out, expected) != 0)
        fail_msg("%s becomes \"%s\", not \"%s\" (%s)", source, out ? out : "nothing", expected, err.detail);
    free(out);
}

static void test_values_are_put_as_the_text_needs_it(void **state)
{
    (void)state;
    check("Hi {{name}}!", TEMPLATE_PLAIN, "Hi An & Bình <1>!");
    check("Hi {{ name }}!", TEMPLATE_HTML, "Hi An &amp; Bình &lt;1&gt;!");
    check("{{lines}}", TEMPLATE_LINE, "a  b c ");
    check("{{lines}}", TEMPLATE_PLAIN, "a\r\nb\tc\x7f");
    check("no braces { here }", TEMPLATE_HTML, "no braces { here }");
    check("", TEMPLATE_HTML, "");
}

static void test_a_ready_part_is_not_escaped_again(void **state)
{
    (void)state;
    check("{{part}}", TEMPLATE_HTML, "<b>x</b>");
}

static void test_sections_follow_the_value(void **state)
{
    (void)state;
    check("{{#set}}yes{{/set}}{{^set}}no{{/set}}", TEMPLATE_PLAIN, "yes");
    check("{{#empty}}yes{{/empty}}{{^empty}}no{{/empty}}", TEMPLATE_PLAIN, "no");
    check("{{#set}}a{{#empty}}b{{#set}}c{{/set}}{{/empty}}d{{/set}}", TEMPLATE_PLAIN, "ad");
}

static void test_a_section_alone_on_its_line_leaves_no_empty_line(void **state)
{
    (void)state;
    check("a\n{{#set}}\nb\n{{/set}}\nc\n", TEMPLATE_PLAIN, "a\nb\nc\n");
    check("a\n{{#empty}}\nb\n{{/empty}}\nc\n", TEMPLATE_PLAIN, "a\nc\n");
    check("a {{#set}}\nb{{/set}}\n", TEMPLATE_PLAIN, "a \nb\n");
    check("{{set}}\nb", TEMPLATE_PLAIN, "1\nb");
}

static void test_json_gives_values_after_the_others(void **state)
{
    (void)state;
    struct err err = {0};
    struct json_doc *doc = json_parse(TEXT("{\"name\":\"hidden\",\"jar\":\"Hũ\",\"days\":12}"), &err);
    assert_non_null(doc);
    char *out = render("{{jar}} {{days}} {{name}}", TEMPLATE_PLAIN, json_root(doc), &err);
    assert_string_equal(out, "Hũ 12 An & Bình <1>");
    free(out);
    json_doc_free(doc);
}

static void test_a_value_is_never_read_as_a_template(void **state)
{
    (void)state;
    struct err err = {0};
    struct json_doc *doc = json_parse(TEXT("{\"evil\":\"{{name}} {{#set}}\"}"), &err);
    char *out = render("{{evil}}", TEMPLATE_PLAIN, json_root(doc), &err);
    assert_string_equal(out, "{{name}} {{#set}}");
    free(out);
    json_doc_free(doc);
}

static void test_what_cannot_be_read_is_a_fault_for_good(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "{{unknown}}",
        "{{#unknown}}x{{/unknown}}",
        "{{#empty}}{{unknown}}{{/empty}}",
        "{{name",
        "{{}}",
        "{{#set}}x",
        "x{{/set}}",
        "{{#set}}{{#empty}}{{/set}}{{/empty}}",
        "{{a-name-that-is-longer-than-any-name-may-ever-be}}",
        "{{#set}}{{#set}}{{#set}}{{#set}}{{#set}}{{/set}}{{/set}}{{/set}}{{/set}}{{/set}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct err err = {0};
        char *out = render(BAD[i], TEMPLATE_HTML, NULL, &err);
        if (out || err.code != ERR_PERMANENT)
            fail_msg("%s becomes \"%s\" with code %d", BAD[i], out ? out : "nothing", err.code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_put_as_the_text_needs_it),
        cmocka_unit_test(test_a_ready_part_is_not_escaped_again),
        cmocka_unit_test(test_sections_follow_the_value),
        cmocka_unit_test(test_a_section_alone_on_its_line_leaves_no_empty_line),
        cmocka_unit_test(test_json_gives_values_after_the_others),
        cmocka_unit_test(test_a_value_is_never_read_as_a_template),
        cmocka_unit_test(test_what_cannot_be_read_is_a_fault_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
