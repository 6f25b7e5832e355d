/* link: -Wl,--wrap=queue_send */
/* One round of the relay over a real MariaDB and a scripted queue. */
#include "check.h"

#include "base/id.h"
#include "database.h"
#include "finance/relay.h"
#include "store/outbox.h"

static const int64_t NOW = INT64_C(1790000000000);

static struct server server;
static struct db_pool *pool;
static struct arena *mem;

/* ---- the queue ---- */

enum answer { ACCEPT, BUSY, FAULT };

static struct {
    bool down;
    enum answer answers[QUEUE_BATCH_MAX];
    size_t calls, entries;
    char group[32];
} sqs;

bool __wrap_queue_send(struct queue *q, struct queue_entry *entries, size_t n, struct arena *m, struct err *err);

bool __wrap_queue_send(struct queue *q, struct queue_entry *entries, size_t n, struct arena *m, struct err *err)
{
    (void)q, (void)m;
    sqs.calls++;
    sqs.entries = n;
    if (sqs.down)
        return err_set(err, ERR_UNAVAILABLE, "The queue does not answer");
    snprintf(sqs.group, sizeof sqs.group, "%.*s", TEXT_ARG(entries[0].group));
    for (size_t i = 0; i < n; i++) {
        entries[i].accepted = sqs.answers[i] == ACCEPT;
        entries[i].sender_fault = sqs.answers[i] == FAULT;
        snprintf(entries[i].reason, sizeof entries[i].reason, "%s",
                 sqs.answers[i] == FAULT ? "too large" : "throttled");
    }
    return true;
}

/* ---- the outbox ---- */

static void record(size_t count, int64_t at_ms)
{
    struct err err = {0};
    struct db *db = db_take(pool, &err);
    for (size_t i = 0; i < count; i++) {
        char id[UUID_TEXT_MAX];
        uuid7(at_ms, id);
        if (!outbox_insert(db, 7, id, "mail.requested", TEXT("{}"), at_ms, &err))
            fail_msg("%s [%s]", err.detail, err.cause);
    }
    db_give(db);
}

static struct relay_round round_at(int64_t now_ms)
{
    struct relay_round r;
    struct err err = {0};
    arena_reset(mem);
    if (!relay_run_once(pool, NULL, OUTBOX_RESEND_AFTER_MS, now_ms, mem, &r, &err))
        fail_msg("%s [%s]", err.detail, err.cause);
    return r;
}

static int64_t in_state(const char *state)
{
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM outbox WHERE state = '%s'", state);
    return database_number(pool, sql);
}

static int start(void **state)
{
    (void)state;
    pool = database_start(&server, 4);
    mem = arena_new(65536, 8 * 1024 * 1024);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_free(mem);
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    memset(&sqs, 0, sizeof sqs);
    database_run(pool, "DELETE FROM outbox");
    database_run(pool, "DELETE FROM parked_messages");
    return 0;
}

/* ---- tests ---- */

static void test_due_events_go_out_in_one_batch(void **state)
{
    (void)state;
    record(3, NOW);
    struct relay_round r = round_at(NOW);
    assert_int_equal(r.claimed, 3);
    assert_int_equal(r.sent, 3);
    assert_int_equal(sqs.calls, 1);
    assert_string_equal(sqs.group, "h7");
    assert_int_equal(in_state("sent"), 3);
    assert_int_equal(round_at(NOW).claimed, 0);
}

static void test_more_than_a_batch_takes_more_rounds(void **state)
{
    (void)state;
    record(12, NOW);
    assert_int_equal(round_at(NOW).sent, 10);
    assert_int_equal(round_at(NOW).sent, 2);
}

