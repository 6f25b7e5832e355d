/* The ledger of mails over a real MariaDB: leases, fences, and what is in doubt. */
#include "check.h"

#include "database.h"
#include "store/mail_ledger.h"

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
    database_run(pool, "DELETE FROM mail_ledger");
    arena_reset(mem);
    return 0;
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s [%s]", err->detail, err->cause);
}

static void enqueue(const char *event, const char *recipient, int64_t at_ms)
{
    struct err err = {0};
    struct mail_row row = {.event_id = text_of(event),
                           .household_id = 7,
                           .user_id = 8,
                           .recipient = text_of(recipient),
                           .template_name = TEXT("transaction_large"),
                           .language = TEXT("vi"),
                           .data = TEXT("{\"a\":\"ă\"}")};
    must(mail_enqueue(db, &row, at_ms, &err), &err);
}

static bool claim(const char *token, int64_t at_ms, struct mail_row *row)
{
    struct err err = {0};
    bool found = false;
    must(mail_claim(db, token, at_ms, mem, row, &found, &err), &err);
    return found;
}

static bool may_finish(const struct mail_row *row, const char *token, int64_t at_ms)
{
    struct err err = {0};
    bool held = false;
    must(mail_announce_finish(db, row->id, token, at_ms, at_ms, &held, &err), &err);
    return held;
}

static bool hold(const struct mail_row *row, const char *token, int64_t at_ms)
{
    struct err err = {0};
    bool held = false;
    must(mail_hold(db, row->id, token, at_ms, &held, &err), &err);
    return held;
}

static void back_off(const struct mail_row *row, const char *token, enum mail_cause cause, int64_t next_ms)
{
    struct err err = {0};
    must(mail_back_off(db, row->id, token, cause, next_ms, "a reason", &err), &err);
}

static void mark_sent(const struct mail_row *row)
{
    struct err err = {0};
    must(mail_mark_sent(db, row->id, "0102018f", NOW, &err), &err);
}

static const char *state_of_all(void)
{
    return database_text(pool, "SELECT COALESCE(GROUP_CONCAT(state ORDER BY id), '') FROM mail_ledger");
}

/* ---- tests ---- */

static void test_a_mail_is_once_for_its_event_and_recipient(void **state)
{
    (void)state;
    enqueue("e1", "a@example.com", NOW);
    enqueue("e1", "a@example.com", NOW);
    enqueue("e1", "b@example.com", NOW);
    enqueue("e2", "a@example.com", NOW);
    assert_string_equal(state_of_all(), "pending,pending,pending");
}

static void test_a_claim_reads_the_row_back(void **state)
{
    (void)state;
    struct mail_row row;
    enqueue("e1", "a@example.com", NOW);
    assert_false(claim("t", NOW - 1, &row));
    assert_true(claim("t", NOW, &row));
    assert_text(row.event_id, "e1");
    assert_text(row.recipient, "a@example.com");
    assert_text(row.template_name, "transaction_large");
    assert_text(row.language, "vi");
    assert_text(row.data, "{\"a\":\"ă\"}");
    assert_int_equal(row.household_id, 7);
    assert_int_equal(row.user_id, 8);
    assert_int_equal(row.created_at_ms, NOW);
    assert_int_equal(row.attempts, 0);
    assert_false(row.doubtful);
}

static void test_the_oldest_comes_first_and_each_is_held_by_one(void **state)
{
    (void)state;
    struct mail_row a, b, c;
    enqueue("e2", "a@example.com", NOW + 1);
    enqueue("e1", "a@example.com", NOW);
    assert_true(claim("a", NOW + 2, &a));
    assert_true(claim("b", NOW + 2, &b));
    assert_false(claim("c", NOW + 2, &c));
    assert_text(a.event_id, "e1");
    assert_text(b.event_id, "e2");
}

static void test_a_lapsed_lease_frees_the_mail_and_fences_its_holder(void **state)
{
    (void)state;
    struct mail_row row, again;
    enqueue("e1", "a@example.com", NOW);
    assert_true(claim("old", NOW, &row));
    assert_false(claim("new", NOW + MAIL_LEASE_MS - 1, &again));
    assert_true(claim("new", NOW + MAIL_LEASE_MS, &again));
    assert_int_equal(again.id, row.id);
    assert_false(may_finish(&row, "old", NOW + MAIL_LEASE_MS));
    assert_false(hold(&row, "old", NOW + MAIL_LEASE_MS));
    assert_true(hold(&row, "new", NOW + MAIL_LEASE_MS));
    assert_false(hold(&row, "new", NOW + 2 * MAIL_LEASE_MS));
    back_off(&row, "old", MAIL_DEFERRED, NOW);
    struct err err = {0};
    must(mail_mark_refused(db, row.id, "old", "no", &err), &err);
    assert_string_equal(state_of_all(), "sending");
    assert_true(may_finish(&again, "new", NOW + MAIL_LEASE_MS + 1));
}

static void test_the_last_line_needs_a_lease_that_lasts(void **state)
{
    (void)state;
    struct mail_row row;
    enqueue("e1", "a@example.com", NOW);
    assert_true(claim("t", NOW, &row));
    assert_true(may_finish(&row, "t", NOW + MAIL_LEASE_MS - 1));
    assert_false(may_finish(&row, "t", NOW + MAIL_LEASE_MS));
    assert_false(may_finish(&row, "other", NOW));
}

static void test_who_died_before_the_last_line_left_no_doubt(void **state)
{
    (void)state;
    struct mail_row row;
    enqueue("e1", "a@example.com", NOW);
    assert_true(claim("old", NOW, &row));
    assert_true(claim("new", NOW + MAIL_LEASE_MS, &row));
    assert_false(row.doubtful);
    assert_int_equal(row.in_doubt, 0);
}

