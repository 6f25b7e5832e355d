/* An arena: memory of one request or job, released all at once. Kept between requests: reset keeps the first block. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/text.h"

struct arena;

/* `max` bytes is the most one request may take (named limit, OOM guard). NULL when there is no memory. */
struct arena *arena_new(size_t first_block, size_t max);
void arena_free(struct arena *mem);
void arena_reset(struct arena *mem);

/* Zeroed memory aligned for any type; NULL when memory or the arena's limit is used up. */
void *arena_alloc(struct arena *mem, size_t size) MUST_CHECK;
void *arena_array(struct arena *mem, size_t count, size_t size) MUST_CHECK; /* overflow-checked */
#define arena_new_of(mem, type) ((type *)arena_alloc((mem), sizeof(type)))

/* Copies with a closing NUL; NULL (or a text with p == NULL) when there is no memory. */
char *arena_strdup(struct arena *mem, const char *s) MUST_CHECK;
struct text arena_text(struct arena *mem, struct text t) MUST_CHECK;
char *arena_printf(struct arena *mem, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

/* For tests: after `n` successful allocations every further one fails; negative: never. */
void arena_fail_after(struct arena *mem, long n);

#endif
