#include "finance/expense.h"

#include "finance/large.h"
#include "finance/ledger.h"
#include "store/category.h"

static bool check_refs(struct scope *s, const struct expense_input *in, struct transaction_refs *refs, struct err *err)
{
    if (!transaction_refs(s->db, s->household_id, s->user_id, in->category_id, in->jar_id, s->mem, refs, err))
        return false;
    if (refs->category_type < 0)
        return err_set(err, ERR_NOT_FOUND, "There is no such category");
    if (in->jar_id && !refs->jar_found)
        return err_set(err, ERR_NOT_FOUND, "There is no such jar");
    if (refs->category_type != CATEGORY_EXPENSE)
        return err_field(err, "categoryId", "Phải là danh mục chi tiêu");
    return true;
}

static void take_input(struct transaction *t, const struct expense_input *in, const struct transaction_refs *refs)
{
    t->kind = KIND_EXPENSE;
    t->amount = in->amount;
    t->category_id = in->category_id;
    t->category_name = refs->category_name;
    t->category_deleted = false;
    t->jar_id = in->jar_id;
    t->jar_name = in->jar_id ? refs->jar_name : TEXT_NONE;
    t->name = in->name;
    t->icon = in->icon;
    t->note = in->note;
    t->receipt_location = in->receipt_location;
    t->receipt_image_url = in->receipt_image_url;
}

static bool spend(struct ledger_batch *batch, const struct transaction *t, struct err *err)
{
    struct jar_entry entry = {.jar_id = t->jar_id,
                              .kind = ENTRY_SPEND,
                              .amount = t->jar_id ? -t->amount : 0,
                              .occurred_on = t->occurred_on,
                              .transaction_id = t->id};
    return ledger_add_net(batch, -t->amount, err) && ledger_add(batch, entry, err);
}

bool expense_add(struct scope *s, const struct expense_input *in, struct transaction *out, struct err *err)
{
    struct transaction_refs refs;
    struct transaction t = {.occurred_on = in->occurred_on ? in->occurred_on : s->today};
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch || !check_refs(s, in, &refs, err))
        return false;
    take_input(&t, in, &refs);
    if (!transaction_insert(s->db, s->household_id, s->user_id, &t, s->now_ms, err) || !spend(batch, &t, err) ||
        !ledger_post(s, batch, err) || !large_check(s, &t, 0, &refs, err))
        return false;
    *out = t;
    return true;
}

bool expense_change(struct scope *s, const struct expense_input *in, struct transaction *t, struct err *err)
{
    struct transaction_refs refs;
    struct transaction was = *t;
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch || !check_refs(s, in, &refs, err))
        return false;
    take_input(t, in, &refs);
    t->occurred_on = in->occurred_on ? in->occurred_on : was.occurred_on;
    if (!transaction_update(s->db, s->household_id, t, s->now_ms, err))
        return false;
    bool same = t->amount == was.amount && t->occurred_on == was.occurred_on && t->jar_id == was.jar_id;
    if (!same && (!ledger_reverse(s, batch, t->id, err) || !ledger_add_net(batch, was.amount, err) ||
                  !spend(batch, t, err) || !ledger_post(s, batch, err)))
        return false;
    return large_check(s, t, was.amount, &refs, err);
}
