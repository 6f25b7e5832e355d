/* The rules of money against a real MariaDB: after every command the books add up. */
#include "check.h"

#include "base/date.h"
#include "finance/expense.h"
#include "finance/income.h"
#include "finance/jar_limits.h"
#include "finance/jars.h"
#include "finance/undo.h"
#include "lib/service/server.h"
#include "random.h"
#include "store/category.h"
#include "store/household.h"
#include "store/jar_entry.h"
#include "store/migrate.h"
#include "store/user.h"

enum { NOW_MS_DAY = 24 * 3600 * 1000 };

static struct server server;
static struct db_pool *pool;

/* One household with an own connection, clock and arena. */
struct books {
    struct scope s;
    int64_t income_category, expense_category;
};

static int setup(void **state)
{
    (void)state;
    struct err err = {0};
    server_start_mariadb(&server);
    struct db_options opts = {.socket = server.socket,
                              .user = "root",
                              .password = "",
                              .name = "test",
                              .pool_size = 2,
                              .pool_wait_ms = 2000,
                              .connect_timeout_s = 5,
                              .io_timeout_s = 30,
                              .lock_wait_s = 5};
    struct db_options bare = opts;
    bare.name = NULL;
    struct db_pool *first = db_pool_open(&bare, &err);
    struct db *db = first ? db_take(first, &err) : NULL;
    if (!db || !db_run_sql(db, TEXT("CREATE DATABASE test CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"), &err))
        fail_msg("database: %s [%s]", err.detail, err.cause);
    db_give(db);
    db_pool_close(first);
    pool = db_pool_open(&opts, &err);
    struct arena *mem = arena_new(65536, 16 * 1024 * 1024);
    size_t steps;
    db = db_take(pool, &err);
    if (!db || !migrate_run(db, migration_files, INT64_C(1790000000000), mem, &steps, &err))
        fail_msg("migrations: %s [%s]", err.detail, err.cause);
    db_give(db);
    arena_free(mem);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s: %s [%s]", #call, err_row(err.code)->name, err.detail, err.cause);                        \
    } while (0)

#define MUST_FAIL(call, expected)                                                                                      \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        if (call)                                                                                                      \
            fail_msg("%s succeeded", #call);                                                                           \
        assert_string_equal(err_row(err.code)->name, err_row(expected)->name);                                         \
    } while (0)

static void set_day(struct books *b, int32_t ymd)
{
    b->s.today = ymd;
    b->s.now_ms = (int64_t)date_days(ymd) * NOW_MS_DAY + 12 * 3600 * 1000;
}

static void books_open(struct books *b, const char *email)
{
    int64_t user = 0, household = 0;
    struct category income = {.name = TEXT("Lương"), .type = CATEGORY_INCOME},
                    expense = {.name = TEXT("Ăn uống"), .type = CATEGORY_EXPENSE};
    *b = (struct books){0};
    set_day(b, 20260915);
    MUST((b->s.db = db_take(pool, &err)) != NULL);
    b->s.mem = arena_new(65536, 64 * 1024 * 1024);
    b->s.currency = currency_find(TEXT("VND"));
    b->s.large_amount_default = 5000000;
    MUST(user_insert_pending(b->s.db, &(struct user_new){.email = text_of(email), .full_name = TEXT("")}, b->s.currency,
                             b->s.now_ms, &user, &household, &err));
    b->s.household_id = household;
    b->s.user_id = user;
    MUST(category_insert(b->s.db, household, &income, b->s.now_ms, &err));
    MUST(category_insert(b->s.db, household, &expense, b->s.now_ms, &err));
    b->income_category = income.id;
    b->expense_category = expense.id;
}

static void books_close(struct books *b)
{
    db_give(b->s.db);
    arena_free(b->s.mem);
}

/* Each command in a transaction of its own, as the dispatcher runs it. */
#define COMMAND(b, call)                                                                                               \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        struct tx *tx = tx_begin((b)->s.db, &err);                                                                     \
        (b)->s.now_ms++;                                                                                               \
        if (!tx || !household_lock((b)->s.db, (b)->s.household_id, &err) || !(call) || !tx_commit(tx, &err))           \
            fail_msg("%s: %s: %s [%s]", #call, err_row(err.code)->name, err.detail, err.cause);                        \
        arena_reset((b)->s.mem);                                                                                       \
    } while (0)

static bool take_int(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

/* jars + unassigned = incomes - expenses; balance = sum of entries; months = what the entries say (a recalculation
 * repairs nothing). */
static void assert_books_add_up(struct books *b)
{
    static const struct stmt_def GAP = {
        "test.gap",
        "SELECT CAST((SELECT COALESCE(SUM(balance), 0) FROM jars WHERE household_id = ?) + (SELECT unassigned FROM households WHERE id = ?)"
        " - (SELECT COALESCE(SUM(CASE kind WHEN 'income' THEN amount WHEN 'expense' THEN -amount ELSE 0 END), 0) FROM transactions"
        " WHERE household_id = ? AND deleted_at IS NULL) AS SIGNED)",
        "iii", "i"};
    int64_t gap = -1;
    struct db_value h = db_int(b->s.household_id);
    MUST(db_one(b->s.db, &GAP, DB_ARGS(h, h, h), b->s.mem, take_int, &gap, &err));
    assert_int_equal(gap, 0);
    struct recalculation done;
    int32_t today = b->s.today;
    b->s.today = 19700101; /* no month has ended: nothing is closed, only compared */
    COMMAND(b, jar_limits_recalculate(&b->s, 197001, NULL, &done, &err));
    b->s.today = today;
    assert_int_equal(done.repaired_months, 0);
    assert_int_equal(done.repaired_balances, 0);
}

static int64_t income(struct books *b, int64_t amount, int32_t on)
{
    struct income_result made;
    struct income_input in = {
        .name = TEXT("Lương"), .category_id = b->income_category, .amount = amount, .occurred_on = on};
    COMMAND(b, income_add(&b->s, &in, &made, &err));
    return made.income.id;
}

static int64_t expense(struct books *b, int64_t amount, int64_t jar, int32_t on)
{
    struct transaction made;
    struct expense_input in = {
        .name = TEXT("Phở"), .category_id = b->expense_category, .amount = amount, .jar_id = jar, .occurred_on = on};
    COMMAND(b, expense_add(&b->s, &in, &made, &err));
    return made.id;
}

static size_t jar_ids(struct books *b, int64_t ids[JAR_MAX])
{
    struct jar_list jars;
    MUST(jar_list(b->s.db, b->s.household_id, date_month(b->s.today), b->s.mem, &jars, &err));
    for (size_t i = 0; i < jars.count; i++)
        ids[i] = jars.items[i].id;
    return jars.count;
}

static struct jar_month month_of(struct books *b, int64_t id, int32_t month)
{
    struct jar jar;
    struct jar_month m;
    MUST(jar_limits_month(&b->s, id, month, &jar, &m, &err));
    return m;
}

static void test_the_first_income_makes_six_jars_and_fills_them(void **state)
{
    (void)state;
    struct books b;
    int64_t ids[JAR_MAX];
    books_open(&b, "first@example.com");
    income(&b, 1000003, 0);
    assert_int_equal(jar_ids(&b, ids), 6);
    assert_int_equal(month_of(&b, ids[0], 202609).allocated, 550002);
    assert_int_equal(month_of(&b, ids[5], 202609).allocated, 50000);
    assert_books_add_up(&b);
    books_close(&b);
}

static void test_a_change_in_an_earlier_month_shifts_what_later_ones_carry(void **state)
{
    (void)state;
    struct books b;
    int64_t ids[JAR_MAX];
    books_open(&b, "shift@example.com");
    income(&b, 1000000, 20260801);
    jar_ids(&b, ids);
    expense(&b, 50000, ids[0], 20260910);
    expense(&b, 30000, ids[0], 20260705);
    assert_int_equal(month_of(&b, ids[0], 202607).spent, 30000);
    assert_int_equal(month_of(&b, ids[0], 202608).carried, -30000);
    assert_int_equal(month_of(&b, ids[0], 202609).carried, 520000);
    assert_int_equal(jar_month_available(&(struct jar_month[]){month_of(&b, ids[0], 202612)}[0]), 470000);
    assert_books_add_up(&b);
    books_close(&b);
}

static void test_a_reset_jar_starts_each_month_empty(void **state)
{
    (void)state;
    struct books b;
    struct recalculation done;
    struct jar jar;
    int64_t ids[JAR_MAX], unassigned = 0;
    books_open(&b, "reset@example.com");
    income(&b, 1000000, 0);
    jar_ids(&b, ids);
    MUST(jar_find(b.s.db, b.s.household_id, ids[0], 202609, b.s.mem, &jar, &err));
    jar.reset = true;
    COMMAND(&b, jars_change(&b.s, &jar, false, &err));
    expense(&b, 50000, ids[0], 0);
    set_day(&b, 20261001);
    COMMAND(&b, jar_limits_recalculate(&b.s, 202609, NULL, &done, &err));
    assert_int_equal(done.resets, 1);
    assert_int_equal(done.repaired_months, 0);
    assert_int_equal(month_of(&b, ids[0], 202610).carried, 0);
    MUST(household_unassigned(b.s.db, b.s.household_id, &unassigned, &err));
    assert_int_equal(unassigned, 500000);
    COMMAND(&b, jar_limits_recalculate(&b.s, 202609, NULL, &done, &err));
    assert_int_equal(done.resets, 0);
    /* a late expense of the closed month is balanced with it */
    expense(&b, 7000, ids[0], 20260920);
    assert_int_equal(month_of(&b, ids[0], 202610).carried, 0);
    MUST(household_unassigned(b.s.db, b.s.household_id, &unassigned, &err));
    assert_int_equal(unassigned, 493000);
    COMMAND(&b, jar_limits_recalculate(&b.s, 202609, NULL, &done, &err));
    assert_int_equal(done.resets, 0);
    assert_int_equal(done.repaired_months, 0);
    assert_books_add_up(&b);
    books_close(&b);
}

static void test_a_recalculation_repairs_what_was_corrupted(void **state)
{
    (void)state;
    static const struct stmt_def SPOIL_MONTH = {
        "test.spoil_month", "UPDATE jar_months SET spent = spent + 5, carried = 9 WHERE household_id = ?", "i", ""};
    static const struct stmt_def SPOIL_BALANCE = {
        "test.spoil_balance", "UPDATE jars SET balance = balance + 5 WHERE household_id = ? AND id = ?", "ii", ""};
    struct books b;
    struct recalculation done;
    int64_t ids[JAR_MAX];
    books_open(&b, "repair@example.com");
    income(&b, 1000000, 20260801);
    jar_ids(&b, ids);
    expense(&b, 1000, ids[1], 20260902);
    MUST(db_exec(b.s.db, &SPOIL_MONTH, DB_ARGS(db_int(b.s.household_id)), NULL, &err));
    MUST(db_exec(b.s.db, &SPOIL_BALANCE, DB_ARGS(db_int(b.s.household_id), db_int(ids[0])), NULL, &err));
    COMMAND(&b, jar_limits_recalculate(&b.s, 202601, NULL, &done, &err));
    assert_int_equal(done.repaired_months, 7);
    assert_int_equal(done.repaired_balances, 1);
    assert_books_add_up(&b);
    books_close(&b);
}

static void test_each_threshold_is_told_once_a_month(void **state)
{
    (void)state;
    static const char EVENT[] = "01a210a3-26de-71e9-a600-922bce510106", NEXT[] = "01a210a3-26de-71e9-a600-922bce510107";
    struct books b;
    struct recalculation done;
    int64_t ids[JAR_MAX];
    books_open(&b, "threshold@example.com");
    income(&b, 1000000, 0);
    jar_ids(&b, ids);
    expense(&b, 439999, ids[0], 0);
    COMMAND(&b, jar_limits_recalculate(&b.s, 202609, EVENT, &done, &err));
    assert_int_equal(done.alerts, 0);
    expense(&b, 1, ids[0], 0);
    COMMAND(&b, jar_limits_recalculate(&b.s, 202609, EVENT, &done, &err));
    assert_int_equal(done.alerts, 1);
    COMMAND(&b, jar_limits_recalculate(&b.s, 202609, NEXT, &done, &err));
    assert_int_equal(done.alerts, 0);
    expense(&b, 110000, ids[0], 0);
    COMMAND(&b, jar_limits_recalculate(&b.s, 202609, NEXT, &done, &err));
    assert_int_equal(done.alerts, 1);
    books_close(&b);
}

static void test_allocations_beyond_the_amount_and_foreign_jars_are_refused(void **state)
{
    (void)state;
    struct books b, other;
    int64_t ids[JAR_MAX];
    struct income_result made;
    struct transaction t;
    books_open(&b, "mine@example.com");
    books_open(&other, "theirs@example.com");
    income(&b, 1000, 0);
    income(&other, 1000, 0);
    jar_ids(&b, ids);
    struct allocation much[] = {{ids[0], 600}, {ids[1], 401}}, fits[] = {{ids[0], 600}, {ids[1], 400}};
    struct income_input in = {.name = TEXT("x"),
                              .category_id = b.income_category,
                              .amount = 1000,
                              .allocations_given = true,
                              .allocations = much,
                              .allocation_count = 2};
    MUST_FAIL(income_add(&b.s, &in, &made, &err), ERR_VALIDATION);
    in.allocations = fits;
    COMMAND(&b, income_add(&b.s, &in, &made, &err));
    jar_ids(&other, ids);
    struct allocation foreign[] = {{ids[0], 5}};
    in.allocations = foreign;
    in.allocation_count = 1;
    MUST_FAIL(income_add(&b.s, &in, &made, &err), ERR_NOT_FOUND);
    struct expense_input out = {.name = TEXT("x"), .category_id = b.expense_category, .amount = 5, .jar_id = ids[0]};
    MUST_FAIL(expense_add(&b.s, &out, &t, &err), ERR_NOT_FOUND);
    out.jar_id = 0;
    out.category_id = b.income_category;
    MUST_FAIL(expense_add(&b.s, &out, &t, &err), ERR_VALIDATION);
    out.category_id = other.expense_category;
    MUST_FAIL(expense_add(&b.s, &out, &t, &err), ERR_NOT_FOUND);
    MUST_FAIL(jars_transfer(&b.s, ids[0], 0, 1, &t, &err), ERR_NOT_FOUND);
    MUST_FAIL(jars_transfer(&b.s, 0, 0, 1, &t, &err), ERR_VALIDATION);
    books_close(&b);
    books_close(&other);
}

/* ---- several expenses at once ---- */

enum { SET_COUNT = 25, SET_MONTHS = 6 };

static void random_inputs(struct random *r, const struct books *b, int64_t jar, struct expense_input in[SET_COUNT])
{
    for (size_t i = 0; i < SET_COUNT; i++) {
        int32_t on = 0;
        assert_true(date_make(2026, 5 + (int)random_up_to(r, SET_MONTHS), 1 + (int)random_up_to(r, 28), &on));
        in[i] = (struct expense_input){.name = TEXT("Phở \"bò\" \\ 🍜"),
                                       .icon = random_up_to(r, 2) ? TEXT("🍜") : TEXT_NONE,
                                       .category_id = b->expense_category,
                                       .jar_id = jar,
                                       .amount = 1 + random_up_to(r, 9000000),
                                       .occurred_on = random_up_to(r, 4) ? on : 0};
    }
}

static int64_t number(struct books *b, const char *what, const char *sql)
{
    int64_t n = -1;
    const struct stmt_def def = {what, sql, "i", "i"};
    MUST(db_one(b->s.db, &def, DB_ARGS(db_int(b->s.household_id)), b->s.mem, take_int, &n, &err));
    return n;
}

static void assert_same_books(struct books *a, struct books *b, int64_t jar_a, int64_t jar_b)
{
    static const char *const NUMBERS[] = {
        "SELECT unassigned FROM households WHERE id = ?", "SELECT COUNT(*) FROM transactions WHERE household_id = ?",
        "SELECT CAST(SUM(amount * (TO_DAYS(occurred_on) - 730000)) AS SIGNED) FROM transactions WHERE household_id = ?",
        "SELECT COUNT(*) FROM jar_entries WHERE household_id = ?",
        "SELECT COUNT(*) FROM outbox WHERE household_id = ? AND type = 'transaction.large'"};
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++)
        assert_int_equal(number(a, "test.a", NUMBERS[i]), number(b, "test.b", NUMBERS[i]));
    for (int32_t month = 202605; jar_a && month < 202605 + SET_MONTHS; month++) {
        struct jar_month of_a = month_of(a, jar_a, month), of_b = month_of(b, jar_b, month);
        assert_int_equal(of_a.carried, of_b.carried);
        assert_int_equal(of_a.spent, of_b.spent);
        assert_int_equal(of_a.allocated, of_b.allocated);
    }
    assert_books_add_up(a);
    assert_books_add_up(b);
}

static void compare_set_with_single_ones(uint64_t seed, bool with_jar)
{
    struct books set, single;
    int64_t set_jars[JAR_MAX], single_jars[JAR_MAX];
    struct expense_input in[SET_COUNT];
    struct transaction made[SET_COUNT], one;
    char email[48];
    struct random r = random_seeded(seed), same = r;
    snprintf(email, sizeof email, "set%d%d@example.com", (int)seed, with_jar);
    books_open(&set, email);
    snprintf(email, sizeof email, "single%d%d@example.com", (int)seed, with_jar);
    books_open(&single, email);
    income(&set, 5000000, 20260601);
    income(&single, 5000000, 20260601);
    jar_ids(&set, set_jars);
    jar_ids(&single, single_jars);
    random_inputs(&r, &set, with_jar ? set_jars[1] : 0, in);
    COMMAND(&set, expense_add_set(&set.s, in, SET_COUNT, made, &err));
    for (size_t i = 0; i < SET_COUNT; i++) {
        struct transaction stored;
        MUST(transaction_find(set.s.db, set.s.household_id, made[i].id, set.s.mem, &stored, &err));
        assert_int_equal(stored.amount, in[i].amount);
        assert_int_equal(stored.occurred_on, in[i].occurred_on ? in[i].occurred_on : set.s.today);
        assert_text(stored.name, "Phở \"bò\" \\ 🍜");
        assert_true(stored.icon.n == in[i].icon.n && !stored.note.p);
        assert_int_equal(stored.created_at_ms, made[i].created_at_ms);
    }
    random_inputs(&same, &single, with_jar ? single_jars[1] : 0, in);
    for (size_t i = 0; i < SET_COUNT; i++)
        COMMAND(&single, expense_add(&single.s, &in[i], &one, &err));
    assert_same_books(&set, &single, with_jar ? set_jars[1] : 0, with_jar ? single_jars[1] : 0);
    books_close(&set);
    books_close(&single);
}

static void test_a_set_of_expenses_is_what_each_alone_would_be(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 13; seed++) {
        compare_set_with_single_ones(seed, true);
        compare_set_with_single_ones(seed, false);
    }
}

