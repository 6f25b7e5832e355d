#include "check.h"

#include "base/arena.h"
#include "random.h"

static void test_memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena *mem = arena_new(4096, 1 << 20);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 300; size++) {
            unsigned char *p = arena_alloc(mem, size);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xEE, size);
        }
        arena_reset(mem);
    }
    arena_free(mem);
}

static void test_allocations_do_not_overlap(void **state)
{
    (void)state;
    struct arena *mem = arena_new(2048, 1 << 22);
    struct random r = random_seeded(1);
    enum { COUNT = 500 };
    unsigned char *p[COUNT];
    size_t size[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        size[i] = (size_t)random_up_to(&r, i % 50 == 0 ? 9000 : 200) + 1;
        p[i] = arena_alloc(mem, size[i]);
        assert_non_null(p[i]);
        memset(p[i], (int)(i % 251), size[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t at = 0; at < size[i]; at++)
            assert_int_equal(p[i][at], i % 251);
    arena_free(mem);
}

static void test_the_limit_holds_until_reset(void **state)
{
    (void)state;
    struct arena *mem = arena_new(1024, 10000);
    assert_null(arena_alloc(mem, 10001));
    size_t given = 0;
    while (arena_alloc(mem, 1000))
        given++;
    assert_in_range(given, 8, 10);
    arena_reset(mem);
    assert_non_null(arena_alloc(mem, 9000));
    arena_free(mem);
}

static void test_sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    struct arena *mem = arena_new(1024, SIZE_MAX);
    assert_null(arena_array(mem, SIZE_MAX / 2, 3));
    assert_null(arena_alloc(mem, SIZE_MAX));
    assert_null(arena_alloc(mem, SIZE_MAX - 8));
    assert_non_null(arena_array(mem, 10, 10));
    arena_free(mem);
}

static void test_failures_can_be_ordered_for_tests(void **state)
{
    (void)state;
    struct arena *mem = arena_new(1024, 1 << 20);
    arena_fail_after(mem, 2);
    assert_non_null(arena_alloc(mem, 8));
    assert_non_null(arena_alloc(mem, 8));
    assert_null(arena_alloc(mem, 8));
    assert_null(arena_strdup(mem, "x"));
    assert_null(arena_text(mem, TEXT("x")).p);
    assert_null(arena_printf(mem, "%d", 1));
    arena_fail_after(mem, -1);
    assert_non_null(arena_alloc(mem, 8));
    arena_free(mem);
}

static void test_copies_end_with_a_zero_byte(void **state)
{
    (void)state;
    struct arena *mem = arena_new(1024, 1 << 20);
    struct text copy = arena_text(mem, (struct text){"abcdef", 3});
    assert_text(copy, "abc");
    assert_int_equal(copy.p[3], '\0');
    assert_text(arena_text(mem, TEXT("")), "");
    assert_null(arena_text(mem, TEXT_NONE).p);
    assert_string_equal(arena_strdup(mem, "tiền"), "tiền");
    assert_null(arena_strdup(mem, NULL));
    assert_string_equal(arena_printf(mem, "%s-%05d", "a", 42), "a-00042");
    arena_free(mem);
}

static void test_nothing_is_done_to_no_arena(void **state)
{
    (void)state;
    arena_free(NULL);
    arena_reset(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_allocations_do_not_overlap),
        cmocka_unit_test(test_the_limit_holds_until_reset),
        cmocka_unit_test(test_sizes_that_overflow_are_refused),
        cmocka_unit_test(test_failures_can_be_ordered_for_tests),
        cmocka_unit_test(test_copies_end_with_a_zero_byte),
        cmocka_unit_test(test_nothing_is_done_to_no_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
