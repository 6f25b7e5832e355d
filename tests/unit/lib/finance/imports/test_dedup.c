/* Keys by which a row is told again. */
#include "check.h"

#include "finance/imports/dedup.h"

static struct arena *mem;

static struct statement_row row(int64_t amount, const char *text, const char *id)
{
    return (struct statement_row){
        .occurred_on = 20260328, .amount = amount, .text = text_of(text), .bank_id = text_of(id)};
}

static void key_of(struct dedup *d, struct statement_row r, char key[DIGEST_TEXT], bool *repeated)
{
    struct err err = {0};
    assert_true(dedup_key(d, &r, mem, key, repeated, &err));
}

static bool same(struct statement_row a, struct statement_row b, const char *account_a, const char *account_b)
{
    char one[DIGEST_TEXT], two[DIGEST_TEXT];
    bool repeated;
    AUTO(dedup) struct dedup *d = dedup_new(text_of(account_a));
    AUTO(dedup) struct dedup *e = dedup_new(text_of(account_b));
    key_of(d, a, one, &repeated);
    key_of(e, b, two, &repeated);
    return strcmp(one, two) == 0;
}

static void test_the_same_row_of_two_files_has_one_key(void **state)
{
    (void)state;
    assert_true(same(row(-5, "Cà  phê A", ""), row(-5, "ca phe a ", ""), "1", "1"));
    assert_true(same(row(-5, "x", "ID1"), row(-5, "another text", "ID1"), "1", "1"));
    assert_false(same(row(-5, "x", ""), row(-6, "x", ""), "1", "1"));
    assert_false(same(row(-5, "x", ""), row(5, "x", ""), "1", "1"));
    assert_false(same(row(-5, "x", ""), row(-5, "y", ""), "1", "1"));
    assert_false(same(row(-5, "x", ""), row(-5, "x", ""), "1", "2"));
    assert_false(same(row(-5, "x", "ID1"), row(-5, "x", "ID2"), "1", "1"));
    assert_false(same(row(-5, "x", "ID1"), row(-6, "x", "ID1"), "1", "1"));
}

static void test_equal_rows_of_one_file_stay_apart_in_their_order(void **state)
{
    enum { ROWS = 5000 };
    static char first[ROWS][DIGEST_TEXT];
    bool repeated;
    (void)state;
    for (int file = 0; file < 2; file++) {
        AUTO(dedup) struct dedup *d = dedup_new(TEXT(""));
        for (int i = 0; i < ROWS; i++) {
            char key[DIGEST_TEXT];
            key_of(d, row(-(i / 2) - 1, "coffee", ""), key, &repeated);
            assert_false(repeated);
            if (file == 0)
                memcpy(first[i], key, DIGEST_TEXT);
            assert_string_equal(first[i], key);
            if (i % 2)
                assert_string_not_equal(first[i], first[i - 1]);
            arena_reset(mem);
        }
    }
}

static void test_a_banks_id_that_comes_again_is_repeated(void **state)
{
    char key[DIGEST_TEXT], again[DIGEST_TEXT];
    bool repeated;
    AUTO(dedup) struct dedup *d = dedup_new(TEXT(""));
    (void)state;
    key_of(d, row(-5, "a", "ID"), key, &repeated);
    assert_false(repeated);
    key_of(d, row(-5, "b", "ID"), again, &repeated);
    assert_true(repeated);
    assert_string_equal(key, again);
    key_of(d, row(-6, "fee", "ID"), again, &repeated);
    assert_false(repeated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_row_of_two_files_has_one_key),
        cmocka_unit_test(test_equal_rows_of_one_file_stay_apart_in_their_order),
        cmocka_unit_test(test_a_banks_id_that_comes_again_is_repeated),
    };
    mem = arena_new(65536, 16 * 1024 * 1024);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(mem);
    return failed;
}
