/* Which texts a spreadsheet would run. */
#include "check.h"

#include "base/attr.h"
#include "base/cell.h"

static void test_what_begins_like_a_formula_is_told(void **state)
{
    (void)state;
    static const char *const FORMULAS[] = {
        "=1+1", "=HYPERLINK(\"http://x\")", "+1", "-1", "-", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1",
        "＠x"};
    for (size_t i = 0; i < ARRAY_LEN(FORMULAS); i++)
        if (!cell_is_formula(text_of(FORMULAS[i])))
            fail_msg("\"%s\" passes for a text", FORMULAS[i]);
}

static void test_anything_else_is_a_text(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"", "Phở bò", "1+1", " =1", "a=b", "'=1", "Ăn - uống", "(2)", "\xff=1"};
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++)
        if (cell_is_formula(text_of(TEXTS[i])))
            fail_msg("\"%s\" passes for a formula", TEXTS[i]);
    assert_false(cell_is_formula(TEXT_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_begins_like_a_formula_is_told),
        cmocka_unit_test(test_anything_else_is_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
