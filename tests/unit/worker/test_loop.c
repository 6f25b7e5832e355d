/* link: -Wl,--wrap=queue_receive,--wrap=queue_cancel,--wrap=runner_handle */
/* link: -Wl,--wrap=db_take,--wrap=db_give,--wrap=db_ping */
/* The consumer's threads with a scripted queue, jobs that end when told to, and a database that comes and goes. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/bell.h"
#include "base/clock.h"
#include "loop.h"
#include "runner.h"

enum { HANDLERS = 3, DEADLINE_MS = 20000, POLL_MS = 1200 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t waiting;                 /* messages in the queue */
    size_t received, at_work, done; /* of them */
    size_t most_at_once, largest_ask, last_ask, asks;
    size_t to_finish; /* jobs that may end */
    bool database_up, canceled, job_fails, poll_hangs;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool __wrap_queue_receive(struct queue *q, size_t max, int wait_s, int visibility_s, struct arena *mem,
                          struct queue_message *messages, size_t *count, struct err *err);
void __wrap_queue_cancel(struct queue *q);
struct run_result __wrap_runner_handle(struct worker *w, const struct queue_message *m, struct arena *mem);
struct db *__wrap_db_take(struct db_pool *pool, struct err *err);
void __wrap_db_give(struct db *db);
bool __wrap_db_ping(struct db *db, int64_t *latency_us, struct err *err);

bool __wrap_queue_receive(struct queue *q, size_t max, int wait_s, int visibility_s, struct arena *mem,
                          struct queue_message *messages, size_t *count, struct err *err)
{
    (void)q, (void)mem, (void)err;
    assert_int_equal(visibility_s, JOB_VISIBILITY_S);
    assert_in_range(wait_s, 1, 20);
    int64_t until = clock_monotonic_ms() + (world.poll_hangs ? DEADLINE_MS : POLL_MS);
    pthread_mutex_lock(&world.lock);
    world.asks++;
    world.last_ask = max;
    world.largest_ask = max > world.largest_ask ? max : world.largest_ask;
    pthread_cond_broadcast(&world.changed);
    while (!world.waiting && !world.canceled && bell_cond_wait(&world.changed, &world.lock, until))
        ;
    size_t n = world.canceled ? 0 : world.waiting < max ? world.waiting : max;
    for (size_t i = 0; i < n; i++)
        messages[i] = (struct queue_message){.id = "m", .body = TEXT("{}"), .receipt = TEXT("r")};
    world.waiting -= n;
    world.received += n;
    *count = n;
    pthread_mutex_unlock(&world.lock);
    return true;
}

void __wrap_queue_cancel(struct queue *q)
{
    (void)q;
    pthread_mutex_lock(&world.lock);
    world.canceled = true;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
}

struct run_result __wrap_runner_handle(struct worker *w, const struct queue_message *m, struct arena *mem)
{
    (void)w, (void)mem;
    assert_text(m->body, "{}");
    pthread_mutex_lock(&world.lock);
    world.at_work++;
    world.most_at_once = world.at_work > world.most_at_once ? world.at_work : world.most_at_once;
    pthread_cond_broadcast(&world.changed);
    while (!world.to_finish)
        pthread_cond_wait(&world.changed, &world.lock);
    world.to_finish--;
    world.at_work--;
    world.done++;
    bool down = world.job_fails;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
    return (struct run_result){down ? RUN_RETRIED : RUN_DONE, down};
}

struct db *__wrap_db_take(struct db_pool *pool, struct err *err)
{
    (void)pool;
    pthread_mutex_lock(&world.lock);
    bool up = world.database_up;
    pthread_mutex_unlock(&world.lock);
    if (up)
        return (struct db *)(void *)&world;
    err_set(err, ERR_UNAVAILABLE, "away");
    return NULL;
}

void __wrap_db_give(struct db *db)
{
    (void)db;
}

bool __wrap_db_ping(struct db *db, int64_t *latency_us, struct err *err)
{
    (void)db, (void)latency_us, (void)err;
    return true;
}

/* Waits until *value >= least; fails at the deadline. */
static void await(const size_t *value, size_t least, const char *what)
{
    int64_t until = clock_monotonic_ms() + DEADLINE_MS;
    pthread_mutex_lock(&world.lock);
    while (*value < least)
        if (!bell_cond_wait(&world.changed, &world.lock, until))
            break;
    size_t now = *value;
    pthread_mutex_unlock(&world.lock);
    if (now < least)
        fail_msg("%s: %zu instead of %zu", what, now, least);
}

static void change(size_t *value, size_t add)
{
    pthread_mutex_lock(&world.lock);
    *value += add;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
}

