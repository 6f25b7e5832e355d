#include "finance/ledger.h"

#include "base/date.h"
#include "finance/events.h"
#include "store/household.h"
#include "store/jar.h"

struct ledger_batch *ledger_batch_new(struct scope *s, struct err *err)
{
    struct ledger_batch *b = arena_new_of(s->mem, struct ledger_batch);
    if (!b)
        err_set(err, ERR_NO_MEMORY, "Out of memory");
    return b;
}

bool ledger_add(struct ledger_batch *b, struct jar_entry entry, struct err *err)
{
    if (!entry.amount)
        return true;
    if (b->count == ENTRY_SET_MAX)
        return err_set(err, ERR_CONFLICT, "This touches more jar entries than one command may");
    b->entries[b->count++] = entry;
    return true;
}

bool ledger_add_net(struct ledger_batch *b, int64_t change, struct err *err)
{
    return money_add(b->net, change, &b->net) ? true : err_set(err, ERR_OVERFLOW, "The sum is too large");
}

static struct jar_entry reversal_of(const struct jar_entry *e)
{
    return (struct jar_entry){.jar_id = e->jar_id,
                              .kind = e->kind == ENTRY_SPEND ? ENTRY_REFUND : e->kind,
                              .amount = -e->amount,
                              .occurred_on = e->occurred_on,
                              .transaction_id = e->transaction_id,
                              .reverses_id = e->id};
}

/* A deleted jar stays at zero: what comes back to it goes on to unassigned, what leaves it comes from there. */
static struct jar_entry deleted_jar_balance(int64_t jar, int32_t day, int64_t amount)
{
    return (struct jar_entry){
        .jar_id = jar, .kind = ENTRY_ADJUSTMENT, .reason = "jar_deleted", .amount = amount, .occurred_on = day};
}

bool ledger_reverse(struct scope *s, struct ledger_batch *b, int64_t transaction, struct err *err)
{
    struct jar_entry *live = arena_array(s->mem, ENTRY_SET_MAX, sizeof *live);
    size_t count = 0;
    if (!live)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!entry_live(s->db, s->household_id, transaction, s->mem, live, ENTRY_SET_MAX, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!ledger_add(b, reversal_of(&live[i]), err))
            return false;
        if (live[i].jar_deleted &&
            !ledger_add(b, deleted_jar_balance(live[i].jar_id, live[i].occurred_on, live[i].amount), err))
            return false;
    }
    return true;
}

static bool apply(struct scope *s, const struct entry_sum *sums, size_t count, int64_t *posted, int32_t *first_month,
                  struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!money_add(*posted, sums[i].amount, posted))
            return err_set(err, ERR_OVERFLOW, "The sum is too large");
        *first_month = sums[i].month < *first_month ? sums[i].month : *first_month;
    }
    return entry_apply_sums(s->db, s->household_id, sums, count, s->mem, err);
}

static bool apply_entries(struct scope *s, struct ledger_batch *b, int64_t *posted, int32_t *first_month,
                          struct err *err)
{
    struct entry_sum *sums = arena_array(s->mem, b->count, sizeof *sums);
    if (!sums)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    for (size_t i = 0; i < b->count; i++)
        sums[i] = (struct entry_sum){.jar_id = b->entries[i].jar_id,
                                     .month = date_month(b->entries[i].occurred_on),
                                     .kind = b->entries[i].kind,
                                     .amount = b->entries[i].amount};
    return entry_insert_set(s->db, s->household_id, b->entries, b->count, s->now_ms, s->mem, err) &&
           apply(s, sums, b->count, posted, first_month, err);
}

bool ledger_recalculate_later(struct scope *s, int32_t from_month, struct err *err)
{
    char month[DATE_TEXT_MAX];
    month_format(from_month, month);
    char *data = arena_printf(s->mem, "{\"fromMonth\":\"%s\"}", month);
    return data ? event_record(s, EVENT_JARS_RECALCULATE, s->household_id, text_of(data), NULL, err)
                : err_set(err, ERR_NO_MEMORY, "Out of memory");
}

static bool reaches_back(const struct ledger_batch *b, int32_t this_month)
{
    for (size_t i = 0; i < b->count; i++)
        if (date_month(b->entries[i].occurred_on) < this_month)
            return true;
    for (size_t i = 0; i < b->sum_count; i++)
        if (b->sums[i].month < this_month)
            return true;
    return false;
}

struct closing {
    struct ledger_batch *batch;
    struct jar_list jars;
    size_t first; /* the closing entries stand behind the command's own */
    int32_t this_month;
};

