#include "finance/jars.h"

#include "base/date.h"
#include "finance/ledger.h"
#include "store/household.h"

const char JAR_DEFAULT_COLOR[] = "#6366F1";

/* The six jars of the method the clients teach; names as their users know them. */
static const struct jar DEFAULT_JARS[] = {
    {.name = TEXT_INIT("Nhu cầu thiết yếu"), .icon = TEXT_INIT("🏠"), .color = TEXT_INIT("#EF4444"), .target_bp = 5500},
    {.name = TEXT_INIT("Tự do tài chính"), .icon = TEXT_INIT("📈"), .color = TEXT_INIT("#10B981"), .target_bp = 1000},
    {.name = TEXT_INIT("Tiết kiệm dài hạn"), .icon = TEXT_INIT("🏦"), .color = TEXT_INIT("#3B82F6"), .target_bp = 1000},
    {.name = TEXT_INIT("Giáo dục"), .icon = TEXT_INIT("📚"), .color = TEXT_INIT("#8B5CF6"), .target_bp = 1000},
    {.name = TEXT_INIT("Hưởng thụ"), .icon = TEXT_INIT("🎉"), .color = TEXT_INIT("#F59E0B"), .target_bp = 1000},
    {.name = TEXT_INIT("Cho đi"), .icon = TEXT_INIT("🤝"), .color = TEXT_INIT("#EC4899"), .target_bp = 500},
};

static bool list_now(struct scope *s, struct jar_list *out, struct err *err)
{
    return jar_list(s->db, s->household_id, date_month(s->today), s->mem, out, err);
}

bool jars_or_defaults(struct scope *s, struct jar_list *out, struct err *err)
{
    bool any = true;
    if (!list_now(s, out, err))
        return false;
    if (out->count)
        return true;
    if (!jar_ever(s->db, s->household_id, &any, err))
        return false;
    if (any)
        return true;
    return jar_insert_set(s->db, s->household_id, DEFAULT_JARS, ARRAY_LEN(DEFAULT_JARS), s->now_ms, s->mem, err) &&
           list_now(s, out, err);
}

const struct jar *jars_pick(const struct jar_list *jars, int64_t id)
{
    for (size_t i = 0; i < jars->count; i++)
        if (jars->items[i].id == id)
            return &jars->items[i];
    return NULL;
}

static int64_t newest_id(const struct jar_list *jars)
{
    return jars->count ? jars->items[jars->count - 1].id : 0;
}

static bool open_with(struct scope *s, struct jar_list *jars, const int64_t *opening, struct err *err)
{
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch)
        return false;
    for (size_t i = 0; i < jars->count; i++) {
        struct jar_entry entry = {.jar_id = jars->items[i].id,
                                  .kind = ENTRY_ADJUSTMENT,
                                  .reason = "opening",
                                  .amount = opening[i],
                                  .occurred_on = s->today};
        if (!ledger_add(batch, entry, err))
            return false;
    }
    return !batch->count || ledger_post(s, batch, err);
}

/* Jars are made in order and only by the lock's holder, so the new ones are the list's tail. */
static bool new_ones(struct scope *s, int64_t after, size_t count, struct jar_list *out, struct err *err)
{
    if (!list_now(s, out, err))
        return false;
    size_t first = 0;
    while (first < out->count && out->items[first].id <= after)
        first++;
    if (out->count - first != count)
        return err_set(err, ERR_INTERNAL, "New jars are not in the list");
    out->items += first;
    out->count = count;
    return true;
}

bool jars_create(struct scope *s, const struct jar *jars, const int64_t *opening, size_t count, struct jar_list *out,
                 struct err *err)
{
    struct jar_list before, made;
    if (!list_now(s, &before, err))
        return false;
    if (before.count + count > JAR_MAX)
        return err_set(err, ERR_CONFLICT, "A household has at most %d jars", JAR_MAX);
    int64_t after = newest_id(&before);
    if (!jar_insert_set(s->db, s->household_id, jars, count, s->now_ms, s->mem, err) ||
        !new_ones(s, after, count, &made, err))
        return false;
    return open_with(s, &made, opening, err) && new_ones(s, after, count, out, err);
}

bool jars_change(struct scope *s, struct jar *jar, bool was_reset, struct err *err)
{
    int32_t month = date_month(s->today);
    if (jar->reset != was_reset) {
        /* The month at hand keeps what it carried; the new rule counts from its end on. */
        jar->reset_from = jar->reset ? month : 0;
        if (!jar_month_ensure(s->db, s->household_id, jar->id, month, err))
            return false;
    }
    return jar_update(s->db, s->household_id, jar, s->now_ms, err) &&
           jar_find(s->db, s->household_id, jar->id, month, s->mem, jar, err);
}

bool jars_remove(struct scope *s, int64_t id, struct err *err)
{
    struct jar jar;
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch || !jar_find(s->db, s->household_id, id, date_month(s->today), s->mem, &jar, err))
        return false;
    struct jar_entry leave = {.jar_id = id,
                              .kind = ENTRY_ADJUSTMENT,
                              .reason = "jar_deleted",
                              .amount = -jar.balance,
                              .occurred_on = s->today};
    if (!ledger_add(batch, leave, err) || (batch->count && !ledger_post(s, batch, err)))
        return false;
    return jar_deactivate(s->db, s->household_id, id, s->now_ms, err);
}

static bool check_source(struct scope *s, int64_t from, int64_t amount, struct jar *jar, struct err *err)
{
    int64_t have = 0;
    if (!from) {
        if (!household_unassigned(s->db, s->household_id, &have, err))
            return false;
    } else {
        if (!jar_find(s->db, s->household_id, from, date_month(s->today), s->mem, jar, err))
            return false;
        have = jar->balance;
    }
    return have >= amount ? true : err_set(err, ERR_INSUFFICIENT_BALANCE, "There is less than that to move");
}

bool jars_transfer(struct scope *s, int64_t from, int64_t to, int64_t amount, struct transaction *out, struct err *err)
{
    struct jar source = {0}, target = {0};
    if (from == to)
        return err_field(err, "toJarId", "Hai hũ phải khác nhau");
    if ((to && !jar_find(s->db, s->household_id, to, date_month(s->today), s->mem, &target, err)) ||
        !check_source(s, from, amount, &source, err))
        return false;
    struct transaction t = {.kind = KIND_TRANSFER,
                            .amount = amount,
                            .occurred_on = s->today,
                            .jar_id = from,
                            .jar_name = source.name,
                            .to_jar_id = to,
                            .to_jar_name = target.name,
                            .name = TEXT("Chuyển tiền giữa các hũ")};
    struct ledger_batch *batch = ledger_batch_new(s, err);
    if (!batch || !transaction_insert(s->db, s->household_id, s->user_id, &t, s->now_ms, err))
        return false;
    struct jar_entry out_of = {.jar_id = from,
                               .kind = ENTRY_TRANSFER,
                               .amount = from ? -amount : 0,
                               .occurred_on = s->today,
                               .transaction_id = t.id};
    struct jar_entry into = {.jar_id = to,
                             .kind = ENTRY_TRANSFER,
                             .amount = to ? amount : 0,
                             .occurred_on = s->today,
                             .transaction_id = t.id};
    if (!ledger_add(batch, out_of, err) || !ledger_add(batch, into, err) || !ledger_post(s, batch, err))
        return false;
    *out = t;
    return true;
}
