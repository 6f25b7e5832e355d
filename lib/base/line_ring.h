/*
 * Lines that wait for one reader, in a fixed piece of memory: a line that finds no room is lost and counted. Writers
 * hold the lock while they copy their line, the reader only while it moves the ring's end, so neither waits for what
 * the other does with the lines.
 */
#ifndef BASE_LINE_RING_H
#define BASE_LINE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/text.h"

struct line_ring;

struct line_view {
    int64_t at_ms;
    struct text line; /* in the ring */
};

/* All memory it will ever take. NULL without memory. */
struct line_ring *line_ring_new(size_t bytes) MUST_CHECK;
void line_ring_free(struct line_ring *r);

/* From any thread; never waits for the reader. False when the line was lost. *half: it filled the ring's first half. */
bool line_ring_put(struct line_ring *r, int64_t at_ms, struct text line, bool *half);
/* The oldest lines, at most `max`; valid until they are dropped. The reader's thread only. */
size_t line_ring_peek(struct line_ring *r, struct line_view *views, size_t max);
/* Frees the n oldest lines, which were peeked. The reader's thread only. */
void line_ring_drop(struct line_ring *r, size_t n);
/* Lines lost since the beginning, and lines that wait. */
uint64_t line_ring_lost(struct line_ring *r);
size_t line_ring_count(struct line_ring *r);

#endif
