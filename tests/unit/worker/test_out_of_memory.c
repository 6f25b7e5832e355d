/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=queue_send,--wrap=queue_delete */
/*
 * Every job and every mail's making over a real database, with the n-th allocation failing, for every n: done wholly,
 * or not at all and to be tried again; never parked or refused for want of memory.
 */
#include "check.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/clock.h"
#include "database.h"
#include "failing_malloc.h"
#include "jobs.h"
#include "mail_prepare.h"
#include "runner.h"
#include "service/log.h"
#include "service/mime.h"
#include "snapshot.h"
#include "store/outbox.h"

static struct server server;
static struct db_pool *pool; /* for the test's own questions */
static struct worker worker;
static struct arena *mem;

bool __wrap_queue_send(struct queue *q, struct queue_entry *entries, size_t n, struct arena *m, struct err *err);
bool __wrap_queue_delete(struct queue *q, struct text receipt, struct arena *m, struct err *err);

static size_t sent, deleted;

bool __wrap_queue_send(struct queue *q, struct queue_entry *entries, size_t n, struct arena *m, struct err *err)
{
    (void)q, (void)m, (void)err;
    for (size_t i = 0; i < n; i++)
        entries[i].accepted = true;
    sent++;
    return true;
}

bool __wrap_queue_delete(struct queue *q, struct text receipt, struct arena *m, struct err *err)
{
    (void)q, (void)receipt, (void)m, (void)err;
    deleted++;
    return true;
}

/* ---- the fixture: a household, its jar and a large expense, an event of each kind, a mail of each kind ---- */

#define EVENT(n) "018bcfe5-687b-7000-8000-00000000000" n

/* One for each row of JOBS. */
static const struct request {
    const char *id, *type, *data;
} REQUESTS[] = {
    {EVENT("0"), EVENT_IMPORT_CONTINUE, "{}"},
    {EVENT("9"), EVENT_IMPORT_RULES, "{\"afterDay\":\"2026-01-01\",\"afterId\":0}"},
    {EVENT("1"), EVENT_JARS_RECALCULATE, "{\"fromMonth\":\"2026-03\"}"},
    {EVENT("2"), EVENT_MAIL_REQUESTED, "{\"template\":\"address_in_use\",\"a\":\"b\"}"},
    {EVENT("3"), EVENT_OTP_REQUESTED, "{\"purpose\":\"reset\"}"},
    {EVENT("5"), EVENT_REPORT_REQUESTED, "{}"},
    {EVENT("4"), EVENT_TRANSACTION_LARGE, "{\"fromMonth\":\"2026-03\"}"},
};

static const char *const BOOKS[] = {
    "INSERT INTO categories (id, household_id, name, type, created_at, updated_at)"
    " VALUES (1, 1, 'Ăn', 'expense', NOW(3), NOW(3))",
    "INSERT INTO jars (id, household_id, name, color, target_bp, balance, created_at, updated_at)"
    " VALUES (1, 1, 'Nhà', '#000000', 5500, -9000000, NOW(3), NOW(3))",
    "INSERT INTO transactions (id, household_id, kind, amount, occurred_on, category_id, jar_id, created_by, name, created_at, updated_at)"
    " VALUES (1, 1, 'expense', 9000000, '2026-03-05', 1, 1, 1, 'Tivi', NOW(3), NOW(3))",
    "INSERT INTO imports (id, household_id, user_id, file_name, format, state, header, mapping, row_count, first_on, last_on, created_at)"
    " VALUES (1, 1, 1, 'a.csv', 'csv', 'confirming', '[]', '{}', 2, '2026-03-28', '2026-03-29', NOW(3))",
    "INSERT INTO import_rows (household_id, import_id, row_no, line, occurred_on, amount, text, dedup_key, verdict) VALUES"
    " (1, 1, 1, 2, '2026-03-28', -45000, 'Cà phê', REPEAT('a', 64), 'new'), (1, 1, 2, 3, '2026-03-29', 900000, 'Lương', REPEAT('b', 64), 'new')",
    "INSERT INTO jar_entries (household_id, jar_id, kind, amount, occurred_on, transaction_id, created_at)"
    " VALUES (1, 1, 'spend', -9000000, '2026-03-05', 1, NOW(3))",
};

