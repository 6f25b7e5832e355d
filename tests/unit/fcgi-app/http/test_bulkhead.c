/* Also worth a run under TSan (make unit VARIANT=tsan ONLY=bulkhead). */
#include "check.h"

#include <pthread.h>

#include "base/bell.h"
#include "base/clock.h"
#include "http/bulkhead.h"

enum { PATIENCE_MS = 10 * 1000 };

/* Work that waits until the gate opens. */
struct work {
    struct bulkhead_item item; /* first */
    int runs;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int inside;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void wait_at_gate(struct bulkhead_item *item)
{
    pthread_mutex_lock(&gate.lock);
    gate.inside++;
    pthread_cond_broadcast(&gate.changed);
    while (!gate.open)
        pthread_cond_wait(&gate.changed, &gate.lock);
    ((struct work *)(void *)item)->runs++;
    pthread_mutex_unlock(&gate.lock);
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = open;
    gate.inside = 0;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void wait_inside(int n)
{
    int64_t deadline = clock_monotonic_ms() + PATIENCE_MS;
    pthread_mutex_lock(&gate.lock);
    while (gate.inside < n && bell_cond_wait(&gate.changed, &gate.lock, deadline))
        ;
    assert_int_equal(gate.inside, n);
    pthread_mutex_unlock(&gate.lock);
}

static struct bulkhead *start(size_t threads, size_t waiting)
{
    struct err err = {0};
    struct bulkhead *b = bulkhead_start("test", threads, waiting, wait_at_gate, &err);
    assert_non_null(b);
    return b;
}

static void test_one_too_many_is_refused_at_once(void **state)
{
    (void)state;
    struct work work[6] = {0};
    set_gate(false);
    struct bulkhead *b = start(2, 3);
    for (int i = 0; i < 5; i++)
        assert_true(bulkhead_push(b, &work[i].item));
    assert_false(bulkhead_push(b, &work[5].item));
    wait_inside(2);
    assert_false(bulkhead_push(b, &work[5].item));
    set_gate(true);
    assert_true(bulkhead_drain(b, clock_monotonic_ms() + PATIENCE_MS));
    for (int i = 0; i < 5; i++)
        assert_int_equal(work[i].runs, 1);
    assert_int_equal(work[5].runs, 0);
    assert_true(bulkhead_push(b, &work[5].item));
    assert_true(bulkhead_drain(b, clock_monotonic_ms() + PATIENCE_MS));
    bulkhead_free(b);
}

static void test_draining_gives_up_at_its_deadline(void **state)
{
    (void)state;
    struct work work = {0};
    set_gate(false);
    struct bulkhead *b = start(1, 0);
    assert_true(bulkhead_push(b, &work.item));
    assert_false(bulkhead_drain(b, clock_monotonic_ms() + 20));
    set_gate(true);
    assert_true(bulkhead_drain(b, clock_monotonic_ms() + PATIENCE_MS));
    bulkhead_free(b);
}

int main(void)
{
    bell_cond_init(&gate.changed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_too_many_is_refused_at_once),
        cmocka_unit_test(test_draining_gives_up_at_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