/* ---- random histories ---- */

static bool any_transaction(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct transaction *)to = transaction_from_row(row);
    return true;
}

static bool pick(struct books *b, struct random *r, struct transaction *out)
{
    struct transaction_filter f = {.kind = random_up_to(r, 3), .limit = 1 + random_up_to(r, 8)};
    out->id = 0;
    MUST(transaction_list(b->s.db, b->s.household_id, &f, b->s.mem, any_transaction, out, &err));
    return out->id != 0;
}

static void change(struct books *b, struct random *r, struct transaction *t, int64_t jar, int32_t on)
{
    int64_t amount = 1 + random_up_to(r, 90000);
    struct transaction was = *t;
    struct income_result result;
    if (t->kind == KIND_EXPENSE) {
        struct expense_input in = {
            .name = TEXT("Sửa"), .category_id = t->category_id, .amount = amount, .jar_id = jar, .occurred_on = on};
        COMMAND(b, expense_change(&b->s, &in, t, &err));
    } else if (t->kind == KIND_INCOME) {
        struct income_input in = {
            .name = TEXT("Sửa"), .category_id = t->category_id, .amount = amount, .occurred_on = on};
        COMMAND(b, income_change(&b->s, &in, &was, &result, &err));
    } else {
        t->amount = amount;
        t->occurred_on = on;
        COMMAND(b, transfer_change(&b->s, &was, t, &err));
    }
}