static bool is_closed(const struct closing *c, int64_t jar, int32_t month)
{
    for (size_t i = 0; i < c->jars.count; i++)
        if (c->jars.items[i].id == jar)
            return c->jars.items[i].reset && month >= c->jars.items[i].reset_from && month < c->this_month;
    return false;
}

static bool close_again(struct closing *c, int64_t jar, int32_t month, int64_t amount, struct err *err)
{
    struct jar_entry entry = {.jar_id = jar,
                              .kind = ENTRY_ADJUSTMENT,
                              .reason = "reset",
                              .amount = -amount,
                              .occurred_on = month_last_day(month)};
    if (!is_closed(c, jar, month))
        return true;
    for (size_t i = c->first; i < c->batch->count; i++) {
        struct jar_entry *other = &c->batch->entries[i];
        if (other->jar_id == jar && other->occurred_on == entry.occurred_on)
            return money_add(other->amount, entry.amount, &other->amount)
                       ? true
                       : err_set(err, ERR_OVERFLOW, "The sum is too large");
    }
    return ledger_add(c->batch, entry, err);
}

static void drop_empty(struct ledger_batch *b, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < b->count; i++)
        if (b->entries[i].amount)
            b->entries[kept++] = b->entries[i];
    b->count = kept;
}

/* An ended month of a jar that resets stays at zero: what a late change leaves in it goes on to unassigned at once, so
 * the next read is right before any recalculation. */
static bool keep_ended_months_closed(struct scope *s, struct ledger_batch *b, struct err *err)
{
    struct closing c = {.batch = b, .first = b->count, .this_month = date_month(s->today)};
    if (b->quiet || !reaches_back(b, c.this_month))
        return true;
    if (!jar_list(s->db, s->household_id, c.this_month, s->mem, &c.jars, err))
        return false;
    for (size_t i = 0; i < c.first; i++) {
        const struct jar_entry *e = &b->entries[i];
        if (!close_again(&c, e->jar_id, date_month(e->occurred_on), e->amount, err))
            return false;
    }
    for (size_t i = 0; i < b->sum_count; i++)
        if (!close_again(&c, b->sums[i].jar_id, b->sums[i].month, b->sums[i].amount, err))
            return false;
    drop_empty(b, c.first);
    return true;
}

bool ledger_post(struct scope *s, struct ledger_batch *b, struct err *err)
{
    int64_t posted = 0, unassigned = 0;
    int32_t this_month = date_month(s->today), first_month = this_month;
    if (!keep_ended_months_closed(s, b, err))
        return false;
    if (b->count && !apply_entries(s, b, &posted, &first_month, err))
        return false;
    if (b->sum_count && !apply(s, b->sums, b->sum_count, &posted, &first_month, err))
        return false;
    if (!money_sub(b->net, posted, &unassigned))
        return err_set(err, ERR_OVERFLOW, "The sum is too large");
    if (unassigned && !household_unassigned_add(s->db, s->household_id, unassigned, err))
        return false;
    return first_month < this_month && !b->quiet && !b->later && !s->recalculates_later
               ? ledger_recalculate_later(s, first_month, err)
               : true;
}

bool ledger_take_back(struct ledger_batch *b, struct entry_sum *sums, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct jar_entry balance = deleted_jar_balance(sums[i].jar_id, month_first_day(sums[i].month),
                                                       sums[i].jar_deleted ? sums[i].amount : 0);
        if (!ledger_add(b, balance, err))
            return false;
        sums[i].amount = -sums[i].amount;
    }
    b->sums = sums;
    b->sum_count = count;
    return true;
}

/* Each sum asks for one further entry at most: the closing of an ended month, or what a deleted jar gives on. */
enum { SLICE = ENTRY_SET_MAX / 2 };

bool ledger_post_sums(struct scope *s, struct entry_sum *sums, size_t count, bool take_back, int64_t net,
                      struct err *err)
{
    struct ledger_batch *b = ledger_batch_new(s, err);
    if (!b)
        return false;
    b->later = true;
    b->net = net;
    for (size_t from = 0; from == 0 || from < count; from += SLICE) {
        size_t n = count - from < SLICE ? count - from : SLICE;
        b->count = 0;
        b->sums = sums + from;
        b->sum_count = n;
        if ((take_back && !ledger_take_back(b, sums + from, n, err)) || !ledger_post(s, b, err))
            return false;
        b->net = 0;
    }
    return true;
}
