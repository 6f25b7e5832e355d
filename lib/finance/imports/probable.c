#include "finance/imports/probable.h"

#include <stdlib.h>

#include "base/date.h"
#include "store/import_row.h"

enum { TRANSACTIONS_MAX = 100000, MATCHES_AT_ONCE = 5000 };

struct candidates {
    struct import_candidate *items; /* in order of amount and day; id 0: has its transaction */
    size_t count, max;
    struct import_match *matches;
    size_t match_count;
    struct scope *s;
    int64_t import;
};

static bool append(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct candidates *c = to;
    if (c->count < c->max)
        c->items[c->count++] = import_candidate_from_row(row);
    return true;
}

static size_t first_at(const struct candidates *c, int64_t amount, int32_t day)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct import_candidate *m = &c->items[middle];
        if (m->amount < amount || (m->amount == amount && m->day < day))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t apart(int32_t a, int32_t b)
{
    int32_t days = date_days(a) - date_days(b);
    return days < 0 ? -days : days;
}

static struct import_candidate *nearest(struct candidates *c, const struct import_candidate *t)
{
    struct import_candidate *best = NULL;
    int32_t from = date_from_days(date_days(t->day) - PROBABLE_DAYS);
    for (size_t i = first_at(c, t->amount, from); i < c->count; i++) {
        struct import_candidate *row = &c->items[i];
        if (row->amount != t->amount || (row->day > t->day && apart(row->day, t->day) > PROBABLE_DAYS))
            break;
        if (row->id && (!best || apart(row->day, t->day) < apart(best->day, t->day)))
            best = row;
    }
    return best;
}

static bool flush(struct candidates *c, struct err *err)
{
    size_t n = c->match_count;
    c->match_count = 0;
    return import_rows_mark_probable(c->s->db, c->s->household_id, c->import, c->matches, n, err);
}

static bool match(struct db_row *row, void *to, struct err *err)
{
    struct candidates *c = to;
    struct import_candidate t = import_candidate_from_row(row);
    struct import_candidate *found = nearest(c, &t);
    if (!found)
        return true;
    c->matches[c->match_count++] = (struct import_match){.row_no = found->id, .transaction_id = t.id};
    found->id = 0;
    return c->match_count < MATCHES_AT_ONCE || flush(c, err);
}

static bool mark(struct candidates *c, const struct import *i, struct err *err)
{
    struct scope *s = c->s;
    int32_t from = date_from_days(date_days(i->first_on) - PROBABLE_DAYS);
    int32_t to = date_from_days(date_days(i->last_on) + PROBABLE_DAYS);
    return import_rows_candidates(s->db, s->household_id, i->id, append, c, err) &&
           (!c->count ||
            import_manual_transactions(s->db, s->household_id, from, to, TRANSACTIONS_MAX, match, c, err)) &&
           flush(c, err);
}

bool probable_mark(struct scope *s, const struct import *i, struct err *err)
{
    if (!i->first_on)
        return true;
    struct candidates c = {.s = s, .import = i->id, .max = (size_t)i->row_count};
    c.items = calloc(c.max, sizeof *c.items);
    c.matches = calloc(MATCHES_AT_ONCE, sizeof *c.matches);
    bool ok = c.items && c.matches ? mark(&c, i, err) : err_set(err, ERR_NO_MEMORY, "Out of memory");
    free(c.items);
    free(c.matches);
    return ok;
}
