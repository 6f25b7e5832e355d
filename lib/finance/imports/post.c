#include "finance/imports/post.h"

#include <string.h>

#include "base/date.h"
#include "finance/events.h"
#include "finance/income.h"
#include "finance/jars.h"
#include "finance/ledger.h"
#include "finance/other_category.h"
#include "store/category.h"
#include "store/import_post.h"

enum {
    /* Of a statement's rows at once. MariaDB as it comes holds the counter of ids for the whole of an INSERT ...
     * SELECT, so others' writes wait for one range. */
    RANGE_ROWS = 1000,
    ENTRIES_AT_ONCE = 4000, /* in one INSERT */
    SUMS_MAX = 65536,
    SCRATCH_FIRST = 64 * 1024,
    SCRATCH_MAX = 16 * 1024 * 1024
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Out of memory");
}

static void scratch_auto(struct arena **mem)
{
    arena_free(*mem);
}

/* ---- sums ---- */

/* By jar, month and kind, in order. */
struct sums {
    struct entry_sum *items;
    size_t count, cap;
};

static int compare(const struct entry_sum *a, const struct entry_sum *b)
{
    if (a->jar_id != b->jar_id)
        return a->jar_id < b->jar_id ? -1 : 1;
    if (a->month != b->month)
        return a->month < b->month ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

static bool make_room(struct sums *sums, struct arena *mem, struct err *err)
{
    if (sums->count < sums->cap)
        return true;
    size_t cap = sums->cap ? sums->cap * 2 : 256;
    struct entry_sum *items = cap <= SUMS_MAX ? arena_array(mem, cap, sizeof *items) : NULL;
    if (!items)
        return no_memory(err);
    if (sums->count)
        memcpy(items, sums->items, sums->count * sizeof *items);
    sums->items = items;
    sums->cap = cap;
    return true;
}

static bool add_sum(struct sums *sums, const struct jar_entry *e, struct arena *mem, struct err *err)
{
    struct entry_sum sum = {
        .jar_id = e->jar_id, .month = date_month(e->occurred_on), .kind = e->kind, .amount = e->amount};
    size_t low = 0, high = sums->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(&sum, &sums->items[middle]);
        if (order == 0)
            return money_add(sums->items[middle].amount, sum.amount, &sums->items[middle].amount) ||
                   err_set(err, ERR_OVERFLOW, "The sum is too large");
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (!make_room(sums, mem, err))
        return false;
    memmove(sums->items + low + 1, sums->items + low, (sums->count - low) * sizeof *sums->items);
    sums->items[low] = sum;
    sums->count++;
    return true;
}

/* ---- the entries of what is taken in ---- */

struct posting {
    struct scope *s;
    const struct import *import;
    struct import_posting as;
    struct jar_list jars; /* among which incomes are split */
    struct jar_entry *entries;
    size_t entry_count;
    struct import_match links[RANGE_ROWS];
    size_t link_count;
    struct arena *scratch; /* of one INSERT */
    struct sums sums;
    int64_t net;
};

static bool flush(struct posting *p, struct err *err)
{
    if (!p->entry_count)
        return true;
    bool ok = entry_insert_set(p->s->db, p->s->household_id, p->entries, p->entry_count, p->s->now_ms, p->scratch, err);
    arena_reset(p->scratch);
    p->entry_count = 0;
    return ok;
}

static bool add_entry(struct posting *p, const struct jar_entry *entry, struct err *err)
{
    if (!entry->amount)
        return true;
    p->entries[p->entry_count++] = *entry;
    return add_sum(&p->sums, entry, p->s->mem, err) && (p->entry_count < ENTRIES_AT_ONCE || flush(p, err));
}

static bool allocate(struct posting *p, const struct import_posted *t, struct err *err)
{
    int64_t parts[JAR_MAX];
    if (!allocation_by_targets(t->amount, &p->jars, parts, err))
        return false;
    for (size_t i = 0; i < p->jars.count; i++) {
        struct jar_entry entry = {.jar_id = p->jars.items[i].id,
                                  .kind = ENTRY_ALLOCATION,
                                  .amount = parts[i],
                                  .occurred_on = t->occurred_on,
                                  .transaction_id = t->id};
        if (!add_entry(p, &entry, err))
            return false;
    }
    return true;
}

static bool post_one(struct db_row *row, void *to, struct err *err)
{
    struct posting *p = to;
    struct import_posted t = import_posted_from_row(row);
    if (p->link_count == RANGE_ROWS)
        return err_set(err, ERR_INTERNAL, "A range of rows became more transactions than it has rows");
    p->links[p->link_count++] = (struct import_match){.row_no = t.row_no, .transaction_id = t.id};
    if (!money_add(p->net, t.income ? t.amount : -t.amount, &p->net))
        return err_set(err, ERR_OVERFLOW, "The sum is too large");
    if (t.income)
        return !p->import->allocate || allocate(p, &t, err);
    struct jar_entry spend = {.jar_id = t.jar_id,
                              .kind = ENTRY_SPEND,
                              .amount = t.jar_id ? -t.amount : 0,
                              .occurred_on = t.occurred_on,
                              .transaction_id = t.id};
    return add_entry(p, &spend, err);
}

/* ---- categories of rows that have none ---- */

static bool stand_in(struct scope *s, enum category_type type, int64_t *id, struct err *err)
{
    struct category_list list;
    struct category found;
    if (*id)
        return true;
    if (!category_list(s->db, s->household_id, s->mem, &list, err) || !other_category(s, &list, type, &found, err))
        return false;
    *id = found.id;
    return true;
}

static bool categories_for(struct posting *p, const struct import_range *r, struct err *err)
{
    bool income, expense;
    return import_post_needs(p->s->db, r, p->as.with_probable, &income, &expense, err) &&
           (!income || stand_in(p->s, CATEGORY_INCOME, &p->as.income_category, err)) &&
           (!expense || stand_in(p->s, CATEGORY_EXPENSE, &p->as.expense_category, err));
}

/* ---- one step of a confirmation ---- */

static bool take_range(struct posting *p, const struct import_range *r, int64_t *added, struct err *err)
{
    int64_t after_tx = 0, n = 0;
    struct db *db = p->s->db;
    if (!import_post_claim(db, r, p->as.with_probable, err) || !categories_for(p, r, err) ||
        !import_post_insert(db, r, &p->as, &after_tx, &n, err))
        return false;
    *added += n;
    p->link_count = 0;
    return !n || (import_post_list(db, r, after_tx, post_one, p, err) &&
                  import_post_link(db, r, p->links, p->link_count, err));
}

static struct import_range next_range(const struct scope *s, const struct import *i)
{
    int64_t to = i->done_row + RANGE_ROWS;
    return (struct import_range){.household = s->household_id,
                                 .import = i->id,
                                 .after = i->done_row,
                                 .to = to < i->row_count ? to : i->row_count};
}

/* The next step, or what is due once behind the last one. */
static bool go_on(struct scope *s, struct import *i, enum import_state end, struct err *err)
{
    if (i->done_row < i->row_count)
        return import_update(s->db, s->household_id, i, err) &&
               event_record(s, EVENT_IMPORT_CONTINUE, i->id, TEXT("{}"), NULL, err);
    i->state = end;
    if (end == IMPORT_CONFIRMED)
        i->confirmed_at_ms = s->now_ms;
    else
        i->undone_at_ms = s->now_ms;
    if (!import_file_remove(s->db, s->household_id, i->id, err) || !import_update(s->db, s->household_id, i, err))
        return false;
    return !i->first_on || date_month(i->first_on) >= date_month(s->today) ||
           ledger_recalculate_later(s, date_month(i->first_on), err);
}

static bool confirm_ranges(struct posting *p, struct import *i, struct err *err)
{
    for (int64_t until = i->done_row + IMPORT_STEP; i->done_row < i->row_count && i->done_row < until;) {
        struct import_range r = next_range(p->s, i);
        if (!take_range(p, &r, &i->added, err))
            return false;
        i->done_row = r.to;
    }
    return flush(p, err) && ledger_post_sums(p->s, p->sums.items, p->sums.count, false, p->net, err);
}

static bool confirm_step(struct scope *s, struct import *i, struct err *err)
{
    __attribute__((cleanup(scratch_auto))) struct arena *scratch = arena_new(SCRATCH_FIRST, SCRATCH_MAX);
    struct posting *p = arena_new_of(s->mem, struct posting);
    if (!scratch || !p || !(p->entries = arena_array(s->mem, ENTRIES_AT_ONCE, sizeof *p->entries)))
        return no_memory(err);
    p->s = s;
    p->import = i;
    p->as = (struct import_posting){.user = s->user_id, .with_probable = i->with_probable, .now_ms = s->now_ms};
    p->scratch = scratch;
    return (!i->allocate || jars_or_defaults(s, &p->jars, err)) && confirm_ranges(p, i, err) &&
           go_on(s, i, IMPORT_CONFIRMED, err);
}

bool import_confirm(struct scope *s, int64_t id, const struct import_choice *choice, struct import *out,
                    struct err *err)
{
    struct import i;
    if (!import_find(s->db, s->household_id, id, s->mem, &i, err))
        return false;
    if (i.state == IMPORT_PREVIEW) {
        if (i.ask_columns || i.ask_day_first)
            return err_set(err, ERR_CONFLICT, "The import's questions are not answered");
        i.state = IMPORT_CONFIRMING;
        i.with_probable = choice->with_probable;
        i.allocate = choice->allocate;
        i.done_row = 0;
        if (!confirm_step(s, &i, err))
            return false;
    } else if (i.state != IMPORT_CONFIRMED && i.state != IMPORT_CONFIRMING) {
        return err_set(err, ERR_CONFLICT, "An import that is %s cannot be confirmed", IMPORT_STATES[i.state]);
    }
    *out = i;
    return true;
}

/* ---- undo ---- */

static bool undo_range(struct scope *s, const struct import_range *r, int64_t *removed, struct err *err)
{
    struct entry_sum *sums;
    size_t count;
    int64_t net, n;
    if (!import_undo_sums(s->db, r, s->mem, &sums, &count, &net, err) ||
        !import_undo_reverse(s->db, r, s->now_ms, err) || !import_undo_delete(s->db, r, s->now_ms, &n, err) ||
        !import_undo_free_keys(s->db, r, err))
        return false;
    *removed += n;
    return ledger_post_sums(s, sums, count, true, -net, err);
}

static bool undo_step(struct scope *s, struct import *i, struct err *err)
{
    for (int64_t until = i->done_row + IMPORT_STEP; i->done_row < i->row_count && i->done_row < until;) {
        struct import_range r = next_range(s, i);
        if (!undo_range(s, &r, &i->removed, err))
            return false;
        i->done_row = r.to;
    }
    return go_on(s, i, IMPORT_UNDONE, err);
}

bool import_undo(struct scope *s, int64_t id, struct import *out, bool *gone, struct err *err)
{
    struct import i;
    *gone = false;
    if (!import_find(s->db, s->household_id, id, s->mem, &i, err))
        return false;
    switch ((enum import_state)i.state) {
    case IMPORT_CONFIRMING: return err_set(err, ERR_CONFLICT, "The import is being confirmed");
    case IMPORT_CONFIRMED:
        i.state = IMPORT_UNDOING;
        i.done_row = 0;
        if (!undo_step(s, &i, err))
            return false;
        break;
    case IMPORT_UNDOING:
    case IMPORT_UNDONE: break;
    default: *gone = true;
    }
    *out = i;
    return !*gone || import_remove(s->db, s->household_id, id, err);
}

bool import_continue(struct scope *s, int64_t id, struct err *err)
{
    struct import i;
    if (!import_find(s->db, s->household_id, id, s->mem, &i, err))
        return false;
    if (i.state == IMPORT_CONFIRMING)
        return confirm_step(s, &i, err);
    return i.state != IMPORT_UNDOING || undo_step(s, &i, err);
}