static void move(struct books *b, struct random *r, const int64_t *ids, size_t count)
{
    struct transaction made;
    int64_t from = random_up_to(r, 4) ? ids[random_up_to(r, (int64_t)count)] : 0,
            to = random_up_to(r, 4) ? ids[random_up_to(r, (int64_t)count)] : 0;
    struct err err = {0};
    struct tx *tx = tx_begin(b->s.db, &err);
    assert_non_null(tx);
    b->s.now_ms++;
    bool done = household_lock(b->s.db, b->s.household_id, &err) &&
                jars_transfer(&b->s, from, to, 1 + random_up_to(r, 50000), &made, &err);
    if (done)
        assert_true(tx_commit(tx, &err));
    else
        tx_rollback(tx);
    assert_true(done || err.code == ERR_INSUFFICIENT_BALANCE || err.code == ERR_VALIDATION);
    arena_reset(b->s.mem);
}

static void new_jar(struct books *b, struct random *r, int round)
{
    char name[32];
    int64_t opening = random_up_to(r, 1000);
    struct jar_list made;
    snprintf(name, sizeof name, "Hũ %d", round);
    struct jar jar = {.name = text_of(name), .color = TEXT("#000000"), .target_bp = (int32_t)random_up_to(r, 2000)};
    COMMAND(b, jars_create(&b->s, &jar, &opening, 1, &made, &err));
}

