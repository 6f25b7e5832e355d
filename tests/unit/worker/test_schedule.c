/* Due times of the periodic tasks, and their runs over a real MariaDB. */
#include "check.h"

#include "base/clock.h"
#include "base/date.h"
#include "database.h"
#include "schedule.h"
#include "service/http.h"
#include "store/periodic.h"

static struct server server;
static struct worker worker;

static int64_t at(const char *text)
{
    int64_t ms;
    if (!instant_parse(text_of(text), &ms))
        fail_msg("%s is no instant", text);
    return ms;
}

static int start(void **state)
{
    (void)state;
    struct err err = {0};
    worker.db_pool = database_start(&server, 3);
    worker.config.zone = zone_load("Asia/Ho_Chi_Minh");
    /* Nobody listens there: the task of the files says so and is asked again. */
    const struct s3_options s3 = {.bucket = "b",
                                  .region = "r",
                                  .endpoint_url = "http://127.0.0.1:9",
                                  .connect_timeout_ms = 100,
                                  .call_timeout_ms = 100,
                                  .deadline_ms = 1,
                                  .handles = 1};
    const struct aws_credentials_options keys = {.access_key_id = "AKIATEST", .secret_access_key = "secret"};
    assert_true(http_global_init(&err));
    worker.credentials = aws_credentials_open(&keys, &err);
    assert_non_null(worker.credentials);
    worker.s3 = s3_open(&s3, worker.credentials, &err);
    assert_non_null(worker.s3);
    worker.redis = redis_open(&(struct redis_options){.url = "unix:///nonexistent/sock", .pool_size = 1}, &err);
    assert_non_null(worker.redis);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    s3_close(worker.s3);
    aws_credentials_close(worker.credentials);
    redis_close(worker.redis);
    zone_free(worker.config.zone);
    db_pool_close(worker.db_pool);
    server_remove(&server);
    return 0;
}

/* ---- due times ---- */

static const struct task_row MONTHLY = {"m", NULL, EVERY_MONTH, 0, 10, true};
static const struct task_row DAILY = {"d", NULL, EVERY_DAY, 3, 30, true};
static const struct task_row HOURLY = {"h", NULL, EVERY_HOUR, 0, 20, true};

static void test_the_latest_due_time_before_a_moment(void **state)
{
    (void)state;
    static const struct {
        const struct task_row *row;
        const char *now, *due;
    } cases[] = {
        {&MONTHLY, "2026-04-01T00:10:00+07:00", "2026-04-01T00:10:00+07:00"},
        {&MONTHLY, "2026-04-01T00:09:59+07:00", "2026-03-01T00:10:00+07:00"},
        {&MONTHLY, "2026-01-01T00:00:00+07:00", "2025-12-01T00:10:00+07:00"},
        {&MONTHLY, "2026-03-31T23:59:59Z", "2026-04-01T00:10:00+07:00"},
        {&DAILY, "2026-03-01T03:29:59+07:00", "2026-02-28T03:30:00+07:00"},
        {&DAILY, "2026-03-01T03:30:00+07:00", "2026-03-01T03:30:00+07:00"},
        {&HOURLY, "2026-03-01T03:19:59+07:00", "2026-03-01T02:20:00+07:00"},
        {&HOURLY, "2026-03-01T03:20:00+07:00", "2026-03-01T03:20:00+07:00"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (task_due_before(cases[i].row, worker.config.zone, at(cases[i].now)) != at(cases[i].due))
            fail_msg("%s at %s is not due since %s", cases[i].row->name, cases[i].now, cases[i].due);
}

/* From one due time the next is the first one that is due later: no due time is left out, none comes twice. */
static void test_due_times_follow_each_other(void **state)
{
    (void)state;
    static const char *const zones[] = {"Asia/Ho_Chi_Minh", "Europe/Berlin", "America/Sao_Paulo", "UTC"};
    const struct task_row *const rows[] = {&MONTHLY, &DAILY, &HOURLY};
    for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
        struct zone *zone = zone_load(zones[z]);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            int64_t due = task_due_before(rows[i], zone, at("2025-12-31T12:00:00Z"));
            for (int n = 0; n < 800; n++) {
                int64_t next = task_due_after(rows[i], zone, due);
                assert_true(next > due);
                assert_true(next - due <= INT64_C(31) * 25 * 3600 * 1000);
                assert_true(task_due_before(rows[i], zone, next) == next);
                assert_true(task_due_before(rows[i], zone, next - 1) == due);
                due = next;
            }
        }
        zone_free(zone);
    }
}

static void test_task_names_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < TASK_COUNT; i++)
        assert_ptr_equal(task_find(text_of(TASKS[i].name)), &TASKS[i]);
    assert_null(task_find(TEXT("nothing")));
}

/* ---- runs ---- */

