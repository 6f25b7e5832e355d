#include "finance/imports/dedup.h"

#include <inttypes.h>
#include <stdlib.h>

#include "finance/nova/fold.h"

enum { SLOTS_FIRST = 1024 };

/* Counts by the first 64 bits of a hash: should two ever meet, the later one only gets a higher number. */
struct slot {
    uint64_t hash; /* 0: free */
    uint32_t count;
};

struct dedup {
    struct text account;
    struct slot *slots;
    size_t mask, used;
};

struct dedup *dedup_new(struct text account)
{
    struct dedup *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->account = account;
    d->mask = SLOTS_FIRST - 1;
    d->slots = calloc(SLOTS_FIRST, sizeof *d->slots);
    if (!d->slots) {
        free(d);
        return NULL;
    }
    return d;
}

void dedup_free(struct dedup *d)
{
    if (d)
        free(d->slots);
    free(d);
}

static struct slot *find(struct slot *slots, size_t mask, uint64_t hash)
{
    size_t at = (size_t)hash & mask;
    while (slots[at].hash && slots[at].hash != hash)
        at = (at + 1) & mask;
    return &slots[at];
}

static bool grow(struct dedup *d)
{
    size_t mask = d->mask * 2 + 1;
    struct slot *slots = calloc(mask + 1, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i <= d->mask; i++)
        if (d->slots[i].hash)
            *find(slots, mask, d->slots[i].hash) = d->slots[i];
    free(d->slots);
    d->slots = slots;
    d->mask = mask;
    return true;
}

static uint64_t hash_of(const char hex[DIGEST_TEXT])
{
    uint64_t hash = 0;
    for (int i = 0; i < 16; i++)
        hash = hash << 4 | (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
    return hash ? hash : 1;
}

/* How often it was counted before. */
static bool count(struct dedup *d, const char hex[DIGEST_TEXT], uint32_t *before)
{
    uint64_t hash = hash_of(hex);
    if (d->used * 2 > d->mask && !grow(d))
        return false;
    struct slot *slot = find(d->slots, d->mask, hash);
    d->used += !slot->hash;
    slot->hash = hash;
    *before = slot->count++;
    return true;
}

/* Banks add and drop blanks between two files. */
static struct text without_blanks(struct text folded, struct arena *mem)
{
    char *out = arena_alloc(mem, folded.n + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < folded.n; i++)
        if (folded.p[i] != ' ')
            out[n++] = folded.p[i];
    return out ? (struct text){out, n} : TEXT_NONE;
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Out of memory");
}

static bool by_bank_id(struct dedup *d, const struct statement_row *row, struct arena *mem, char key[DIGEST_TEXT],
                       bool *repeated, struct err *err)
{
    uint32_t before = 0;
    const char *plain =
        arena_printf(mem, "id\n%.*s\n%.*s\n%" PRId64, TEXT_ARG(d->account), TEXT_ARG(row->bank_id), row->amount);
    if (!plain)
        return no_memory(err);
    digest_hex(text_of(plain), key);
    if (!count(d, key, &before))
        return no_memory(err);
    *repeated = before > 0;
    return true;
}

bool dedup_key(struct dedup *d, const struct statement_row *row, struct arena *mem, char key[DIGEST_TEXT],
               bool *repeated, struct err *err)
{
    uint32_t before = 0;
    *repeated = false;
    if (row->bank_id.n)
        return by_bank_id(d, row, mem, key, repeated, err);
    struct text text = without_blanks(nova_fold(row->text, mem), mem);
    const char *plain = text.p ? arena_printf(mem, "row\n%.*s\n%d\n%" PRId64 "\n%.*s", TEXT_ARG(d->account),
                                              (int)row->occurred_on, row->amount, TEXT_ARG(text))
                               : NULL;
    if (!plain)
        return no_memory(err);
    digest_hex(text_of(plain), key);
    if (!count(d, key, &before))
        return no_memory(err);
    if (before) {
        const char *again = arena_printf(mem, "%s\n%u", plain, before);
        if (!again)
            return no_memory(err);
        digest_hex(text_of(again), key);
    }
    return true;
}