static void new_category_and_its_end(struct books *b, struct random *r, int round, int64_t jar)
{
    char name[32];
    struct transaction made;
    struct category c = {.type = CATEGORY_EXPENSE};
    snprintf(name, sizeof name, "Nhóm %d", round);
    c.name = text_of(name);
    MUST(category_insert(b->s.db, b->s.household_id, &c, b->s.now_ms, &err));
    for (int i = 0; i < 3; i++) {
        struct expense_input in = {.name = TEXT("x"),
                                   .category_id = c.id,
                                   .amount = 1 + random_up_to(r, 5000),
                                   .jar_id = i ? jar : 0,
                                   .occurred_on = 20260701 + 100 * i};
        COMMAND(b, expense_add(&b->s, &in, &made, &err));
    }
    COMMAND(b, category_remove(&b->s, c.id, &err));
}

static void step(struct books *b, struct random *r, int round)
{
    int64_t ids[JAR_MAX];
    size_t count = jar_ids(b, ids);
    int64_t jar = count && random_up_to(r, 3) ? ids[random_up_to(r, (int64_t)count)] : 0;
    int32_t on;
    struct transaction t;
    assert_true(date_make(2026, 6 + (int)random_up_to(r, 6), 1 + (int)random_up_to(r, 28), &on));
    switch (random_up_to(r, 10)) {
    case 0:
    case 1: income(b, 1 + random_up_to(r, 300000), on); break;
    case 2:
    case 3:
    case 4: expense(b, 1 + random_up_to(r, 60000), jar, on); break;
    case 5:
        if (pick(b, r, &t))
            change(b, r, &t, jar, on);
        break;
    case 6:
        if (pick(b, r, &t)) {
            COMMAND(b, transaction_remove(&b->s, &t, &err));
            if (random_up_to(r, 2))
                COMMAND(b, transaction_restore(&b->s, &t, &err));
        }
        break;
    case 7:
        if (count)
            move(b, r, ids, count);
        break;
    case 8:
        if (count > 3 && jar)
            COMMAND(b, jars_remove(&b->s, jar, &err));
        else
            new_jar(b, r, round);
        break;
    default: new_category_and_its_end(b, r, round, jar); break;
    }
}

static void test_any_history_of_commands_keeps_the_books(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct books b;
        char email[40];
        struct random r = random_seeded(seed);
        snprintf(email, sizeof email, "history%d@example.com", (int)seed);
        books_open(&b, email);
        for (int round = 0; round < 60; round++) {
            step(&b, &r, round);
            assert_books_add_up(&b);
        }
        books_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_income_makes_six_jars_and_fills_them),
        cmocka_unit_test(test_a_change_in_an_earlier_month_shifts_what_later_ones_carry),
        cmocka_unit_test(test_a_reset_jar_starts_each_month_empty),
        cmocka_unit_test(test_a_recalculation_repairs_what_was_corrupted),
        cmocka_unit_test(test_each_threshold_is_told_once_a_month),
        cmocka_unit_test(test_allocations_beyond_the_amount_and_foreign_jars_are_refused),
        cmocka_unit_test(test_a_set_of_expenses_is_what_each_alone_would_be),
        cmocka_unit_test(test_any_history_of_commands_keeps_the_books),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
