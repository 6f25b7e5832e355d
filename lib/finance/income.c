#include "finance/income.h"

#include "finance/jars.h"
#include "finance/large.h"
#include "finance/ledger.h"
#include "store/category.h"

enum { WHOLE_BP = 10000 };

bool allocation_by_targets(int64_t amount, const struct jar_list *jars, int64_t *parts, struct err *err)
{
    int64_t weights[JAR_MAX];
    for (size_t i = 0; i < jars->count; i++)
        weights[i] = jars->items[i].target_bp;
    return money_split(amount, weights, jars->count, WHOLE_BP, parts)
               ? true
               : err_set(err, ERR_OVERFLOW, "The amount cannot be split");
}

static bool check_refs(struct scope *s, const struct income_input *in, struct transaction_refs *refs, struct err *err)
{
    if (!transaction_refs(s->db, s->household_id, s->user_id, in->category_id, 0, s->mem, refs, err))
        return false;
    if (refs->category_type < 0)
        return err_set(err, ERR_NOT_FOUND, "There is no such category");
    if (refs->category_type != CATEGORY_INCOME)
        return err_field(err, "categoryId", "Phải là danh mục thu nhập");
    return true;
}

static struct jar_entry share(const struct transaction *t, int64_t jar, int64_t amount)
{
    return (struct jar_entry){.jar_id = jar,
                              .kind = ENTRY_ALLOCATION,
                              .amount = amount,
                              .occurred_on = t->occurred_on,
                              .transaction_id = t->id};
}

static bool allocate_by_targets(struct ledger_batch *batch, const struct transaction *t, const struct jar_list *jars,
                                struct err *err)
{
    int64_t parts[JAR_MAX];
    if (!allocation_by_targets(t->amount, jars, parts, err))
        return false;
    for (size_t i = 0; i < jars->count; i++)
        if (!ledger_add(batch, share(t, jars->items[i].id, parts[i]), err))
            return false;
    return true;
}

static bool allocate_as_given(struct ledger_batch *batch, const struct transaction *t, const struct income_input *in,
                              const struct jar_list *jars, struct err *err)
{
    int64_t sum = 0;
    for (size_t i = 0; i < in->allocation_count; i++) {
        const struct allocation *a = &in->allocations[i];
        if (!jars_pick(jars, a->jar_id))
            return err_set(err, ERR_NOT_FOUND, "There is no such jar");
        if (!money_add(sum, a->amount, &sum) || sum > t->amount)
            return err_field(err, "allocations", "Tổng phân bổ vượt quá số tiền thu nhập");
        if (!ledger_add(batch, share(t, a->jar_id, a->amount), err))
            return false;
    }
    return true;
}

/* The shares that jars had keep their proportion to the amount; the share of a jar that is gone stays unassigned. */
static bool allocate_in_proportion(struct scope *s, struct ledger_batch *batch, const struct transaction *was,
                                   const struct transaction *t, struct err *err)
{
    int64_t weights[MONEY_SPLIT_MAX], parts[MONEY_SPLIT_MAX];
    struct jar_entry *live = arena_array(s->mem, ENTRY_SET_MAX, sizeof *live);
    size_t count = 0, n = 0;
    if (!live)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!entry_live(s->db, s->household_id, t->id, s->mem, live, ENTRY_SET_MAX, &count, err))
        return false;
    for (size_t i = 0; i < count && n < MONEY_SPLIT_MAX; i++)
        if (!live[i].jar_deleted)
            live[n] = live[i], weights[n++] = live[i].amount;
    if (!money_split(t->amount, weights, n, was->amount, parts))
        return err_set(err, ERR_OVERFLOW, "The amount cannot be split");
    for (size_t i = 0; i < n; i++)
        if (!ledger_add(batch, share(t, live[i].jar_id, parts[i]), err))
            return false;
    return true;
}

static void take_input(struct transaction *t, const struct income_input *in, const struct transaction_refs *refs)
{
    t->kind = KIND_INCOME;
    t->amount = in->amount;
    t->category_id = in->category_id;
    t->category_name = refs->category_name;
    t->category_deleted = false;
    t->name = in->name;
    t->icon = in->icon;
    t->note = in->note;
}

bool income_allocations(struct scope *s, struct income_result *result, struct err *err)
{
    struct jar_entry *live = arena_array(s->mem, ENTRY_SET_MAX, sizeof *live);
    size_t count = 0, n = 0;
    if (!live)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!entry_live(s->db, s->household_id, result->income.id, s->mem, live, ENTRY_SET_MAX, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!live[i].jar_deleted)
            live[n++] = live[i];
    result->allocations = live;
    result->allocation_count = n;
    return true;
}

bool income_add(struct scope *s, const struct income_input *in, struct income_result *out, struct err *err)
{
    struct transaction_refs refs;
    struct jar_list jars;
    struct transaction t = {.occurred_on = in->occurred_on ? in->occurred_on : s->today};
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch || !check_refs(s, in, &refs, err) || !jars_or_defaults(s, &jars, err))
        return false;
    take_input(&t, in, &refs);
    if (!transaction_insert(s->db, s->household_id, s->user_id, &t, s->now_ms, err) ||
        !ledger_add_net(batch, t.amount, err))
        return false;
    bool allocated = in->allocations_given ? allocate_as_given(batch, &t, in, &jars, err)
                                           : allocate_by_targets(batch, &t, &jars, err);
    if (!allocated || !ledger_post(s, batch, err) || !large_check(s, &t, 0, &refs, err))
        return false;
    *out = (struct income_result){.income = t};
    return income_allocations(s, out, err);
}

static bool reallocate(struct scope *s, const struct income_input *in, const struct transaction *was,
                       const struct transaction *t, struct err *err)
{
    struct jar_list jars;
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch || !ledger_reverse(s, batch, t->id, err) || !ledger_add_net(batch, t->amount - was->amount, err))
        return false;
    if (in->allocations_given) {
        if (!jars_or_defaults(s, &jars, err) || !allocate_as_given(batch, t, in, &jars, err))
            return false;
    } else if (!allocate_in_proportion(s, batch, was, t, err)) {
        return false;
    }
    return ledger_post(s, batch, err);
}

bool income_change(struct scope *s, const struct income_input *in, const struct transaction *was,
                   struct income_result *out, struct err *err)
{
    struct transaction_refs refs;
    struct transaction t = *was;
    if (!check_refs(s, in, &refs, err))
        return false;
    take_input(&t, in, &refs);
    t.occurred_on = in->occurred_on ? in->occurred_on : was->occurred_on;
    if (!transaction_update(s->db, s->household_id, &t, s->now_ms, err))
        return false;
    bool same = t.amount == was->amount && t.occurred_on == was->occurred_on && !in->allocations_given;
    if ((!same && !reallocate(s, in, was, &t, err)) || !large_check(s, &t, was->amount, &refs, err))
        return false;
    *out = (struct income_result){.income = t};
    return income_allocations(s, out, err);
}
