/* link: -Wl,--wrap=queue_send,--wrap=queue_delete,--wrap=mailer_wake,--wrap=sweep_wake */
/* One message from its receipt to its end, over a real MariaDB and a scripted queue. */
#include "check.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "database.h"
#include "jobs.h"
#include "runner.h"
#include "store/outbox.h"

static struct server server;
static struct worker worker;
static struct arena *mem;
static int64_t user, household;

/* ---- the world around ---- */

static struct {
    bool down;
    size_t sent, deleted, deleted_before_sent, mailer_woken;
    char body[4096];
    int delay_s;
} world;

bool __wrap_queue_send(struct queue *q, struct queue_entry *entries, size_t n, struct arena *m, struct err *err);
bool __wrap_queue_delete(struct queue *q, struct text receipt, struct arena *m, struct err *err);
void __wrap_mailer_wake(struct mailer *m);
void __wrap_sweep_wake(struct sweep *s);

bool __wrap_queue_send(struct queue *q, struct queue_entry *entries, size_t n, struct arena *m, struct err *err)
{
    (void)q, (void)m;
    if (world.down)
        return err_set(err, ERR_UNAVAILABLE, "The queue does not answer");
    assert_int_equal(n, 1);
    world.sent++;
    world.deleted_before_sent = world.deleted;
    world.delay_s = entries[0].delay_s;
    snprintf(world.body, sizeof world.body, "%.*s", TEXT_ARG(entries[0].body));
    entries[0].accepted = true;
    return true;
}

bool __wrap_queue_delete(struct queue *q, struct text receipt, struct arena *m, struct err *err)
{
    (void)q, (void)m;
    if (world.down)
        return err_set(err, ERR_UNAVAILABLE, "The queue does not answer");
    assert_text(receipt, "receipt");
    world.deleted++;
    return true;
}

void __wrap_mailer_wake(struct mailer *m)
{
    (void)m;
    world.mailer_woken++;
}

void __wrap_sweep_wake(struct sweep *s)
{
    (void)s;
}

static int start(void **state)
{
    (void)state;
    struct err err = {0};
    worker.db_pool = database_start(&server, 3);
    worker.config.zone = zone_load("Asia/Ho_Chi_Minh");
    worker.redis = redis_open(&(struct redis_options){.url = "unix:///nonexistent/sock", .pool_size = 1}, &err);
    mem = arena_new(65536, 16 * 1024 * 1024);
    database_user(worker.db_pool, "an@example.com", &user, &household);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_free(mem);
    redis_close(worker.redis);
    zone_free(worker.config.zone);
    db_pool_close(worker.db_pool);
    server_remove(&server);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    arena_reset(mem);
    database_run(worker.db_pool, "DELETE FROM outbox");
    database_run(worker.db_pool, "DELETE FROM parked_messages");
    database_run(worker.db_pool, "DELETE FROM mail_ledger");
    return 0;
}

/* The pool notices a server that is back only after a while. */
static void restart(void)
{
    int64_t until = clock_monotonic_ms() + 20000;
    struct db *db = NULL;
    server_restart(&server);
    while (!db && clock_monotonic_ms() < until) {
        struct err err = {0};
        db = db_take(worker.db_pool, &err);
    }
    assert_non_null(db);
    db_give(db);
}

/* Records an event as a command would, and gives its body. */
static char *event(int64_t of_household, const char *type, const char *data, int attempt)
{
    static char body[4096];
    struct err err = {0};
    char id[UUID_TEXT_MAX];
    int64_t now_ms = clock_now_ms();
    uuid7(now_ms, id);
    snprintf(body, sizeof body,
             "{\"id\":\"%s\",\"type\":\"%s\",\"version\":1,\"occurredAt\":\"2026-05-01T00:00:00.000Z\","
             "\"householdId\":%lld,\"userId\":%lld,\"subjectId\":1,\"data\":%s,\"attempt\":%d,\"firstSentAt\":null}",
             id, type, (long long)of_household, (long long)user, data, attempt);
    struct db *db = db_take(worker.db_pool, &err);
    if (!db || !outbox_insert(db, of_household, id, type, text_of(body), now_ms, &err))
        fail_msg("%s [%s]", err.detail, err.cause);
    db_give(db);
    return body;
}

