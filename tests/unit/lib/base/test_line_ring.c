#include "check.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/line_ring.h"
#include "random.h"

enum { HEAD = 16 }; /* what each line takes besides its bytes, which are rounded up to as much */

static bool put(struct line_ring *r, int64_t at_ms, const char *line)
{
    bool half;
    return line_ring_put(r, at_ms, text_of(line), &half);
}

static void test_lines_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct line_view v[4];
    struct line_ring *r = line_ring_new(1024);
    assert_int_equal(line_ring_peek(r, v, 4), 0);
    assert_true(put(r, 5, "one"));
    assert_true(put(r, 4, ""));
    assert_true(put(r, 6, "a line that is longer than a head"));
    assert_int_equal(line_ring_peek(r, v, 2), 2);
    assert_text(v[0].line, "one");
    assert_int_equal(v[0].at_ms, 5);
    assert_int_equal(v[1].line.n, 0);
    line_ring_drop(r, 1);
    assert_int_equal(line_ring_peek(r, v, 4), 2);
    assert_text(v[1].line, "a line that is longer than a head");
    line_ring_drop(r, 2);
    assert_int_equal(line_ring_count(r), 0);
    line_ring_free(r);
}

static void test_a_full_ring_loses_what_comes_and_counts_it(void **state)
{
    (void)state;
    struct line_view v[16];
    struct line_ring *r = line_ring_new(8 * HEAD);
    for (int i = 0; i < 3; i++)
        assert_true(put(r, i, "0123456789abcdef"));
    assert_false(put(r, 3, "0123456789abcdef"));
    assert_int_equal(line_ring_lost(r), 1);
    line_ring_drop(r, 1);
    assert_false(put(r, 4, "0123456789abcdef0"));
    assert_true(put(r, 5, "short"));
    assert_int_equal(line_ring_lost(r), 2);
    assert_int_equal(line_ring_peek(r, v, 16), 3);
    assert_text(v[2].line, "short");
    line_ring_free(r);
}

static void test_a_line_larger_than_the_ring_is_lost(void **state)
{
    (void)state;
    static char large[4096];
    bool half;
    struct line_ring *r = line_ring_new(1024);
    assert_false(line_ring_put(r, 1, (struct text){large, sizeof large}, &half));
    assert_false(line_ring_put(r, 1, (struct text){large, 1024}, &half));
    assert_true(line_ring_put(r, 1, (struct text){large, 900}, &half));
    line_ring_free(r);
}

static void test_the_ring_says_once_when_its_half_is_full(void **state)
{
    (void)state;
    int told = 0;
    bool half;
    struct line_ring *r = line_ring_new(100 * 2 * HEAD);
    for (int i = 0; i < 98; i++) {
        assert_true(line_ring_put(r, i, TEXT("0123456789abcdef"), &half));
        told += half;
        assert_true(!half || i == 49);
    }
    assert_int_equal(told, 1);
    line_ring_free(r);
}

/* Lines of all lengths, put and dropped by chance: each that was taken comes out once, whole, in its place. */
static void test_any_order_of_puts_and_drops_keeps_the_lines(void **state)
{
    (void)state;
    struct line_view v[64];
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct random rnd = random_seeded(seed);
        struct line_ring *r = line_ring_new((size_t)(100 + random_up_to(&rnd, 1900)));
        int64_t next_in = 0, next_out = 0, taken[4000];
        size_t taken_n = 0;
        for (int step = 0; step < 2000; step++) {
            char line[200];
            bool half;
            size_t n = (size_t)random_up_to(&rnd, 150);
            memset(line, 'a' + (int)(next_in % 26), n);
            if (line_ring_put(r, next_in, (struct text){line, n}, &half))
                taken[taken_n++] = next_in;
            next_in++;
            size_t got = line_ring_peek(r, v, (size_t)random_up_to(&rnd, 5));
            for (size_t i = 0; i < got; i++) {
                assert_int_equal(v[i].at_ms, taken[next_out + (int64_t)i]);
                for (size_t k = 0; k < v[i].line.n; k++)
                    assert_int_equal(v[i].line.p[k], 'a' + (int)(v[i].at_ms % 26));
            }
            line_ring_drop(r, got);
            next_out += (int64_t)got;
        }
        assert_int_equal((size_t)next_out + line_ring_count(r), taken_n);
        assert_int_equal(taken_n + line_ring_lost(r), 2000);
        line_ring_free(r);
    }
}

enum { WRITERS = 4, EACH = 5000 };

static void *write_many(void *arg)
{
    for (int i = 0; i < EACH; i++)
        put(arg, i, "a line of some length");
    return NULL;
}

static void test_writers_and_the_reader_go_on_together(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    struct line_view v[32];
    uint64_t got = 0;
    struct line_ring *r = line_ring_new(4096);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, r), 0);
    while (got + line_ring_lost(r) < WRITERS * EACH) {
        size_t n = line_ring_peek(r, v, 32);
        for (size_t i = 0; i < n; i++)
            assert_text(v[i].line, "a line of some length");
        line_ring_drop(r, n);
        got += n;
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    line_ring_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_come_out_as_they_went_in),
        cmocka_unit_test(test_a_full_ring_loses_what_comes_and_counts_it),
        cmocka_unit_test(test_a_line_larger_than_the_ring_is_lost),
        cmocka_unit_test(test_the_ring_says_once_when_its_half_is_full),
        cmocka_unit_test(test_any_order_of_puts_and_drops_keeps_the_lines),
        cmocka_unit_test(test_writers_and_the_reader_go_on_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