static void test_without_the_queue_nothing_is_lost(void **state)
{
    (void)state;
    struct relay_round r;
    struct err err = {0};
    record(2, NOW);
    sqs.down = true;
    assert_false(relay_run_once(pool, NULL, OUTBOX_RESEND_AFTER_MS, NOW, mem, &r, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_int_equal(r.claimed, 2);
    assert_int_equal(in_state("recorded"), 2);
    assert_int_equal(round_at(NOW + 500).claimed, 0); /* it waits a second at least, less a quarter */
    sqs.down = false;
    assert_int_equal(round_at(NOW + 1000).sent, 2);
}

static void test_each_entry_has_a_fate_of_its_own(void **state)
{
    (void)state;
    record(3, NOW);
    sqs.answers[1] = BUSY;
    sqs.answers[2] = FAULT;
    struct relay_round r = round_at(NOW);
    assert_int_equal(r.sent, 1);
    assert_int_equal(r.delayed, 1);
    assert_int_equal(r.parked, 1);
    assert_int_equal(in_state("parked"), 1);
    assert_int_equal(database_number(pool, "SELECT COUNT(*) FROM parked_messages WHERE reason = 'too large'"), 1);
    assert_int_equal(round_at(NOW + 2000).claimed, 1);
    assert_int_equal(round_at(NOW + 3600 * 1000 / 4).claimed, 0);
}

static void test_two_relays_never_claim_the_same_event(void **state)
{
    (void)state;
    struct outbox_row rows[OUTBOX_CLAIM_MAX];
    struct err err = {0};
    size_t first, second, third;
    record(15, NOW);
    struct db *a = db_take(pool, &err), *b = db_take(pool, &err);
    assert_true(outbox_claim(a, "a", NOW, mem, rows, &first, &err));
    assert_true(outbox_claim(b, "b", NOW, mem, rows, &second, &err));
    assert_true(outbox_claim(b, "b", NOW, mem, rows, &third, &err));
    assert_int_equal(first, 10);
    assert_int_equal(second, 5);
    assert_int_equal(third, 0);
    db_give(a);
    db_give(b);
    /* Neither sent anything: their claims lapse. */
    assert_int_equal(round_at(NOW + OUTBOX_LEASE_MS - 1).claimed, 0);
    assert_int_equal(round_at(NOW + OUTBOX_LEASE_MS).claimed, 10);
}

static void test_a_claim_that_lapsed_marks_nothing(void **state)
{
    (void)state;
    struct outbox_row rows[OUTBOX_CLAIM_MAX];
    struct err err = {0};
    size_t count;
    record(1, NOW);
    struct db *db = db_take(pool, &err);
    assert_true(outbox_claim(db, "old", NOW, mem, rows, &count, &err));
    assert_true(outbox_claim(db, "new", NOW + OUTBOX_LEASE_MS, mem, rows, &count, &err));
    assert_int_equal(count, 1);
    assert_true(outbox_mark_sent(db, rows[0].id, "old", NOW + OUTBOX_LEASE_MS, OUTBOX_RESEND_AFTER_MS, &err));
    assert_int_equal(in_state("recorded"), 1);
    assert_true(outbox_mark_sent(db, rows[0].id, "new", NOW + OUTBOX_LEASE_MS, OUTBOX_RESEND_AFTER_MS, &err));
    assert_int_equal(in_state("sent"), 1);
    db_give(db);
}

static void test_what_the_queue_lost_is_sent_again_a_few_times(void **state)
{
    (void)state;
    int64_t at = NOW;
    record(1, NOW);
    for (int i = 0; i < OUTBOX_SEND_MAX; i++, at += OUTBOX_RESEND_AFTER_MS) {
        assert_int_equal(round_at(at).sent, 1);
        assert_int_equal(round_at(at + OUTBOX_RESEND_AFTER_MS - 1).claimed, 0);
    }
    assert_int_equal(round_at(at + INT64_C(1000) * 24 * 3600 * 1000).claimed, 0);
    assert_int_equal(in_state("sent"), 1); /* still seen as not processed */
}

static void test_an_event_is_processed_once(void **state)
{
    (void)state;
    struct outbox_row rows[OUTBOX_CLAIM_MAX];
    struct err err = {0};
    size_t count;
    bool first = false;
    record(1, NOW);
    struct db *db = db_take(pool, &err);
    assert_true(outbox_claim(db, "t", NOW, mem, rows, &count, &err));
    assert_false(outbox_mark_processed(db, 8, rows[0].id, NOW, &first, &err)); /* another household's */
    assert_int_equal(err.code, ERR_PERMANENT);
    assert_true(outbox_mark_processed(db, 7, rows[0].id, NOW, &first, &err));
    assert_true(first);
    assert_true(outbox_mark_processed(db, 7, rows[0].id, NOW, &first, &err));
    assert_false(first);
    /* The worker was faster than the relay's mark. */
    assert_true(outbox_mark_sent(db, rows[0].id, "t", NOW, OUTBOX_RESEND_AFTER_MS, &err));
    assert_int_equal(in_state("processed"), 1);
    db_give(db);
    assert_int_equal(round_at(NOW + OUTBOX_RESEND_AFTER_MS * 2).claimed, 0);
}

static void test_the_wait_grows_with_the_age(void **state)
{
    (void)state;
    static const struct {
        int64_t age, least, most;
    } cases[] = {
        {0, 750, 1000}, {2000, 750, 1000}, {20000, 7500, 10000}, {INT64_C(1) << 40, 45000, 60000}, {-5, 750, 1000}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (uint32_t chance = 0; chance < 256; chance++) {
            int64_t wait = relay_backoff_ms(cases[i].age, chance);
            assert_in_range(wait, cases[i].least, cases[i].most);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_due_events_go_out_in_one_batch, fresh),
        cmocka_unit_test_setup(test_more_than_a_batch_takes_more_rounds, fresh),
        cmocka_unit_test_setup(test_without_the_queue_nothing_is_lost, fresh),
        cmocka_unit_test_setup(test_each_entry_has_a_fate_of_its_own, fresh),
        cmocka_unit_test_setup(test_two_relays_never_claim_the_same_event, fresh),
        cmocka_unit_test_setup(test_a_claim_that_lapsed_marks_nothing, fresh),
        cmocka_unit_test_setup(test_what_the_queue_lost_is_sent_again_a_few_times, fresh),
        cmocka_unit_test_setup(test_an_event_is_processed_once, fresh),
        cmocka_unit_test(test_the_wait_grows_with_the_age),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