static struct run_result handle(const char *body)
{
    struct queue_message m = {.id = "message-1", .body = text_of(body), .receipt = TEXT("receipt"), .sent_at_ms = 1000};
    return runner_handle(&worker, &m, mem);
}

static int64_t count(const char *what)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s", what);
    return database_number(worker.db_pool, sql);
}

#define WELCOME "{\"template\":\"address_in_use\"}"

/* ---- tests ---- */

static void test_a_job_commits_its_effect_and_the_message_is_deleted(void **state)
{
    (void)state;
    struct run_result r = handle(event(household, "mail.requested", WELCOME, 0));
    assert_int_equal(r.end, RUN_DONE);
    assert_false(r.database_down);
    assert_int_equal(count("outbox WHERE state = 'processed' AND processed_at IS NOT NULL"), 1);
    assert_int_equal(count("mail_ledger WHERE recipient = 'an@example.com' AND template = 'address_in_use' AND "
                           "language = 'vi' AND state = 'pending'"),
                     1);
    assert_int_equal(world.deleted, 1);
    assert_int_equal(world.sent, 0);
    assert_int_equal(world.mailer_woken, 1);
}

static void test_a_copy_does_nothing_and_is_deleted(void **state)
{
    (void)state;
    char *body = event(household, "mail.requested", WELCOME, 0);
    handle(body);
    database_run(worker.db_pool, "DELETE FROM mail_ledger");
    assert_int_equal(handle(body).end, RUN_COPY);
    assert_int_equal(count("mail_ledger"), 0);
    assert_int_equal(world.deleted, 2);
    assert_int_equal(world.mailer_woken, 1);
}

static void test_what_can_never_be_processed_is_parked_with_its_reason(void **state)
{
    (void)state;
    static const char *const bodies[] = {"not json", "", "[]", "{}", "{\"id\":\"x\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        fresh(state);
        assert_int_equal(handle(bodies[i]).end, RUN_PARKED);
        assert_int_equal(count("parked_messages WHERE message_id = 'message-1' AND event_id IS NULL AND reason <> ''"),
                         1);
        assert_int_equal(world.deleted, 1);
        assert_int_equal(world.sent, 0);
    }
}

static void test_a_message_parked_twice_is_one_row(void **state)
{
    (void)state;
    handle("not json");
    assert_int_equal(handle("not json").end, RUN_PARKED);
    assert_int_equal(count("parked_messages"), 1);
}

static void test_an_unknown_type_parks_the_event_too(void **state)
{
    (void)state;
    assert_int_equal(handle(event(household, "nobody.knows", "{}", 0)).end, RUN_PARKED);
    assert_int_equal(count("outbox WHERE state = 'parked' AND last_error = 'unknown type of event'"), 1);
    assert_int_equal(count("parked_messages WHERE event_id IS NOT NULL"), 1);
}

static void test_a_parked_event_is_not_processed_by_a_late_copy(void **state)
{
    (void)state;
    char *body = event(household, "mail.requested", WELCOME, 0);
    database_run(worker.db_pool, "UPDATE outbox SET state = 'parked'");
    assert_int_equal(handle(body).end, RUN_COPY);
    assert_int_equal(count("mail_ledger"), 0);
}

static void test_a_bad_request_leaves_nothing_half_done(void **state)
{
    (void)state;
    assert_int_equal(handle(event(household, "jars.recalculate", "{\"fromMonth\":\"2026-13\"}", 0)).end, RUN_PARKED);
    assert_int_equal(count("outbox WHERE processed_at IS NULL AND state = 'parked'"), 1);
}

static void test_an_event_of_a_foreign_household_is_parked(void **state)
{
    (void)state;
    char *body = event(household, "mail.requested", WELCOME, 0);
    char *number = strstr(body, "\"householdId\":");
    number[strlen("\"householdId\":")] = '9'; /* not the household that the outbox has it under */
    assert_int_equal(handle(body).end, RUN_PARKED);
    assert_int_equal(count("mail_ledger"), 0);
}

