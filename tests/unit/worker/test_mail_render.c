/* The real templates with all that their jobs give them. */
#include "check.h"

#include "base/attr.h"
#include "mail_render.h"

static struct arena *mem;

#define LIT(s) {s, sizeof(s) - 1}

static const struct template_value MAILERS[] = {{.name = "name", .value = LIT("Ân <a>")},
                                                {.name = "webUrl", .value = LIT("https://app.example.com")},
                                                {.name = "code", .value = LIT("123456")},
                                                {.name = "link", .value = LIT("https://app.example.com/x?token=t")}};

/* Templates with the values of their jobs. */
static const struct {
    const char *name, *json;
} TEMPLATES[] = {
    {"otp_activate", "{}"},
    {"otp_reset", "{}"},
    {"email_change", "{}"},
    {"address_in_use", "{}"},
    {"otp_transaction", "{\"action\":\"Thêm khoản chi\",\"transactionName\":\"Phòng\",\"amount\":\"7.200.000 ₫\"}"},
    {"password_changed", "{}"},
    {"export_ready", "{\"file\":\"income-2026-03.xlsx\",\"attached\":\"1\"}"},
    {"export_ready", "{\"file\":\"all-all.csv\",\"attached\":\"\"}"},
    {"jar_threshold", "{\"jar\":\"Du lịch\",\"percent\":80,\"limit\":\"10\",\"spent\":\"8\",\"available\":\"2\"}"},
    {"transaction_large",
     "{\"transactionName\":\"Phòng\",\"kind\":\"Chi tiêu\",\"date\":\"01/02/2026\",\"amount\":\"7.200.000 ₫\","
     "\"category\":\"Ăn\",\"jar\":\"Du lịch\",\"limit\":\"10\",\"spent\":\"8\",\"available\":\"2\",\"over\":\"\","
     "\"pace\":\"1\",\"daysLeft\":3}"},
    {"transaction_large",
     "{\"transactionName\":\"Phòng\",\"kind\":\"Chi tiêu\",\"date\":\"01/02/2026\",\"amount\":\"7.200.000 ₫\","
     "\"category\":\"\",\"jar\":\"\",\"limit\":\"\",\"spent\":\"\",\"available\":\"\",\"over\":\"\","
     "\"pace\":\"\",\"daysLeft\":0}"},
};

static int start(void **state)
{
    (void)state;
    mem = arena_new(65536, 16 * 1024 * 1024);
    return mem ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

static bool render(const char *name, const char *language, const char *json, struct mail_texts *out, struct err *err)
{
    struct json_doc *doc = json_parse(text_of(json), err);
    assert_non_null(doc);
    struct template_values values = {MAILERS, ARRAY_LEN(MAILERS), json_root(doc)};
    bool ok = mail_render(mail_template_files, text_of(name), text_of(language), &values, mem, out, err);
    json_doc_free(doc);
    return ok;
}

static bool has(struct text t, const char *part)
{
    return memmem(t.p, t.n, part, strlen(part)) != NULL;
}

static void test_every_template_can_be_filled_in_both_languages(void **state)
{
    (void)state;
    static const char *const LANGUAGES[] = {"vi", "en"};
    for (size_t i = 0; i < ARRAY_LEN(TEMPLATES) * 2; i++) {
        struct mail_texts t;
        struct err err = {0};
        const char *name = TEMPLATES[i / 2].name, *language = LANGUAGES[i % 2];
        arena_reset(mem);
        if (!render(name, language, TEMPLATES[i / 2].json, &t, &err))
            fail_msg("%s.%s: %s", name, language, err.detail);
        if (!t.subject.n || t.subject.n > 150 || memchr(t.subject.p, '\n', t.subject.n) || has(t.subject, "{{"))
            fail_msg("%s.%s: subject \"%.*s\"", name, language, TEXT_ARG(t.subject));
        if (has(t.plain, "{{") || has(t.html, "{{") || has(t.plain, "<p") || !has(t.html, "</html>"))
            fail_msg("%s.%s is not as it should be", name, language);
        if (!has(t.html, language[0] == 'e' ? "lang=\"en\"" : "lang=\"vi\""))
            fail_msg("%s.%s stands in the other language's layout", name, language);
    }
}

static void test_every_template_has_its_six_files(void **state)
{
    (void)state;
    size_t files = 0;
    for (; mail_template_files[files].name; files++)
        ;
    /* The large transaction and the export stand twice in the table; the layouts have no subject. */
    assert_int_equal(files, (ARRAY_LEN(TEMPLATES) - 2) * 6 + 4);
}

static void test_values_are_escaped_in_html_alone(void **state)
{
    (void)state;
    struct mail_texts t;
    struct err err = {0};
    assert_true(render("password_changed", "vi", "{}", &t, &err));
    assert_true(has(t.plain, "Ân <a>"));
    assert_true(has(t.html, "Ân &lt;a&gt;"));
    assert_false(has(t.html, "Ân <a>"));
}

static void test_a_code_mail_holds_the_code_once_and_its_link(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"otp_activate", "otp_reset"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        struct mail_texts t;
        struct err err = {0};
        assert_true(render(NAMES[i], "vi", "{}", &t, &err));
        const char *first = memmem(t.plain.p, t.plain.n, "123456", 6);
        assert_non_null(first);
        size_t after = (size_t)(first - t.plain.p) + 6;
        assert_null(memmem(first + 6, t.plain.n - after, "123456", 6));
        assert_true(has(t.plain, "https://app.example.com/x?token=t"));
        assert_true(has(t.html, "123456"));
    }
}

static void test_an_unknown_language_is_vietnamese(void **state)
{
    (void)state;
    struct mail_texts vi, other;
    struct err err = {0};
    assert_true(render("password_changed", "vi", "{}", &vi, &err));
    assert_true(render("password_changed", "fr", "{}", &other, &err));
    assert_true(text_eq(vi.subject, other.subject));
}

static void test_what_is_missing_is_a_fault_for_good(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json;
    } ROWS[] = {{"no_such_template", "{}"}, {"../otp_activate", "{}"}, {"layout", "{}"}, {"transaction_large", "{}"}};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct mail_texts t;
        struct err err = {0};
        if (render(ROWS[i].name, "vi", ROWS[i].json, &t, &err) || err.code != ERR_PERMANENT)
            fail_msg("%s: %d", ROWS[i].name, err.code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_template_can_be_filled_in_both_languages),
        cmocka_unit_test(test_every_template_has_its_six_files),
        cmocka_unit_test(test_values_are_escaped_in_html_alone),
        cmocka_unit_test(test_a_code_mail_holds_the_code_once_and_its_link),
        cmocka_unit_test(test_an_unknown_language_is_vietnamese),
        cmocka_unit_test(test_what_is_missing_is_a_fault_for_good),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
