#include "check.h"

#include <pthread.h>

#include "http/turns.h"

static void test_a_turn_is_one_writers(void **state)
{
    (void)state;
    struct turns *turns = turns_new();
    assert_true(turn_take(turns, 7, 0));
    assert_false(turn_take(turns, 7, 0));
    assert_true(turn_take(turns, 8, 0));
    turn_give(turns, 7);
    assert_true(turn_take(turns, 7, 0));
    turns_free(turns);
}

static void test_a_wait_ends_at_its_limit(void **state)
{
    (void)state;
    struct turns *turns = turns_new();
    assert_true(turn_take(turns, 7, 0));
    assert_false(turn_take(turns, 7, 20));
    /* Having waited in vain takes nothing away from the owner. */
    turn_give(turns, 7);
    assert_true(turn_take(turns, 7, 20));
    turns_free(turns);
}

enum { WRITERS = 8, ROUNDS = 500 };

struct shared {
    struct turns *turns;
    int64_t counter; /* guarded by the turn alone */
};

static void *write_often(void *arg)
{
    struct shared *shared = arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (!turn_take(shared->turns, 3, 60 * 1000))
            return arg;
        shared->counter++;
        turn_give(shared->turns, 3);
    }
    return NULL;
}

static void test_writers_come_one_after_the_other(void **state)
{
    (void)state;
    struct shared shared = {.turns = turns_new()};
    pthread_t threads[WRITERS];
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_often, &shared), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(shared.counter, WRITERS * ROUNDS);
    turns_free(shared.turns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_turn_is_one_writers),
        cmocka_unit_test(test_a_wait_ends_at_its_limit),
        cmocka_unit_test(test_writers_come_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
