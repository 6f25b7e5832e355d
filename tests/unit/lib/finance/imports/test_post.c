/* A statement taken in as a set leaves the books as its rows, entered one by one, do; and so does its undo. */
#include "check.h"

#include <stdio.h>

#include "base/date.h"
#include "database.h"
#include "finance/expense.h"
#include "finance/imports/post.h"
#include "finance/income.h"
#include "finance/jar_limits.h"
#include "finance/jars.h"
#include "finance/undo.h"
#include "random.h"
#include "store/category.h"
#include "store/household.h"
#include "store/import_row.h"

enum { ROWS = 400, JARS = 4, TODAY = 20260915 };

static struct server server;
static struct db_pool *pool;

struct books {
    struct scope s;
    int64_t income_category, expense_category, jars[JARS], made[ROWS];
};

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s: %s [%s]", #call, err_row(err.code)->name, err.detail, err.cause);                        \
    } while (0)

#define COMMAND(b, call)                                                                                               \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        struct tx *tx = tx_begin((b)->s.db, &err);                                                                     \
        (b)->s.now_ms++;                                                                                               \
        if (!tx || !household_lock((b)->s.db, (b)->s.household_id, &err) || !(call) || !tx_commit(tx, &err))           \
            fail_msg("%s: %s: %s [%s]", #call, err_row(err.code)->name, err.detail, err.cause);                        \
        arena_reset((b)->s.mem);                                                                                       \
    } while (0)

static int set_up(void **state)
{
    (void)state;
    pool = database_start(&server, 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

/* The second jar resets, and its past months are closed; targets leave a part unassigned. */
static void make_jars(struct books *b)
{
    static const char *const NAMES[JARS] = {"A", "B", "C", "D"};
    static const int32_t TARGETS[JARS] = {5000, 1500, 1234, 1000};
    static const int64_t opening[JARS];
    struct jar jars[JARS] = {0};
    struct jar_list made;
    for (size_t i = 0; i < JARS; i++)
        jars[i] = (struct jar){.name = text_of(NAMES[i]),
                               .icon = TEXT_NONE,
                               .color = text_of(JAR_DEFAULT_COLOR),
                               .target_bp = TARGETS[i],
                               .reset = i == 1};
    COMMAND(b, jars_create(&b->s, jars, opening, JARS, &made, &err));
    MUST(jar_list(b->s.db, b->s.household_id, date_month(TODAY), b->s.mem, &made, &err));
    for (size_t i = 0; i < JARS; i++)
        b->jars[i] = made.items[i].id;
}

static void books_open(struct books *b, const char *email)
{
    struct category income = {.name = TEXT("Lương"), .type = CATEGORY_INCOME},
                    expense = {.name = TEXT("Ăn"), .type = CATEGORY_EXPENSE};
    *b = (struct books){0};
    database_user(pool, email, &b->s.user_id, &b->s.household_id);
    MUST((b->s.db = db_take(pool, &err)) != NULL);
    b->s.mem = arena_new(65536, 64 * 1024 * 1024);
    b->s.currency = currency_find(TEXT("VND"));
    b->s.today = TODAY;
    b->s.now_ms = (int64_t)date_days(TODAY) * 24 * 3600 * 1000;
    b->s.large_amount_default = INT64_MAX;
    MUST(category_insert(b->s.db, b->s.household_id, &income, b->s.now_ms, &err));
    MUST(category_insert(b->s.db, b->s.household_id, &expense, b->s.now_ms, &err));
    b->income_category = income.id;
    b->expense_category = expense.id;
    make_jars(b);
}

static void books_close(struct books *b)
{
    db_give(b->s.db);
    arena_free(b->s.mem);
}

/* Rows of both: amount, day, and which jar pays (-1: none). */
struct plan {
    int64_t amount;
    int32_t day;
    int64_t jar;
};

static void make_plan(struct plan plan[ROWS], uint64_t seed)
{
    struct random r = random_seeded(seed);
    for (size_t i = 0; i < ROWS; i++) {
        int64_t amount = 1 + random_up_to(&r, 1000003);
        bool income = random_up_to(&r, 3) == 0;
        plan[i].amount = income ? amount : -amount;
        plan[i].day = date_from_days(date_days(TODAY) + 40 - (int32_t)random_up_to(&r, 300));
        plan[i].jar = income ? -1 : random_up_to(&r, JARS + 1) - 1;
    }
}

static void one_by_one(struct books *b, const struct plan plan[ROWS])
{
    for (size_t i = 0; i < ROWS; i++) {
        struct income_result made;
        struct transaction t;
        struct income_input in = {
            .name = TEXT("x"), .category_id = b->income_category, .amount = plan[i].amount, .occurred_on = plan[i].day};
        struct expense_input out = {.name = TEXT("x"),
                                    .category_id = b->expense_category,
                                    .amount = -plan[i].amount,
                                    .jar_id = plan[i].jar < 0 ? 0 : b->jars[plan[i].jar],
                                    .occurred_on = plan[i].day};
        if (plan[i].amount > 0)
            COMMAND(b, income_add(&b->s, &in, &made, &err));
        else
            COMMAND(b, expense_add(&b->s, &out, &t, &err));
        b->made[i] = plan[i].amount > 0 ? made.income.id : t.id;
    }
}

static void as_a_set(struct books *b, const struct plan plan[ROWS], struct import *import)
{
    static struct import_row rows[ROWS];
    static char keys[ROWS][IMPORT_KEY];
    struct import_choice choice = {.allocate = true};
    *import = (struct import){.file_name = TEXT("a.csv"),
                              .format = TEXT("csv"),
                              .account = TEXT(""),
                              .header = TEXT("[]"),
                              .mapping = TEXT("{}"),
                              .row_count = ROWS,
                              .first_on = 19700101,
                              .last_on = TODAY};
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(keys[i], sizeof keys[i], "%064zx", i);
        rows[i] = (struct import_row){.row_no = (int64_t)i + 1,
                                      .line = (int64_t)i + 1,
                                      .occurred_on = plan[i].day,
                                      .amount = plan[i].amount,
                                      .text = TEXT("x"),
                                      .bank_id = TEXT(""),
                                      .dedup_key = text_of(keys[i]),
                                      .category_id = plan[i].amount > 0 ? b->income_category : b->expense_category,
                                      .jar_id = plan[i].jar < 0 ? 0 : b->jars[plan[i].jar]};
    }
    MUST(import_insert(b->s.db, b->s.household_id, b->s.user_id, import, b->s.now_ms, &err));
    MUST(import_rows_insert(b->s.db, b->s.household_id, import->id, rows, ROWS, &err));
    MUST(import_read(b->s.db, b->s.household_id, import, &err));
    COMMAND(b, import_confirm(&b->s, import->id, &choice, import, &err));
    assert_int_equal(import->state, IMPORT_CONFIRMED);
    assert_int_equal(import->added, ROWS);
}

/* Every month of every jar as the later reader sees it, balances, and what no jar holds. */
static void assert_same(struct books *a, struct books *b)
{
    int64_t first = 0, second = 0;
    for (size_t i = 0; i < JARS; i++)
        for (int32_t month = 202510; month <= 202612; month = month_add(month, 1)) {
            struct jar one, two;
            struct jar_month m, n;
            MUST(jar_limits_month(&a->s, a->jars[i], month, &one, &m, &err));
            MUST(jar_limits_month(&b->s, b->jars[i], month, &two, &n, &err));
            assert_int_equal(one.balance, two.balance);
            assert_int_equal(m.carried, n.carried);
            assert_int_equal(m.allocated, n.allocated);
            assert_int_equal(m.moved, n.moved);
            assert_int_equal(m.spent, n.spent);
            arena_reset(a->s.mem);
            arena_reset(b->s.mem);
        }
    MUST(household_unassigned(a->s.db, a->s.household_id, &first, &err));
    MUST(household_unassigned(b->s.db, b->s.household_id, &second, &err));
    assert_int_equal(first, second);
}

static void assert_nothing_to_repair(struct books *b)
{
    struct recalculation done;
    COMMAND(b, jar_limits_recalculate(&b->s, 197001, NULL, &done, &err));
    assert_int_equal(done.repaired_months, 0);
    assert_int_equal(done.repaired_balances, 0);
    assert_int_equal(done.resets, 0);
}

static void undo_one_by_one(struct books *b)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct transaction t;
        MUST(transaction_find(b->s.db, b->s.household_id, b->made[i], b->s.mem, &t, &err));
        COMMAND(b, transaction_remove(&b->s, &t, &err));
    }
}

