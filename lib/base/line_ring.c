#include "base/line_ring.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Before each line. A line lies in one piece: where the end of the memory leaves no room for it, `n` is SKIP and the
   next one is at the beginning. */
struct head {
    int64_t at_ms;
    size_t n;
};
#define SKIP SIZE_MAX

struct line_ring {
    pthread_mutex_t lock;
    size_t size, first, next; /* offsets of the oldest line and of the next one */
    size_t count;
    uint64_t lost;
    char *mem;
};

static size_t room_of(size_t n)
{
    return (sizeof(struct head) + n + sizeof(struct head) - 1) / sizeof(struct head) * sizeof(struct head);
}

struct line_ring *line_ring_new(size_t bytes)
{
    struct line_ring *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->size = bytes / sizeof(struct head) * sizeof(struct head);
    r->mem = malloc(r->size);
    if (!r->mem) {
        free(r);
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void line_ring_free(struct line_ring *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r->mem);
    free(r);
}

static void put_head(struct line_ring *r, size_t at, int64_t at_ms, size_t n)
{
    struct head h = {.at_ms = at_ms, .n = n};
    memcpy(r->mem + at, &h, sizeof h);
}

/* Where a line of this room goes; false when it does not fit. The ring is never filled so far that `next` would meet
   `first`, which means empty. */
static bool place(struct line_ring *r, size_t room, size_t *at)
{
    if (r->next >= r->first) {
        if (room <= r->size - r->next && (room < r->size - r->next || r->first > 0)) {
            *at = r->next;
            return true;
        }
        if (room >= r->first)
            return false;
        if (r->next < r->size)
            put_head(r, r->next, 0, SKIP);
        *at = 0;
        return true;
    }
    *at = r->next;
    return room < r->first - r->next;
}

static size_t used(const struct line_ring *r)
{
    return r->next >= r->first ? r->next - r->first : r->size - r->first + r->next;
}

bool line_ring_put(struct line_ring *r, int64_t at_ms, struct text line, bool *half)
{
    size_t room = room_of(line.n), at;
    pthread_mutex_lock(&r->lock);
    size_t before = used(r);
    bool fits = line.n <= r->size && place(r, room, &at);
    if (fits) {
        put_head(r, at, at_ms, line.n);
        if (line.n)
            memcpy(r->mem + at + sizeof(struct head), line.p, line.n);
        r->next = at + room == r->size ? 0 : at + room;
        r->count++;
    }
    r->lost += !fits;
    *half = before < r->size / 2 && used(r) >= r->size / 2;
    pthread_mutex_unlock(&r->lock);
    return fits;
}

/* The line at *at, which is moved behind it. */
static struct line_view read_line(const struct line_ring *r, size_t *at)
{
    struct head h;
    memcpy(&h, r->mem + *at, sizeof h);
    if (h.n == SKIP) {
        *at = 0;
        memcpy(&h, r->mem, sizeof h);
    }
    struct line_view v = {.at_ms = h.at_ms, .line = {r->mem + *at + sizeof h, h.n}};
    *at += room_of(h.n);
    if (*at == r->size)
        *at = 0;
    return v;
}

size_t line_ring_peek(struct line_ring *r, struct line_view *views, size_t max)
{
    pthread_mutex_lock(&r->lock);
    size_t n = r->count < max ? r->count : max, at = r->first;
    pthread_mutex_unlock(&r->lock);
    /* Writers leave what lies between first and next alone. */
    for (size_t i = 0; i < n; i++)
        views[i] = read_line(r, &at);
    return n;
}

void line_ring_drop(struct line_ring *r, size_t n)
{
    pthread_mutex_lock(&r->lock);
    assert(n <= r->count);
    for (size_t i = 0; i < n; i++)
        read_line(r, &r->first);
    r->count -= n;
    /* An empty ring begins anew: a program that logs little touches little memory. */
    if (r->count == 0)
        r->first = r->next = 0;
    pthread_mutex_unlock(&r->lock);
}

uint64_t line_ring_lost(struct line_ring *r)
{
    pthread_mutex_lock(&r->lock);
    uint64_t lost = r->lost;
    pthread_mutex_unlock(&r->lock);
    return lost;
}

size_t line_ring_count(struct line_ring *r)
{
    pthread_mutex_lock(&r->lock);
    size_t count = r->count;
    pthread_mutex_unlock(&r->lock);
    return count;
}