/* The event that it names by its id is a good one of someone else, and waits for its own message. */
static void test_a_message_with_a_foreign_id_parks_only_itself(void **state)
{
    (void)state;
    char *body = event(household, "mail.requested", WELCOME, 0), foreign[4096];
    snprintf(foreign, sizeof foreign, "%s", body);
    strstr(foreign, "\"householdId\":")[strlen("\"householdId\":")] = '9';
    assert_int_equal(handle(foreign).end, RUN_PARKED);
    assert_int_equal(count("outbox WHERE state = 'recorded'"), 1);
    assert_int_equal(count("parked_messages"), 1);
    assert_int_equal(handle(body).end, RUN_DONE);
}

static void test_an_event_of_a_newer_version_is_parked_with_its_outbox_row(void **state)
{
    (void)state;
    char *body = event(household, "mail.requested", WELCOME, 0);
    strstr(body, "\"version\":1")[strlen("\"version\":")] = '2';
    assert_int_equal(handle(body).end, RUN_PARKED);
    assert_int_equal(count("outbox WHERE state = 'parked' AND last_error LIKE '%version%'"), 1);
    /* The queue's copies of it add nothing. */
    assert_int_equal(handle(body).end, RUN_COPY);
    assert_int_equal(count("parked_messages"), 1);
    assert_int_equal(world.deleted, 2);
}

static void test_a_spoilt_copy_of_a_processed_event_is_ignored(void **state)
{
    (void)state;
    char *body = event(household, "mail.requested", WELCOME, 0);
    assert_int_equal(handle(body).end, RUN_DONE);
    strstr(body, "\"version\":1")[strlen("\"version\":")] = '2';
    assert_int_equal(handle(body).end, RUN_COPY);
    assert_int_equal(count("parked_messages"), 0);
    assert_int_equal(count("outbox WHERE state = 'processed'"), 1);
}

static void test_a_household_that_is_gone_ends_its_events_quietly(void **state)
{
    (void)state;
    assert_int_equal(handle(event(INT64_C(987654321), "mail.requested", WELCOME, 0)).end, RUN_COPY);
    assert_int_equal(count("outbox WHERE state = 'processed'"), 1);
    assert_int_equal(count("mail_ledger"), 0);
    assert_int_equal(world.deleted, 1);
}

static void test_while_the_database_is_away_a_delayed_copy_goes_out_before_the_original_goes(void **state)
{
    (void)state;
    char *body = event(household, "mail.requested", WELCOME, 3);
    server_kill(&server);
    struct run_result r = handle(body);
    restart();
    assert_int_equal(r.end, RUN_RETRIED);
    assert_true(r.database_down);
    assert_int_equal(world.sent, 1);
    assert_int_equal(world.deleted, 1);
    assert_int_equal(world.deleted_before_sent, 0);
    assert_in_range(world.delay_s, 12, 16); /* 2 s doubled three times, less a quarter at most */
    struct err err = {0};
    struct json_doc *copy = json_parse(text_of(world.body), &err);
    assert_non_null(copy);
    assert_int_equal(json_get_int(json_root(copy), "attempt", 0), 4);
    assert_text(json_get_text(json_root(copy), "firstSentAt"), "1970-01-01T00:00:01.000Z");
    json_doc_free(copy);
    /* The copy is the same event: it is processed now, and the original, should it come again, is a copy of it. */
    assert_int_equal(handle(world.body).end, RUN_DONE);
    assert_int_equal(handle(body).end, RUN_COPY);
    assert_int_equal(count("mail_ledger"), 1);
}

static void test_without_queue_and_database_the_message_is_left_alone(void **state)
{
    (void)state;
    char *body = event(household, "mail.requested", WELCOME, 0);
    world.down = true;
    server_kill(&server);
    struct run_result r = handle(body);
    struct run_result bad = handle("not json");
    restart();
    assert_int_equal(r.end, RUN_LEFT);
    assert_true(r.database_down);
    assert_int_equal(bad.end, RUN_LEFT);
    assert_true(bad.database_down);
    assert_int_equal(world.deleted, 0);
}

