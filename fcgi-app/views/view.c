#include "views/view.h"

#include "finance/jar_limits.h"

void category_write_json(struct json_out *j, const struct category *c, int64_t profile)
{
    json_begin_object(j);
    json_put_int(j, "id", c->id);
    json_put_int(j, "profileId", profile);
    json_put_text(j, "name", c->name);
    json_put_text(j, "icon", c->icon);
    json_put_str(j, "type", CATEGORY_TYPES[c->type]);
    json_put_instant(j, "createdAt", c->created_at_ms);
    json_put_instant(j, "updatedAt", c->updated_at_ms);
    json_end_object(j);
}

void jar_month_write_json(struct json_out *j, const struct jar_month *m, const struct currency *cur)
{
    json_begin_object(j);
    json_put_month(j, "month", m->month);
    json_put_money(j, "carried", m->carried, cur);
    json_put_money(j, "allocated", m->allocated, cur);
    json_put_money(j, "moved", m->moved, cur);
    json_put_money(j, "limit", jar_month_limit(m), cur);
    json_put_money(j, "spent", m->spent, cur);
    json_put_money(j, "available", jar_month_available(m), cur);
    json_end_object(j);
}

void jar_write_json(struct json_out *j, const struct jar *jar, int32_t month, const struct currency *cur)
{
    struct jar_month current = jar_month_derive(jar, &jar->latest, month);
    json_begin_object(j);
    json_put_int(j, "id", jar->id);
    json_put_text(j, "name", jar->name);
    json_put_text(j, "icon", jar->icon);
    json_put_text(j, "color", jar->color);
    json_put_percent(j, "targetPercentage", jar->target_bp);
    json_put_money(j, "currentBalance", jar->balance, cur);
    json_put_str(j, "rollover", jar->reset ? "reset" : "carry");
    json_key(j, "current");
    jar_month_write_json(j, &current, cur);
    json_put_instant(j, "createdAt", jar->created_at_ms);
    json_put_instant(j, "updatedAt", jar->updated_at_ms);
    json_end_object(j);
}

static void write_times(struct json_out *j, const struct transaction *t)
{
    json_put_instant(j, "createdAt", t->created_at_ms);
    json_put_instant(j, "updatedAt", t->updated_at_ms);
}

/* What all kinds share, in the contract's order. */
static void write_common(struct json_out *j, const struct transaction *t, const struct currency *cur)
{
    json_put_text(j, "name", t->name);
    json_put_text(j, "icon", t->icon);
    json_put_id(j, "categoryId", t->category_id);
    json_put_text(j, "categoryName", t->category_name);
    json_put_money(j, "amount", t->amount, cur);
    json_put_date(j, "date", t->occurred_on);
    json_put_text(j, "note", t->note);
}

void transaction_write_json(struct json_out *j, const struct transaction *t, const struct currency *cur)
{
    bool transfer = t->kind == KIND_TRANSFER;
    json_begin_object(j);
    json_put_int(j, "id", t->id);
    json_put_str(j, "kind", TRANSACTION_KINDS[t->kind]);
    write_common(j, t, cur);
    json_put_id(j, "jarId", transfer ? 0 : t->jar_id);
    json_put_text(j, "jarName", transfer ? TEXT_NONE : t->jar_name);
    json_put_id(j, "fromJarId", transfer ? t->jar_id : 0);
    json_put_id(j, "toJarId", t->to_jar_id);
    json_put_text(j, "receiptLocation", t->receipt_location);
    json_put_text(j, "receiptImageUrl", t->receipt_image_url);
    json_put_int(j, "version", t->version);
    write_times(j, t);
    json_put_instant(j, "deletedAt", t->deleted_at_ms);
    json_end_object(j);
}

void expense_write_members(struct json_out *j, const struct transaction *t, const struct currency *cur)
{
    json_put_int(j, "id", t->id);
    write_common(j, t, cur);
    json_put_text(j, "receiptLocation", t->receipt_location);
    json_put_text(j, "receiptImageUrl", t->receipt_image_url);
    json_put_id(j, "jarId", t->jar_id);
    json_put_text(j, "jarName", t->jar_name);
    write_times(j, t);
}

void income_write_begin(struct json_out *j, const struct transaction *t, const struct currency *cur)
{
    json_begin_object(j);
    json_put_int(j, "id", t->id);
    write_common(j, t, cur);
    write_times(j, t);
    json_key(j, "allocations");
    json_begin_array(j);
}

void income_write_allocation(struct json_out *j, int64_t entry, int64_t income, int64_t jar, struct text jar_name,
                             int64_t amount, const struct currency *cur)
{
    json_begin_object(j);
    json_put_int(j, "id", entry);
    json_put_int(j, "incomeId", income);
    json_put_int(j, "jarId", jar);
    json_put_text(j, "jarName", jar_name);
    json_put_money(j, "amount", amount, cur);
    json_end_object(j);
}

void income_write_end(struct json_out *j)
{
    json_end_array(j);
    json_end_object(j);
}

void income_write_json(struct json_out *j, const struct income_result *result, const struct currency *cur)
{
    income_write_begin(j, &result->income, cur);
    for (size_t i = 0; i < result->allocation_count; i++) {
        const struct jar_entry *a = &result->allocations[i];
        income_write_allocation(j, a->id, result->income.id, a->jar_id, a->jar_name, a->amount, cur);
    }
    income_write_end(j);
}