static struct loop *start(void)
{
    static struct worker worker;
    struct err err = {0};
    worker.config.worker_handlers = HANDLERS;
    struct loop *loop = loop_start(&worker, &err);
    assert_non_null(loop);
    return loop;
}

static int fresh(void **state)
{
    (void)state;
    pthread_mutex_lock(&world.lock);
    world.waiting = world.received = world.at_work = world.done = 0;
    world.most_at_once = world.largest_ask = world.asks = world.to_finish = 0;
    world.database_up = true;
    world.canceled = world.job_fails = world.poll_hangs = false;
    pthread_mutex_unlock(&world.lock);
    return 0;
}

static void test_it_takes_only_as_many_as_it_has_idle_handlers(void **state)
{
    (void)state;
    struct loop *loop = start();
    change(&world.waiting, 10);
    await(&world.at_work, HANDLERS, "at work");
    assert_int_equal(world.received, HANDLERS);
    assert_int_equal(world.waiting, 10 - HANDLERS);
    change(&world.to_finish, 1);
    await(&world.received, HANDLERS + 1, "received after one ended");
    change(&world.to_finish, 100);
    await(&world.done, 10, "done");
    assert_int_equal(world.most_at_once, HANDLERS);
    assert_int_equal(world.largest_ask, HANDLERS);
    loop_stop(loop);
}

static void test_a_stop_finishes_what_is_in_flight_and_takes_no_more(void **state)
{
    (void)state;
    struct loop *loop = start();
    change(&world.waiting, 10);
    await(&world.at_work, HANDLERS, "at work");
    change(&world.to_finish, HANDLERS);
    /* Whatever more was received by then is finished too. */
    change(&world.to_finish, 100);
    loop_stop(loop);
    assert_int_equal(world.at_work, 0);
    assert_int_equal(world.done, world.received);
}

/* What the queue hands to a poll that was cut off would be lost for a minute. */
static void test_a_stop_waits_for_the_poll(void **state)
{
    (void)state;
    struct loop *loop = start();
    await(&world.asks, 1, "asks");
    loop_stop(loop);
    assert_false(world.canceled);
}

static void test_a_poll_that_hangs_is_cut_off(void **state)
{
    (void)state;
    world.poll_hangs = true;
    struct loop *loop = start();
    await(&world.asks, 1, "asks");
    int64_t began = clock_monotonic_ms();
    loop_stop(loop);
    assert_true(world.canceled);
    assert_true(clock_monotonic_ms() - began < 8000);
}

static void test_without_a_database_nothing_is_received(void **state)
{
    (void)state;
    world.database_up = false;
    struct loop *loop = start();
    change(&world.waiting, 5);
    change(&world.to_finish, 100);
    /* Several health checks pass in this time; none may lead to a receive. */
    int64_t until = clock_monotonic_ms() + 1200;
    pthread_mutex_lock(&world.lock);
    while (bell_cond_wait(&world.changed, &world.lock, until))
        ;
    assert_int_equal(world.asks, 0);
    world.database_up = true;
    pthread_mutex_unlock(&world.lock);
    await(&world.done, 5, "done when it is back");
    loop_stop(loop);
}

/* The poll that runs while a job fails was asked for before; the one after it is the try. */
static void test_after_a_failure_one_message_is_tried_first(void **state)
{
    (void)state;
    world.job_fails = true;
    change(&world.to_finish, 2);
    struct loop *loop = start();
    change(&world.waiting, 1);
    await(&world.done, 1, "failed");
    await(&world.asks, 2, "the poll after it");
    change(&world.waiting, 1);
    await(&world.done, 2, "failed again");
    await(&world.asks, 3, "the try");
    assert_int_equal(world.last_ask, 1);
    pthread_mutex_lock(&world.lock);
    world.job_fails = false;
    world.waiting = 6;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
    await(&world.at_work, 1, "the try");
    assert_int_equal(world.received, 3);
    change(&world.to_finish, 100);
    await(&world.done, 8, "done");
    loop_stop(loop);
}

int main(void)
{
    bell_cond_init(&world.changed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_it_takes_only_as_many_as_it_has_idle_handlers, fresh),
        cmocka_unit_test_setup(test_a_stop_finishes_what_is_in_flight_and_takes_no_more, fresh),
        cmocka_unit_test_setup(test_a_stop_waits_for_the_poll, fresh),
        cmocka_unit_test_setup(test_a_poll_that_hangs_is_cut_off, fresh),
        cmocka_unit_test_setup(test_without_a_database_nothing_is_received, fresh),
        cmocka_unit_test_setup(test_after_a_failure_one_message_is_tried_first, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
