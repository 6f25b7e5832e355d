/* Due times of periodic tasks over a real MariaDB: each is run once, whichever worker comes first. */
#include "check.h"

#include "database.h"
#include "store/periodic.h"

#define NAME "month-end"

static const int64_t NOW = INT64_C(1790000000000), DUE = INT64_C(1789990000000);

static struct server server;
static struct db_pool *pool;
static struct db *db;

static int start(void **state)
{
    struct err err = {0};
    (void)state;
    pool = database_start(&server, 2);
    db = db_take(pool, &err);
    return db ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    db_give(db);
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    database_run(pool, "DELETE FROM periodic_tasks");
    return 0;
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s [%s]", err->detail, err->cause);
}

static bool claim(int64_t due_ms, const char *token, int64_t now_ms)
{
    struct err err = {0};
    bool claimed = false;
    must(periodic_claim(db, NAME, due_ms, token, now_ms, &claimed, &err), &err);
    return claimed;
}

static void mark_done(int64_t due_ms, const char *token)
{
    struct err err = {0};
    must(periodic_mark_done(db, NAME, due_ms, token, NOW, &err), &err);
}

static int64_t last_done(void)
{
    struct err err = {0};
    int64_t due_ms = -1;
    must(periodic_last_done(db, NAME, &due_ms, &err), &err);
    return due_ms;
}

static void test_a_due_time_is_run_once(void **state)
{
    (void)state;
    assert_int_equal(last_done(), 0);
    assert_true(claim(DUE, "a", NOW));
    assert_false(claim(DUE, "b", NOW));
    assert_int_equal(last_done(), 0);
    mark_done(DUE, "a");
    assert_int_equal(last_done(), DUE);
    assert_false(claim(DUE, "b", NOW + PERIODIC_LEASE_MS));
    assert_true(claim(DUE + 1000, "b", NOW));
}

static void test_who_dies_leaves_it_to_the_next(void **state)
{
    (void)state;
    assert_true(claim(DUE, "a", NOW));
    assert_false(claim(DUE, "b", NOW + PERIODIC_LEASE_MS - 1));
    assert_true(claim(DUE, "b", NOW + PERIODIC_LEASE_MS));
    mark_done(DUE, "a"); /* woke up too late */
    assert_int_equal(last_done(), 0);
    mark_done(DUE, "b");
    assert_int_equal(last_done(), DUE);
}

static void test_a_failure_is_tried_again_later(void **state)
{
    (void)state;
    struct err err = {0};
    assert_true(claim(DUE, "a", NOW));
    must(periodic_back_off(db, NAME, DUE, "a", NOW + 60000, &err), &err);
    assert_false(claim(DUE, "b", NOW + 59999));
    assert_true(claim(DUE, "b", NOW + 60000));
}

static void test_the_latest_done_one_counts(void **state)
{
    (void)state;
    assert_true(claim(DUE + 1000, "a", NOW));
    mark_done(DUE + 1000, "a");
    assert_true(claim(DUE, "a", NOW));
    mark_done(DUE, "a");
    assert_true(claim(DUE + 2000, "a", NOW));
    assert_int_equal(last_done(), DUE + 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_due_time_is_run_once, fresh),
        cmocka_unit_test_setup(test_who_dies_leaves_it_to_the_next, fresh),
        cmocka_unit_test_setup(test_a_failure_is_tried_again_later, fresh),
        cmocka_unit_test_setup(test_the_latest_done_one_counts, fresh),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
