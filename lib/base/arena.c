#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under AddressSanitizer what was not handed out is poisoned, so that running over the end of an arena object is seen.
 */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
enum { RED_ZONE = 16 };
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
enum { RED_ZONE = 0 };
#endif

enum { ALIGNMENT = 16, SMALLEST_BLOCK = 1024 };

struct block {
    struct block *next;
    size_t cap;
    size_t used;
    size_t pad; /* keeps `data` aligned */
    _Alignas(ALIGNMENT) char data[];
};

struct arena {
    struct block *first; /* kept by reset */
    struct block *now;   /* the one that allocations come from */
    size_t block_size;
    size_t taken;
    size_t max;
    long fail_after;
};

static struct block *block_new(size_t cap)
{
    struct block *b = malloc(sizeof(*b) + cap);
    if (!b)
        return NULL;
    *b = (struct block){.cap = cap};
    POISON(b->data, cap);
    return b;
}

static void blocks_free(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        UNPOISON(b->data, b->cap);
        free(b);
        b = next;
    }
}

struct arena *arena_new(size_t first_block, size_t max)
{
    if (first_block < SMALLEST_BLOCK)
        first_block = SMALLEST_BLOCK;
    struct arena *mem = malloc(sizeof(*mem));
    if (!mem)
        return NULL;
    struct block *b = block_new(first_block);
    if (!b) {
        free(mem);
        return NULL;
    }
    *mem = (struct arena){.first = b, .now = b, .block_size = first_block, .max = max, .fail_after = -1};
    return mem;
}

void arena_free(struct arena *mem)
{
    if (!mem)
        return;
    blocks_free(mem->first);
    free(mem);
}

void arena_reset(struct arena *mem)
{
    if (!mem)
        return;
    blocks_free(mem->first->next);
    mem->first->next = NULL;
    mem->first->used = 0;
    POISON(mem->first->data, mem->first->cap);
    mem->now = mem->first;
    mem->taken = 0;
}

static bool allowed(struct arena *mem, size_t size)
{
    return size <= mem->max - mem->taken && mem->fail_after != 0;
}

static struct block *block_with_room(struct arena *mem, size_t size)
{
    if (size <= mem->now->cap - mem->now->used)
        return mem->now;
    struct block *b = block_new(size > mem->block_size ? size : mem->block_size);
    if (!b)
        return NULL;
    /* A large object gets a block of its own behind the present one, whose room stays in use. */
    b->next = mem->now->next;
    mem->now->next = b;
    if (size <= mem->block_size)
        mem->now = b;
    return b;
}

void *arena_alloc(struct arena *mem, size_t size)
{
    if (size > SIZE_MAX - RED_ZONE - ALIGNMENT)
        return NULL;
    size_t whole = ((size ? size : 1) + RED_ZONE + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (!allowed(mem, whole))
        return NULL;
    struct block *b = block_with_room(mem, whole);
    if (!b)
        return NULL;
    char *p = b->data + b->used;
    b->used += whole;
    mem->taken += whole;
    if (mem->fail_after > 0)
        mem->fail_after--;
    UNPOISON(p, size ? size : 1);
    return memset(p, 0, size ? size : 1);
}

void *arena_array(struct arena *mem, size_t count, size_t size)
{
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole))
        return NULL;
    return arena_alloc(mem, whole);
}

static char *copy(struct arena *mem, const char *p, size_t n)
{
    char *out = n < SIZE_MAX ? arena_alloc(mem, n + 1) : NULL;
    if (out && n)
        memcpy(out, p, n);
    return out;
}

char *arena_strdup(struct arena *mem, const char *s)
{
    return s ? copy(mem, s, strlen(s)) : NULL;
}

struct text arena_text(struct arena *mem, struct text t)
{
    if (!t.p)
        return TEXT_NONE;
    char *p = copy(mem, t.p, t.n);
    return p ? (struct text){p, t.n} : TEXT_NONE;
}

char *arena_printf(struct arena *mem, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *out = n < 0 ? NULL : arena_alloc(mem, (size_t)n + 1);
    if (out)
        vsnprintf(out, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return out;
}

void arena_fail_after(struct arena *mem, long n)
{
    mem->fail_after = n < 0 ? -1 : n;
}