static void body_of(const struct request *r, char out[1024])
{
    snprintf(out, 1024,
             "{\"id\":\"%s\",\"type\":\"%s\",\"version\":1,\"occurredAt\":\"2026-05-01T00:00:00.000Z\","
             "\"householdId\":1,\"userId\":1,\"subjectId\":1,\"data\":%s,\"attempt\":0,\"firstSentAt\":null}",
             r->id, r->type, r->data);
}

static void make_events(void)
{
    struct err err = {0};
    char body[1024];
    AUTO(db) struct db *db = db_take(pool, &err);
    assert_non_null(db);
    for (size_t i = 0; i < ARRAY_LEN(REQUESTS); i++) {
        body_of(&REQUESTS[i], body);
        assert_true(outbox_insert(db, 1, REQUESTS[i].id, REQUESTS[i].type, text_of(body), clock_now_ms(), &err));
    }
}

static int start(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t user, household;
    log_open((enum log_level)(LOG_ERROR + 1), false, NULL);
    mime_global_init();
    pool = database_start(&server, 1);
    worker.config = (struct config){.zone = zone_load("Asia/Ho_Chi_Minh"),
                                    .large_transaction_amount = 5000000,
                                    .mail_from = "no-reply@moneymanager.example",
                                    .mail_from_name = "Money Manager",
                                    .web_base_url = "http://localhost:5173"};
    worker.redis = redis_open(&(struct redis_options){.url = "unix:///nonexistent/sock", .pool_size = 1}, &err);
    database_user(pool, "an@moneymanager.example", &user, &household);
    assert_int_equal(household, 1);
    database_run(pool, "UPDATE users SET status = 'active'");
    for (size_t i = 0; i < ARRAY_LEN(BOOKS); i++)
        database_run(pool, BOOKS[i]);
    make_events();
    snapshot_take(pool);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_close(worker.redis);
    zone_free(worker.config.zone);
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

enum way { BY_MALLOC, BY_ARENA };

static void begin(enum way way, long n)
{
    struct err err = {0};
    struct db_options opts = {.socket = server.socket,
                              .user = "root",
                              .password = "",
                              .name = "test",
                              .pool_size = 2,
                              .pool_wait_ms = 2000,
                              .connect_timeout_s = 5,
                              .io_timeout_s = 30,
                              .lock_wait_s = 5};
    worker.db_pool = db_pool_open(&opts, &err);
    mem = arena_new(65536, 16 * 1024 * 1024);
    assert_true(worker.db_pool && mem);
    if (way == BY_ARENA)
        arena_fail_after(mem, n);
    malloc_fail_after(way == BY_MALLOC ? n : -1);
}

/* True when an allocation failed. */
static bool end(enum way way, long n)
{
    bool failed = malloc_failed || (way == BY_ARENA && n >= 0 && !arena_alloc(mem, 1));
    struct db_pool_stats stats;
    malloc_fail_after(-1);
    db_pool_stats(worker.db_pool, &stats);
    if (stats.busy)
        fail_msg("allocation %ld: a connection is kept", n);
    db_pool_close(worker.db_pool);
    arena_free(mem);
    return failed;
}

/* ---- jobs ---- */

static struct run_result handle(const struct request *r)
{
    char body[1024];
    body_of(r, body);
    struct queue_message m = {.id = "message-1", .body = text_of(body), .receipt = TEXT("receipt"), .sent_at_ms = 1000};
    sent = deleted = 0;
    return runner_handle(&worker, &m, mem);
}

static void check_job(const struct request *r, enum run_end fate, const char *counts, long n)
{
    bool whole = fate == RUN_DONE, again = fate == RUN_RETRIED || fate == RUN_LEFT;
    if (!whole && !again)
        fail_msg("%s, allocation %ld: ended as %d", r->type, n, (int)fate);
    if (again && snapshot_differs(pool))
        fail_msg("%s, allocation %ld: comes again, and yet it changed something", r->type, n);
    if (whole && strcmp(snapshot_counts(pool), counts) != 0)
        fail_msg("%s, allocation %ld: half of it is missing: %s, not %s", r->type, n, snapshot_counts(pool), counts);
    if (deleted > sent + whole)
        fail_msg("%s, allocation %ld: its message is gone", r->type, n);
}

static void try_job(const struct request *r, enum way way)
{
    char counts[1024] = "";
    for (long n = -1, done = false; !done; n++) {
        begin(way, n);
        enum run_end fate = handle(r).end;
        done = !end(way, n) && n >= 0;
        if (n < 0)
            snprintf(counts, sizeof counts, "%s", snapshot_counts(pool));
        check_job(r, fate, counts, n);
        snapshot_restore(pool);
    }
}

static void test_every_job_is_done_wholly_or_comes_again(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(REQUESTS), JOB_COUNT);
    for (size_t i = 0; i < JOB_COUNT; i++) {
        assert_string_equal(REQUESTS[i].type, JOBS[i].type);
        try_job(&REQUESTS[i], BY_MALLOC);
        try_job(&REQUESTS[i], BY_ARENA);
    }
}

