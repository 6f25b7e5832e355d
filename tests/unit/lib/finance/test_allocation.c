#include "check.h"

#include "base/date.h"
#include "finance/income.h"
#include "finance/jar_limits.h"
#include "random.h"

static void test_shares_by_targets_add_up_to_the_amount(void **state)
{
    (void)state;
    struct random r = random_seeded(7);
    for (int round = 0; round < 2000; round++) {
        struct jar items[16] = {0};
        int64_t parts[16], sum = 0;
        struct jar_list jars = {.items = items, .count = 1 + (size_t)random_up_to(&r, 16)};
        int32_t left = 10000;
        for (size_t i = 0; i < jars.count; i++) {
            items[i].target_bp = i + 1 == jars.count ? left : (int32_t)random_up_to(&r, left + 1);
            left -= items[i].target_bp;
        }
        int64_t amount = 1 + random_up_to(&r, INT64_C(9999999999999));
        assert_true(allocation_by_targets(amount, &jars, parts, &(struct err){0}));
        for (size_t i = 0; i < jars.count; i++) {
            assert_true(parts[i] >= 0);
            sum += parts[i];
        }
        assert_int_equal(sum, amount);
    }
}

static void test_targets_below_the_whole_leave_the_rest_unassigned(void **state)
{
    (void)state;
    struct jar items[2] = {{.target_bp = 2500}, {.target_bp = 2500}};
    int64_t parts[2];
    assert_true(allocation_by_targets(1001, &(struct jar_list){items, 2}, parts, &(struct err){0}));
    assert_int_equal(parts[0] + parts[1], 500);
    assert_true(allocation_by_targets(1000, &(struct jar_list){items, 0}, parts, &(struct err){0}));
}

static void test_targets_above_the_whole_are_scaled_down(void **state)
{
    (void)state;
    struct jar items[3] = {{.target_bp = 10000}, {.target_bp = 10000}, {.target_bp = 0}};
    int64_t parts[3];
    assert_true(allocation_by_targets(1001, &(struct jar_list){items, 3}, parts, &(struct err){0}));
    assert_int_equal(parts[0], 501);
    assert_int_equal(parts[1], 500);
    assert_int_equal(parts[2], 0);
}

static void test_a_month_without_a_row_carries_what_was_left(void **state)
{
    (void)state;
    struct jar carry = {0}, reset = {.reset = true};
    struct jar_month row = {.month = 202609, .carried = 10, .allocated = 100, .moved = -5, .spent = 205}, none = {0};
    struct jar_month same = jar_month_derive(&carry, &row, 202609), next = jar_month_derive(&carry, &row, 202610);
    assert_int_equal(same.spent, 205);
    assert_int_equal(next.month, 202610);
    assert_int_equal(next.carried, -100);
    assert_int_equal(next.allocated + next.moved + next.spent, 0);
    assert_int_equal(jar_month_derive(&reset, &row, 202610).carried, 0);
    assert_int_equal(jar_month_derive(&carry, &none, 202610).carried, 0);
    assert_int_equal(jar_month_derive(&carry, &row, 202608).carried, 0);
}

static void test_the_pace_counts_today_and_never_goes_below_zero(void **state)
{
    (void)state;
    static const struct {
        int64_t available, per_day;
        int32_t today;
        int days_left;
    } CASES[] = {
        {3000, 100, 20260901, 30}, {3000, 3000, 20260930, 1}, {2999, 99, 20260901, 30},
        {-5, 0, 20260915, 16},     {28, 1, 20280202, 28},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int days_left = 0;
        assert_int_equal(jar_limits_per_day(CASES[i].available, CASES[i].today, &days_left), CASES[i].per_day);
        assert_int_equal(days_left, CASES[i].days_left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_by_targets_add_up_to_the_amount),
        cmocka_unit_test(test_targets_below_the_whole_leave_the_rest_unassigned),
        cmocka_unit_test(test_targets_above_the_whole_are_scaled_down),
        cmocka_unit_test(test_a_month_without_a_row_carries_what_was_left),
        cmocka_unit_test(test_the_pace_counts_today_and_never_goes_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
