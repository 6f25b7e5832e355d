/*
 * Allocations of the calling thread that fail on demand. A test program that includes this asks for these link flags:
 * -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc; they reach our own sources, not shared libraries.
 */
#ifndef TESTS_FAILING_MALLOC_H
#define TESTS_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Which one from now on fails (0: the next), once; none when negative. */
static _Thread_local long malloc_left = -1;
static _Thread_local bool malloc_failed;

static bool malloc_fails(void)
{
    if (malloc_left < 0 || malloc_left-- > 0)
        return false;
    malloc_failed = true;
    return true;
}

static inline void malloc_fail_after(long n)
{
    malloc_left = n;
    malloc_failed = false;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return malloc_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t n)
{
    return malloc_fails() ? NULL : __real_calloc(count, n);
}

void *__wrap_realloc(void *p, size_t n)
{
    return malloc_fails() ? NULL : __real_realloc(p, n);
}

#endif