static void test_a_due_time_is_claimed_once_until_its_lease_ends(void **state)
{
    (void)state;
    struct err err = {0};
    bool claimed;
    int64_t due = at("2026-04-01T00:10:00Z"), now = due + 1000, last = 1;
    struct db *db = db_take(worker.db_pool, &err);
    assert_true(periodic_last_done(db, "t", &last, &err));
    assert_int_equal(last, 0);
    assert_true(periodic_claim(db, "t", due, "one", now, &claimed, &err) && claimed);
    assert_true(periodic_claim(db, "t", due, "two", now + PERIODIC_LEASE_MS - 1, &claimed, &err) && !claimed);
    assert_true(periodic_claim(db, "t", due, "two", now + PERIODIC_LEASE_MS, &claimed, &err) && claimed);
    /* The first one comes back from the dead: its word counts no more. */
    assert_true(periodic_mark_done(db, "t", due, "one", now, &err));
    assert_true(periodic_last_done(db, "t", &last, &err));
    assert_int_equal(last, 0);
    assert_true(periodic_back_off(db, "t", due, "two", now + 5000, &err));
    assert_true(periodic_claim(db, "t", due, "six", now + 4999, &claimed, &err) && !claimed);
    assert_true(periodic_claim(db, "t", due, "six", now + 5000, &claimed, &err) && claimed);
    assert_true(periodic_mark_done(db, "t", due, "six", now, &err));
    assert_true(periodic_claim(db, "t", due, "ten", now + 2 * PERIODIC_LEASE_MS, &claimed, &err) && !claimed);
    assert_true(periodic_last_done(db, "t", &last, &err));
    assert_int_equal(last, due);
    db_give(db);
}

static void test_prune_removes_what_is_old_and_nothing_else(void **state)
{
    (void)state;
    struct err err = {0};
    char result[120];
    int64_t now = at("2026-05-20T10:00:00Z");
    database_run(
        worker.db_pool,
        "INSERT INTO idempotency_keys (user_id, route, idempotency_key, request_hash, status, body, created_at)"
        " VALUES (1, 'POST /x', 'old', 'h', 200, '', '2026-05-19 08:59:59'),"
        " (1, 'POST /x', 'young', 'h', 200, '', '2026-05-19 09:00:01')");
    database_run(
        worker.db_pool,
        "INSERT INTO outbox (id, type, household_id, body, state, next_try_at, processed_at, created_at) VALUES"
        " ('done-old', 't', 1, '', 'processed', '2026-01-01', '2026-05-05 09:59:59', '2026-01-01'),"
        " ('done-young', 't', 1, '', 'processed', '2026-01-01', '2026-05-05 10:00:01', '2026-01-01'),"
        " ('waits', 't', 1, '', 'recorded', '2026-01-01', NULL, '2026-01-01'),"
        " ('parked', 't', 1, '', 'parked', '2026-01-01', NULL, '2026-01-01')");
    assert_true(schedule_run_by_hand(&worker, task_find(TEXT("prune")), now, result, &err));
    assert_string_equal(result, "removed 2 old rows");
    assert_int_equal(database_number(worker.db_pool, "SELECT COUNT(*) FROM idempotency_keys"), 1);
    assert_int_equal(database_number(worker.db_pool, "SELECT COUNT(*) FROM outbox"), 3);
    assert_string_equal(database_text(worker.db_pool, "SELECT idempotency_key FROM idempotency_keys"), "young");
    /* Again by hand: twice is once. */
    assert_true(schedule_run_by_hand(&worker, task_find(TEXT("prune")), now, result, &err));
    assert_string_equal(result, "removed 0 old rows");
}

static void test_the_thread_does_what_is_due_once(void **state)
{
    (void)state;
    struct err err = {0};
    struct schedule *s = schedule_start(&worker, &err);
    assert_non_null(s);
    int64_t until = clock_monotonic_ms() + 20000, done = 0, periodic = 0;
    for (size_t i = 0; i < TASK_COUNT; i++)
        periodic += TASKS[i].every != BY_HAND && !text_eq(text_of(TASKS[i].name), TEXT("documents"));
    while (done < periodic && clock_monotonic_ms() < until)
        done = database_number(
            worker.db_pool,
            "SELECT COUNT(*) FROM periodic_tasks WHERE due_at > NOW() - INTERVAL 32 DAY AND done_at IS NOT NULL");
    schedule_stop(s);
    assert_int_equal(done, periodic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_latest_due_time_before_a_moment),
        cmocka_unit_test(test_due_times_follow_each_other),
        cmocka_unit_test(test_task_names_are_found),
        cmocka_unit_test(test_a_due_time_is_claimed_once_until_its_lease_ends),
        cmocka_unit_test(test_prune_removes_what_is_old_and_nothing_else),
        cmocka_unit_test(test_the_thread_does_what_is_due_once),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