static void test_a_message_that_cannot_be_deleted_comes_again_as_a_copy(void **state)
{
    (void)state;
    char *body = event(household, "mail.requested", WELCOME, 0);
    world.down = true;
    assert_int_equal(handle(body).end, RUN_DONE);
    world.down = false;
    assert_int_equal(handle(body).end, RUN_COPY);
    assert_int_equal(count("mail_ledger"), 1);
}

static void test_which_failures_are_tried_again(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        int64_t attempt;
        bool again;
    } cases[] = {{ERR_UNAVAILABLE, 0, true},
                 {ERR_UNAVAILABLE, 1000, true},
                 {ERR_DEADLOCK, 50, true},
                 {ERR_COMMIT_UNKNOWN, 0, true},
                 {ERR_TIMEOUT, 0, true},
                 {ERR_INTERNAL, 0, true},
                 {ERR_INTERNAL, JOB_FAULTS_MAX - 2, true},
                 {ERR_INTERNAL, JOB_FAULTS_MAX - 1, false},
                 {ERR_PERMANENT, 0, false},
                 {ERR_NOT_FOUND, 0, false},
                 {ERR_MALFORMED_JSON, 0, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {.code = cases[i].code};
        if (runner_tries_again(&err, cases[i].attempt) != cases[i].again)
            fail_msg("%s at attempt %d", err_row(err.code)->name, (int)cases[i].attempt);
    }
}

static void test_delays_grow_and_stay_within_the_queues_limit(void **state)
{
    (void)state;
    for (int64_t attempt = 0; attempt < 40; attempt++)
        for (uint32_t chance = 0; chance < 256; chance += 15)
            assert_in_range(runner_delay_s(attempt, chance), 1, QUEUE_DELAY_MAX_S);
    assert_true(runner_delay_s(5, 128) > runner_delay_s(2, 128));
    assert_int_equal(runner_delay_s(100, 0), QUEUE_DELAY_MAX_S);
}

static void test_every_type_is_one_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < JOB_COUNT; i++) {
        assert_ptr_equal(job_find(text_of(JOBS[i].type)), &JOBS[i]);
        assert_non_null(JOBS[i].run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_job_commits_its_effect_and_the_message_is_deleted, fresh),
        cmocka_unit_test_setup(test_a_copy_does_nothing_and_is_deleted, fresh),
        cmocka_unit_test_setup(test_what_can_never_be_processed_is_parked_with_its_reason, fresh),
        cmocka_unit_test_setup(test_a_message_parked_twice_is_one_row, fresh),
        cmocka_unit_test_setup(test_an_unknown_type_parks_the_event_too, fresh),
        cmocka_unit_test_setup(test_a_parked_event_is_not_processed_by_a_late_copy, fresh),
        cmocka_unit_test_setup(test_a_bad_request_leaves_nothing_half_done, fresh),
        cmocka_unit_test_setup(test_an_event_of_a_foreign_household_is_parked, fresh),
        cmocka_unit_test_setup(test_a_message_with_a_foreign_id_parks_only_itself, fresh),
        cmocka_unit_test_setup(test_an_event_of_a_newer_version_is_parked_with_its_outbox_row, fresh),
        cmocka_unit_test_setup(test_a_spoilt_copy_of_a_processed_event_is_ignored, fresh),
        cmocka_unit_test_setup(test_a_household_that_is_gone_ends_its_events_quietly, fresh),
        cmocka_unit_test_setup(test_while_the_database_is_away_a_delayed_copy_goes_out_before_the_original_goes, fresh),
        cmocka_unit_test_setup(test_without_queue_and_database_the_message_is_left_alone, fresh),
        cmocka_unit_test_setup(test_a_message_that_cannot_be_deleted_comes_again_as_a_copy, fresh),
        cmocka_unit_test(test_which_failures_are_tried_again),
        cmocka_unit_test(test_delays_grow_and_stay_within_the_queues_limit),
        cmocka_unit_test(test_every_type_is_one_row),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