static void test_a_set_is_what_its_rows_are_and_its_undo_too(void **state)
{
    static struct plan plan[ROWS];
    static struct books one, set;
    struct import import;
    bool gone;
    (void)state;
    books_open(&one, "one@example.com");
    books_open(&set, "set@example.com");
    make_plan(plan, 7);
    one_by_one(&one, plan);
    as_a_set(&set, plan, &import);
    assert_same(&one, &set);
    assert_nothing_to_repair(&set);
    /* A jar that is gone by then: what comes back to it goes on. */
    COMMAND(&one, jars_remove(&one.s, one.jars[3], &err));
    COMMAND(&set, jars_remove(&set.s, set.jars[3], &err));
    undo_one_by_one(&one);
    COMMAND(&set, import_undo(&set.s, import.id, &import, &gone, &err));
    assert_false(gone);
    assert_int_equal(import.removed, ROWS);
    int64_t first = 0, second = 0;
    MUST(household_unassigned(one.s.db, one.s.household_id, &first, &err));
    MUST(household_unassigned(set.s.db, set.s.household_id, &second, &err));
    assert_int_equal(first, second);
    assert_int_equal(second, 0);
    for (size_t i = 0; i < JARS - 1; i++) {
        struct jar jar;
        MUST(jar_find(set.s.db, set.s.household_id, set.jars[i], date_month(TODAY), set.s.mem, &jar, &err));
        assert_int_equal(jar.balance, 0);
    }
    assert_nothing_to_repair(&set);
    books_close(&one);
    books_close(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_set_is_what_its_rows_are_and_its_undo_too),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