static void test_who_died_after_it_is_counted_once_each_time(void **state)
{
    (void)state;
    struct mail_row row;
    int64_t at = NOW;
    enqueue("e1", "a@example.com", NOW);
    for (int i = 0; i < 3; i++, at += MAIL_LEASE_MS) {
        assert_true(claim("t", at, &row));
        assert_int_equal(row.doubtful, i > 0);
        assert_int_equal(row.in_doubt, i);
        assert_true(may_finish(&row, "t", at));
    }
    /* Then one that died before it. */
    assert_true(claim("t", at, &row));
    assert_int_equal(row.in_doubt, 3);
    assert_true(claim("t", at + MAIL_LEASE_MS, &row));
    assert_false(row.doubtful);
    assert_int_equal(database_number(pool, "SELECT SUM(in_doubt) FROM mail_ledger"), 3);
}

static void test_only_an_answer_ends_the_doubt(void **state)
{
    (void)state;
    static const struct {
        enum mail_cause cause;
        bool doubtful;
        int64_t attempts;
    } ROWS[] = {{MAIL_DEFERRED, false, 1}, {MAIL_SERVER_BUSY, false, 0}, {MAIL_NO_ANSWER, true, 0}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct mail_row row;
        fresh(NULL);
        enqueue("e1", "a@example.com", NOW);
        assert_true(claim("t", NOW, &row));
        assert_true(may_finish(&row, "t", NOW));
        back_off(&row, "t", ROWS[i].cause, NOW + 5000);
        assert_string_equal(state_of_all(), "pending");
        assert_false(claim("t", NOW + 4999, &row));
        assert_true(claim("t", NOW + 5000, &row));
        assert_int_equal(row.doubtful, ROWS[i].doubtful);
        assert_int_equal(row.attempts, ROWS[i].attempts);
    }
}

static void test_what_was_sent_is_recorded_whoever_holds_the_lease(void **state)
{
    (void)state;
    struct mail_row row, again;
    enqueue("e1", "a@example.com", NOW);
    assert_true(claim("old", NOW, &row));
    assert_true(claim("new", NOW + MAIL_LEASE_MS, &again));
    mark_sent(&row);
    assert_string_equal(state_of_all(), "sent");
    assert_false(may_finish(&again, "new", NOW + MAIL_LEASE_MS + 1));
    back_off(&again, "new", MAIL_NO_ANSWER, NOW);
    assert_string_equal(state_of_all(), "sent");
    assert_string_equal(database_text(pool, "SELECT provider_id FROM mail_ledger"), "0102018f");
}

static void test_a_refused_mail_is_never_due_again(void **state)
{
    (void)state;
    struct mail_row row;
    struct err err = {0};
    enqueue("e1", "a@example.com", NOW);
    assert_true(claim("t", NOW, &row));
    must(mail_mark_refused(db, row.id, "t", "550 unknown", &err), &err);
    assert_string_equal(state_of_all(), "refused");
    assert_false(claim("t", NOW + INT64_C(1000) * 86400 * 1000, &row));
    assert_string_equal(database_text(pool, "SELECT last_error FROM mail_ledger"), "550 unknown");
}

static void test_the_backlog_counts_what_is_not_out_yet(void **state)
{
    (void)state;
    struct mail_row row;
    struct err err = {0};
    int64_t backlog = -1;
    enqueue("e1", "a@example.com", NOW);
    enqueue("e2", "a@example.com", NOW);
    enqueue("e3", "a@example.com", NOW);
    assert_true(claim("t", NOW, &row));
    mark_sent(&row);
    assert_true(claim("t", NOW, &row));
    must(mail_backlog(db, &backlog, &err), &err);
    assert_int_equal(backlog, 2);
}

static void test_mails_of_a_clock_that_ran_ahead_are_due_now(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t rows = -1;
    enqueue("e1", "a@example.com", NOW);
    enqueue("e2", "a@example.com", NOW);
    database_run(pool,
                 "UPDATE mail_ledger SET next_try_at = UTC_TIMESTAMP(3) + INTERVAL 50 MINUTE WHERE event_id = 'e1'");
    database_run(pool, "UPDATE mail_ledger SET next_try_at = UTC_TIMESTAMP(3) + INTERVAL 2 HOUR WHERE event_id = 'e2'");
    must(mail_pull_back(db, &rows, &err), &err);
    assert_int_equal(rows, 1);
    assert_int_equal(database_number(pool, "SELECT COUNT(*) FROM mail_ledger WHERE next_try_at <= UTC_TIMESTAMP(3)"),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_mail_is_once_for_its_event_and_recipient, fresh),
        cmocka_unit_test_setup(test_a_claim_reads_the_row_back, fresh),
        cmocka_unit_test_setup(test_the_oldest_comes_first_and_each_is_held_by_one, fresh),
        cmocka_unit_test_setup(test_a_lapsed_lease_frees_the_mail_and_fences_its_holder, fresh),
        cmocka_unit_test_setup(test_the_last_line_needs_a_lease_that_lasts, fresh),
        cmocka_unit_test_setup(test_who_died_before_the_last_line_left_no_doubt, fresh),
        cmocka_unit_test_setup(test_who_died_after_it_is_counted_once_each_time, fresh),
        cmocka_unit_test_setup(test_only_an_answer_ends_the_doubt, fresh),
        cmocka_unit_test_setup(test_what_was_sent_is_recorded_whoever_holds_the_lease, fresh),
        cmocka_unit_test_setup(test_a_refused_mail_is_never_due_again, fresh),
        cmocka_unit_test_setup(test_mails_of_a_clock_that_ran_ahead_are_due_now, fresh),
        cmocka_unit_test_setup(test_the_backlog_counts_what_is_not_out_yet, fresh),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
