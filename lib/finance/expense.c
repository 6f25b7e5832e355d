#include "finance/expense.h"

#include <assert.h>

#include "finance/large.h"
#include "finance/ledger.h"
#include "finance/other_category.h"
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
    /* Another picture, or none: the document is its receipt no longer. */
    if (!text_eq(in->receipt_image_url, t->receipt_image_url))
        t->receipt_document_id = 0;
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

/* ---- several at once ---- */

static const struct category *find_category(const struct category_list *list, int64_t id)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].id == id)
            return &list->items[i];
    return NULL;
}

struct set {
    struct category_list categories;
    struct category other;        /* id 0: not looked for yet */
    struct transaction_refs refs; /* of the jar and the user */
};

static bool take_category(struct scope *s, struct set *set, const struct expense_input *in, size_t i,
                          struct transaction_refs *refs, int64_t *id, struct err *err)
{
    char field[ERR_FIELD_NAME_MAX];
    if (!in->category_id && !set->other.id && !other_category(s, &set->categories, CATEGORY_EXPENSE, &set->other, err))
        return false;
    const struct category *c = in->category_id ? find_category(&set->categories, in->category_id) : &set->other;
    if (!c)
        return err_set(err, ERR_NOT_FOUND, "There is no such category");
    snprintf(field, sizeof(field), "items[%zu].categoryId", i);
    if (c->type != CATEGORY_EXPENSE)
        return err_field(err, field, "Phải là danh mục chi tiêu");
    *refs = set->refs;
    refs->category_name = c->name;
    *id = c->id;
    return true;
}

static bool read_refs(struct scope *s, const struct expense_input *first, struct set *set, struct err *err)
{
    if (!category_list(s->db, s->household_id, s->mem, &set->categories, err) ||
        !transaction_refs(s->db, s->household_id, s->user_id, 0, first->jar_id, s->mem, &set->refs, err))
        return false;
    return !first->jar_id || set->refs.jar_found || err_set(err, ERR_NOT_FOUND, "There is no such jar");
}

static bool take_inputs(struct scope *s, struct set *set, const struct expense_input *in, size_t count,
                        struct transaction *out, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        struct transaction_refs refs;
        int64_t category = 0;
        if (!take_category(s, set, &in[i], i, &refs, &category, err)) {
            /* All bad items are told together. */
            if (err->code != ERR_VALIDATION)
                return false;
            ok = false;
            continue;
        }
        out[i] = (struct transaction){.occurred_on = in[i].occurred_on ? in[i].occurred_on : s->today};
        take_input(&out[i], &in[i], &refs);
        out[i].category_id = category;
    }
    return ok;
}

static bool post_set(struct scope *s, const struct set *set, const struct transaction *rows, size_t count,
                     struct err *err)
{
    struct ledger_batch *batch = ledger_batch_new(s, err);
    bool ok = batch != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = spend(batch, &rows[i], err);
    ok = ok && ledger_post(s, batch, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = large_check(s, &rows[i], 0, &set->refs, err);
    return ok;
}

bool expense_add_set(struct scope *s, const struct expense_input *in, size_t count, struct transaction *out,
                     struct err *err)
{
    struct set set = {0};
    assert(count > 0 && count <= EXPENSE_SET_MAX);
    return read_refs(s, &in[0], &set, err) && take_inputs(s, &set, in, count, out, err) &&
           transaction_insert_set(s->db, s->household_id, s->user_id, out, count, s->now_ms, err) &&
           post_set(s, &set, out, count, err);
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
