/* Expressions that users write: what they match, and that none runs away. */
#include "check.h"

#include "service/pattern.h"

static bool match(const char *source, const char *subject)
{
    struct err err = {0};
    struct pattern *p = pattern_new(text_of(source), &err);
    if (!p)
        fail_msg("%s: %s", source, err.detail);
    bool found = pattern_matches(p, text_of(subject), NULL);
    pattern_free(p);
    return found;
}

static void test_case_and_marks_of_the_text_are_read(void **state)
{
    (void)state;
    assert_true(match("^pos \\d+ (trà|sữa)", "POS 12 TRÀ ĐÁ"));
    assert_true(match("điện", "TIỀN ĐIỆN"));
    assert_false(match("^điện", "TIỀN ĐIỆN"));
    assert_false(match("a", ""));
}

static void test_what_cannot_be_read_names_the_field(void **state)
{
    static const char *const SOURCES[] = {
        "(", "[a", "*", "a{2,1}", "\\C", "((((((((((((((((((((((a))))))))))))))))))))))", "\xC3"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(SOURCES); i++) {
        struct err err = {0};
        assert_null(pattern_new(text_of(SOURCES[i]), &err));
        assert_int_equal(err.code, ERR_VALIDATION);
        assert_string_equal(err.fields[0].name, "pattern");
    }
}

static void test_one_that_runs_away_gives_up(void **state)
{
    struct err err = {0};
    bool gave_up = false;
    struct pattern *p = pattern_new(TEXT("(a+)+$"), &err);
    (void)state;
    assert_non_null(p);
    assert_false(pattern_matches(p, TEXT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &gave_up));
    assert_true(gave_up);
    assert_true(pattern_matches(p, TEXT("aaa"), &gave_up));
    assert_false(gave_up);
    pattern_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_and_marks_of_the_text_are_read),
        cmocka_unit_test(test_what_cannot_be_read_names_the_field),
        cmocka_unit_test(test_one_that_runs_away_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
