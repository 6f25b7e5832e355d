/*
 * What the fuzzers share. A fuzzer feeds one parser whatever libFuzzer makes up, under ASan and UBSan, and holds the
 * outcome against what the parser's header promises. Corpus: tests/fuzz/corpus/<name>, words: tests/fuzz/<name>.dict.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                              \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

enum { FUZZ_ARENA_MAX = 16 * 1024 * 1024 };

/* Kept between runs, as a request thread keeps its own. */
static inline struct arena *fuzz_arena(void)
{
    static struct arena *mem;
    if (!mem)
        mem = arena_new(4096, FUZZ_ARENA_MAX);
    CHECK(mem);
    arena_reset(mem);
    return mem;
}

/* An exact copy of the bytes on the heap, so that reading past their end is seen. */
static inline struct text fuzz_copy(const void *p, size_t n)
{
    char *copy = malloc(n ? n : 1);
    CHECK(copy);
    if (n)
        memcpy(copy, p, n);
    return (struct text){copy, n};
}

static inline void fuzz_free(struct text t)
{
    free((void *)(uintptr_t)t.p);
}

/* Cuts the first byte off, as a choice below `bound`; 0 when there is none. */
static inline unsigned fuzz_choice(struct text *rest, unsigned bound)
{
    if (!rest->n)
        return 0;
    unsigned value = (unsigned char)rest->p[0];
    *rest = text_slice(*rest, 1, rest->n);
    return value % bound;
}

/* Cuts the next part before a byte 0xFF, which no text of ours may hold, off the rest; TEXT_NONE at the end. */
static inline struct text fuzz_part(struct text *rest)
{
    struct text part;
    return text_split(rest, '\xff', &part) ? part : TEXT_NONE;
}

/* A closed text (NUL at its end) in the arena, cut at the first NUL byte. */
static inline const char *fuzz_string(struct arena *mem, struct text t)
{
    const char *s = arena_printf(mem, "%.*s", TEXT_ARG(t));
    CHECK(s);
    return s;
}

#endif
