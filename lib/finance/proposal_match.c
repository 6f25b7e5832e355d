#include "finance/proposal_match.h"

#include "base/date.h"
#include "finance/nova/fold.h"

enum { LOOKED_AT = 200 };

static bool is_one_of(struct text folded, const char *const *words)
{
    for (; *words; words++)
        if (text_eq(folded, text_of(*words)))
            return true;
    return false;
}

bool match_is_same(struct text a, struct text b, struct arena *mem)
{
    struct text x = nova_fold(text_trim(a), mem), y = nova_fold(text_trim(b), mem);
    return x.p && y.p && text_eq(x, y);
}

bool match_is_unassigned(struct text name, struct arena *mem)
{
    static const char *const WORDS[] = {"chua phan bo", "tien chua chia", "unassigned", NULL};
    return is_one_of(nova_fold(text_trim(name), mem), WORDS);
}

enum fit { FIT_NONE, FIT_CATEGORY, FIT_CONTAINED, FIT_EQUAL };

struct search {
    const struct match_query *q;
    struct text name; /* folded */
    bool newest;
    struct arena *mem;
    struct matches *out;
    enum fit best;
};

static enum fit fit_of(const struct search *x, const struct transaction *t)
{
    bool narrowed = x->q->date || x->q->amount;
    struct text name = nova_fold(t->name, x->mem);
    if (x->newest)
        return x->out->count ? FIT_NONE : FIT_EQUAL;
    if (x->name.n && name.p && text_eq(name, x->name))
        return FIT_EQUAL;
    if (x->name.n && name.p && memmem(name.p, name.n, x->name.p, x->name.n))
        return FIT_CONTAINED;
    if (x->q->category_id)
        return t->category_id == x->q->category_id && (narrowed || !x->name.n) ? FIT_CATEGORY : FIT_NONE;
    return !x->name.n && narrowed ? FIT_CATEGORY : FIT_NONE;
}

static bool look_at(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct search *x = to;
    struct transaction t = transaction_from_row(row);
    enum fit fit = fit_of(x, &t);
    if (fit == FIT_NONE || fit < x->best)
        return true;
    if (fit > x->best)
        x->out->count = 0;
    x->best = fit;
    if (x->out->count < MATCHES_MAX)
        x->out->items[x->out->count] = t;
    x->out->count++;
    return true;
}

bool match_transactions(struct scope *s, const struct match_query *q, struct matches *out, struct err *err)
{
    static const char *const NEWEST[] = {"gan nhat", "gan day nhat", "cuoi cung",   "moi nhat", "vua roi",
                                         "last",     "latest",       "most recent", "newest",   NULL};
    *out = (struct matches){0};
    struct search x = {.q = q, .name = nova_fold(text_trim(q->name), s->mem), .mem = s->mem, .out = out};
    if (!x.name.p && q->name.n)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    x.newest = is_one_of(x.name, NEWEST);
    struct transaction_filter f = {.kind = q->kind,
                                   .from = q->date,
                                   .to = q->date,
                                   .min_amount = q->amount,
                                   .max_amount = q->amount,
                                   .limit = x.newest ? 1 : LOOKED_AT};
    return transaction_list(s->db, s->household_id, &f, s->mem, look_at, &x, err);
}

bool match_category(struct scope *s, struct text name, int64_t type, struct category *out, bool *found, struct err *err)
{
    struct category_list list;
    *found = false;
    if (!category_list(s->db, s->household_id, s->mem, &list, err))
        return false;
    for (size_t i = 0; i < list.count && !*found; i++)
        if ((type < 0 || list.items[i].type == type) && match_is_same(list.items[i].name, name, s->mem)) {
            *out = list.items[i];
            *found = true;
        }
    return true;
}

bool match_jar(struct scope *s, struct text name, struct jar *out, bool *found, struct err *err)
{
    struct jar_list list;
    *found = false;
    if (!jar_list(s->db, s->household_id, date_month(s->today), s->mem, &list, err))
        return false;
    for (size_t i = 0; i < list.count && !*found; i++)
        if (match_is_same(list.items[i].name, name, s->mem)) {
            *out = list.items[i];
            *found = true;
        }
    return true;
}
