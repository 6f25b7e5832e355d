#include "finance/undo.h"

#include "base/date.h"
#include "finance/ledger.h"
#include "store/category.h"

static int64_t net_of(const struct transaction *t)
{
    return t->kind == KIND_INCOME ? t->amount : t->kind == KIND_EXPENSE ? -t->amount : 0;
}

bool transaction_remove(struct scope *s, struct transaction *t, struct err *err)
{
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch)
        return false;
    if (t->deleted_at_ms)
        return err_set(err, ERR_NOT_FOUND, "There is no such transaction");
    if (!ledger_reverse(s, batch, t->id, err) || !ledger_add_net(batch, -net_of(t), err) ||
        !ledger_post(s, batch, err) ||
        !transaction_set_deleted(s->db, s->household_id, t->id, s->now_ms, s->now_ms, err))
        return false;
    t->deleted_at_ms = t->updated_at_ms = s->now_ms;
    t->version++;
    return true;
}

static bool post_again(struct scope *s, struct ledger_batch *batch, const struct transaction *t, struct err *err)
{
    struct jar_entry *undone = arena_array(s->mem, ENTRY_SET_MAX, sizeof *undone);
    size_t count = 0;
    if (!undone)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!entry_undone_at(s->db, s->household_id, t->id, t->deleted_at_ms, s->mem, undone, ENTRY_SET_MAX, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!undone[i].jar_deleted && !ledger_add(batch, undone[i], err))
            return false;
    return true;
}

bool transaction_restore(struct scope *s, struct transaction *t, struct err *err)
{
    static const int64_t DAY_MS = INT64_C(24) * 3600 * 1000;
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch)
        return false;
    if (!t->deleted_at_ms || t->deleted_at_ms < s->now_ms - UNDO_DAYS * DAY_MS)
        return err_set(err, ERR_NOT_FOUND, "There is no such deleted transaction");
    if (t->category_id && t->category_deleted)
        return err_set(err, ERR_CONFLICT, "Its category was deleted");
    if (!post_again(s, batch, t, err) || !ledger_add_net(batch, net_of(t), err) || !ledger_post(s, batch, err) ||
        !transaction_set_deleted(s->db, s->household_id, t->id, 0, s->now_ms, err))
        return false;
    t->deleted_at_ms = 0;
    t->updated_at_ms = s->now_ms;
    t->version++;
    return true;
}

bool category_remove(struct scope *s, int64_t category, struct err *err)
{
    struct entry_sum *sums;
    size_t count;
    int64_t net;
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch || !category_deactivate(s->db, s->household_id, category, s->now_ms, err) ||
        !transaction_category_net(s->db, s->household_id, category, &net, err) ||
        !entry_category_sums(s->db, s->household_id, category, s->mem, &sums, &count, err) ||
        !entry_reverse_category(s->db, s->household_id, category, s->now_ms, err) ||
        !transaction_delete_category(s->db, s->household_id, category, s->now_ms, err))
        return false;
    return ledger_take_back(batch, sums, count, err) && ledger_add_net(batch, -net, err) && ledger_post(s, batch, err);
}

/* The same jars as its live entries name, so a jar that was deleted since is told apart from unassigned. */
static bool move_again(struct scope *s, struct ledger_batch *batch, const struct transaction *t, struct err *err)
{
    struct jar_entry live[2];
    size_t count = 0;
    if (!entry_live(s->db, s->household_id, t->id, s->mem, live, ARRAY_LEN(live), &count, err) ||
        !ledger_reverse(s, batch, t->id, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct jar_entry again = {.jar_id = live[i].jar_id,
                                  .kind = ENTRY_TRANSFER,
                                  .amount = live[i].jar_deleted  ? 0
                                            : live[i].amount < 0 ? -t->amount
                                                                 : t->amount,
                                  .occurred_on = t->occurred_on,
                                  .transaction_id = t->id};
        if (!ledger_add(batch, again, err))
            return false;
    }
    return true;
}

bool transfer_change(struct scope *s, const struct transaction *was, struct transaction *t, struct err *err)
{
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch || !transaction_update(s->db, s->household_id, t, s->now_ms, err))
        return false;
    if (was->amount == t->amount && was->occurred_on == t->occurred_on)
        return true;
    return move_again(s, batch, t, err) && ledger_post(s, batch, err);
}