/* ---- mails ---- */

static bool prepare(const struct mail_row *row, struct text *message, struct err *err)
{
    struct db *db = db_take(worker.db_pool, err);
    bool ok = db && mail_prepare(db, &worker.config, row, NULL, clock_now_ms(), mem, message, err);
    db_give(db);
    return ok;
}

static void try_mail(const struct mail_row *row, enum way way)
{
    for (long n = -1, done = false; !done; n++) {
        struct err err = {0};
        struct text message = TEXT_NONE;
        begin(way, n);
        bool ok = prepare(row, &message, &err);
        if (ok && (message.n < 4 || !memmem(message.p, message.n, "text/html", 9)))
            fail_msg("%.*s, allocation %ld: half a mail", TEXT_ARG(row->template_name), n);
        done = !end(way, n) && n >= 0;
        if (!ok && (done || n < 0 || !err_is_transient(&err)))
            fail_msg("%.*s, allocation %ld: %s [%s]", TEXT_ARG(row->template_name), n, err.detail, err.cause);
        snapshot_restore(pool);
    }
}

static void test_no_mail_is_refused_for_want_of_memory(void **state)
{
    (void)state;
    const struct mail_row rows[] = {
        {.id = 1,
         .household_id = 1,
         .user_id = 1,
         .event_id = TEXT(EVENT("2")),
         .recipient = TEXT("an@moneymanager.example"),
         .template_name = TEXT("address_in_use"),
         .language = TEXT("vi"),
         .data = TEXT("{}")},
        {.id = 2,
         .household_id = 1,
         .user_id = 1,
         .event_id = TEXT(EVENT("3")),
         .recipient = TEXT("an@moneymanager.example"),
         .template_name = TEXT("otp_reset"),
         .language = TEXT("en"),
         .data = TEXT("{\"purpose\":\"reset\"}")},
    };
    database_run(pool,
                 "INSERT INTO otp_codes (user_id, purpose, requested_at, event_id) VALUES (1, 'reset', NOW(3), '" EVENT(
                     "3") "')");
    database_run(pool, "INSERT INTO saved_otp_codes SELECT * FROM otp_codes");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        try_mail(&rows[i], BY_MALLOC);
        try_mail(&rows[i], BY_ARENA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_job_is_done_wholly_or_comes_again),
        cmocka_unit_test(test_no_mail_is_refused_for_want_of_memory),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
