/* What the relay's own tests (lib/finance/test_relay.c) leave out of the outbox: parking, the backlog, transactions. */
#include "check.h"

#include "database.h"
#include "store/outbox.h"

#define ID "019f0000-0000-7000-8000-000000000001"
#define OTHER_ID "019f0000-0000-7000-8000-000000000002"

static const int64_t NOW = INT64_C(1790000000000);

static struct server server;
static struct db_pool *pool;
static struct db *db;
static struct arena *mem;

static int start(void **state)
{
    struct err err = {0};
    (void)state;
    pool = database_start(&server, 3);
    db = db_take(pool, &err);
    mem = arena_new(65536, 8 * 1024 * 1024);
    return db && mem ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    db_give(db);
    arena_free(mem);
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    database_run(pool, "DELETE FROM outbox");
    return 0;
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s [%s]", err->detail, err->cause);
}

static void insert(const char *id, int64_t at_ms)
{
    struct err err = {0};
    must(outbox_insert(db, 7, id, "mail.requested", TEXT("{\"tên\":1}"), at_ms, &err), &err);
}

static size_t claim(int64_t at_ms, struct outbox_row rows[OUTBOX_CLAIM_MAX])
{
    struct err err = {0};
    size_t count = 0;
    must(outbox_claim(db, "t", at_ms, mem, rows, &count, &err), &err);
    return count;
}

static void test_a_claim_reads_the_row_back(void **state)
{
    (void)state;
    struct outbox_row rows[OUTBOX_CLAIM_MAX];
    insert(ID, NOW);
    assert_int_equal(claim(NOW - 1, rows), 0);
    assert_int_equal(claim(NOW, rows), 1);
    assert_string_equal(rows[0].id, ID);
    assert_text(rows[0].body, "{\"tên\":1}");
    assert_int_equal(rows[0].household_id, 7);
    assert_int_equal(rows[0].send_count, 0);
    assert_int_equal(rows[0].created_at_ms, NOW);
}

static void test_an_event_id_is_unique(void **state)
{
    (void)state;
    struct err err = {0};
    insert(ID, NOW);
    assert_false(outbox_insert(db, 7, ID, "mail.requested", TEXT("{}"), NOW, &err));
    assert_int_equal(err.code, ERR_DUPLICATE);
}

static void test_a_parked_event_is_neither_sent_nor_processed(void **state)
{
    (void)state;
    struct outbox_row rows[OUTBOX_CLAIM_MAX];
    struct err err = {0};
    bool first = true;
    insert(ID, NOW);
    must(outbox_park(db, ID, "a reason", NOW, &err), &err);
    assert_int_equal(claim(NOW + OUTBOX_RESEND_AFTER_MS, rows), 0);
    must(outbox_mark_processed(db, 7, ID, NOW, &first, &err), &err);
    assert_false(first);
    assert_string_equal(database_text(pool, "SELECT last_error FROM outbox"), "a reason");
}

static void test_an_effect_that_fails_leaves_its_event_open(void **state)
{
    (void)state;
    struct err err = {0};
    bool first = false;
    insert(ID, NOW);
    struct tx *tx = tx_begin(db, &err);
    assert_non_null(tx);
    must(outbox_mark_processed(db, 7, ID, NOW, &first, &err), &err);
    assert_true(first);
    tx_rollback(tx);
    must(outbox_mark_processed(db, 7, ID, NOW, &first, &err), &err);
    assert_true(first);
}

static void test_the_backlog_is_what_is_not_processed(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t pending = -1, age_ms = -1;
    bool first;
    must(outbox_backlog(db, NOW, &pending, &age_ms, &err), &err);
    assert_int_equal(pending, 0);
    assert_int_equal(age_ms, 0);
    insert(ID, NOW);
    insert(OTHER_ID, NOW + 1000);
    must(outbox_backlog(db, NOW + 5000, &pending, &age_ms, &err), &err);
    assert_int_equal(pending, 2);
    assert_int_equal(age_ms, 5000);
    must(outbox_mark_processed(db, 7, ID, NOW, &first, &err), &err);
    must(outbox_backlog(db, NOW + 5000, &pending, &age_ms, &err), &err);
    assert_int_equal(pending, 1);
    assert_int_equal(age_ms, 4000);
}

static void test_rows_of_a_clock_that_ran_ahead_are_due_now(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t rows = -1;
    insert(ID, NOW);
    insert(OTHER_ID, NOW);
    database_run(pool, "UPDATE outbox SET next_try_at = UTC_TIMESTAMP(3) + INTERVAL 75 MINUTE");
    must(outbox_pull_back(db, OUTBOX_RESEND_AFTER_MS, &rows, &err), &err);
    assert_int_equal(rows, 0);
    database_run(pool, "UPDATE outbox SET next_try_at = UTC_TIMESTAMP(3) + INTERVAL 85 MINUTE WHERE id = '" ID "'");
    database_run(pool, "UPDATE outbox SET next_try_at = '9999-12-31', state = 'sent' WHERE id = '" OTHER_ID "'");
    must(outbox_pull_back(db, OUTBOX_RESEND_AFTER_MS, &rows, &err), &err);
    assert_int_equal(rows, 1);
    assert_int_equal(database_number(pool, "SELECT COUNT(*) FROM outbox WHERE next_try_at <= UTC_TIMESTAMP(3)"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_claim_reads_the_row_back, fresh),
        cmocka_unit_test_setup(test_an_event_id_is_unique, fresh),
        cmocka_unit_test_setup(test_a_parked_event_is_neither_sent_nor_processed, fresh),
        cmocka_unit_test_setup(test_an_effect_that_fails_leaves_its_event_open, fresh),
        cmocka_unit_test_setup(test_rows_of_a_clock_that_ran_ahead_are_due_now, fresh),
        cmocka_unit_test_setup(test_the_backlog_is_what_is_not_processed, fresh),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
