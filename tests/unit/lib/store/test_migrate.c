#include "check.h"

#include "base/attr.h"
#include "store/migrate.h"

static void assert_statements(const char *file, const char *const *expected, size_t count)
{
    struct text rest = text_of(file), statement;
    char out[1024];
    for (size_t i = 0; i < count; i++) {
        assert_true(migrate_next_statement(&rest, out, &statement));
        assert_text(statement, expected[i]);
    }
    assert_false(migrate_next_statement(&rest, out, &statement));
}

static void test_a_file_is_cut_at_semicolons_outside_quotes(void **state)
{
    (void)state;
    static const char *const EXPECTED[] = {"CREATE TABLE a (x INT)", "INSERT INTO a VALUES (';', \"a;b\", `c;d`)",
                                           "SELECT 'it''s; \\'; fine'", "SELECT 2"};
    assert_statements("CREATE TABLE a (x INT);\nINSERT INTO a VALUES (';', \"a;b\", `c;d`);;\n"
                      "SELECT 'it''s; \\'; fine';\n SELECT 2",
                      EXPECTED, ARRAY_LEN(EXPECTED));
}

static void test_comments_go_but_not_inside_quotes(void **state)
{
    (void)state;
    static const char *const EXPECTED[] = {"CREATE TABLE a (\n  x INT,  \n  y INT\n)", "SELECT '-- text'"};
    assert_statements(
        "-- first; it's a comment\nCREATE TABLE a (\n  x INT,  -- a; 'b\n  y INT\n);\nSELECT '-- text'; -- end",
        EXPECTED, ARRAY_LEN(EXPECTED));
}

static void test_an_empty_file_has_no_statement(void **state)
{
    (void)state;
    assert_statements("", NULL, 0);
    assert_statements(" ;;\n-- only words", NULL, 0);
}

static void test_the_version_is_the_number_of_the_file_name(void **state)
{
    (void)state;
    assert_int_equal(migrate_version("002_ledger.sql"), 2);
    assert_int_equal(migrate_version("120_x.sql"), 120);
    assert_int_equal(migrate_version("ledger.sql"), 0);
    assert_int_equal(migrate_version(""), 0);
}

static void test_the_embedded_files_are_in_order_and_each_version_is_there_once(void **state)
{
    (void)state;
    int64_t last = 0;
    for (size_t i = 0; migration_files[i].name; i++) {
        int64_t version = migrate_version(migration_files[i].name);
        if (version <= last)
            fail_msg("%s does not follow version %d", migration_files[i].name, (int)last);
        last = version;
    }
    assert_true(last > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_cut_at_semicolons_outside_quotes),
        cmocka_unit_test(test_comments_go_but_not_inside_quotes),
        cmocka_unit_test(test_an_empty_file_has_no_statement),
        cmocka_unit_test(test_the_version_is_the_number_of_the_file_name),
        cmocka_unit_test(test_the_embedded_files_are_in_order_and_each_version_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
