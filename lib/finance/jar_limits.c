#include "finance/jar_limits.h"

#include <inttypes.h>

#include "base/date.h"
#include "finance/ledger.h"
#include "store/jar_entry.h"
#include "store/notification.h"
#include "store/user_contact.h"

static const int THRESHOLDS[] = {100, 80}; /* percent, highest first */

__extension__ typedef __int128 wide; /* products of two int64 */

struct jar_month jar_month_derive(const struct jar *jar, const struct jar_month *row, int32_t month)
{
    if (row->month == month)
        return *row;
    struct jar_month derived = {.month = month};
    if (row->month && row->month < month && !jar->reset)
        derived.carried = jar_month_available(row);
    return derived;
}

bool jar_limits_month(struct scope *s, int64_t jar_id, int32_t month, struct jar *jar, struct jar_month *out,
                      struct err *err)
{
    if (!jar_find(s->db, s->household_id, jar_id, month, s->mem, jar, err))
        return false;
    *out = jar_month_derive(jar, &jar->latest, month);
    return true;
}

int64_t jar_limits_per_day(int64_t available, int32_t today, int *days_left)
{
    *days_left = days_in_month(today / 10000, today / 100 % 100) - today % 100 + 1;
    return available > 0 ? available / *days_left : 0;
}

/* Two ordered sequences (stored rows, sums of entries) walked together, jar by jar and month by month. */
struct walk {
    struct scope *s;
    struct jar_month_row *rows;
    size_t row_count, row;
    struct entry_sum *sums;
    size_t sum_count, sum;
    int32_t from;
    struct jar_month_row *wrong; /* what differs, as it should be */
    size_t wrong_count;
    struct ledger_batch *closings;
};

static void add_sum(struct jar_month *m, const struct entry_sum *sum)
{
    switch (sum->kind) {
    case ENTRY_ALLOCATION: m->allocated += sum->amount; break;
    case ENTRY_SPEND:
    case ENTRY_REFUND: m->spent -= sum->amount; break;
    default: m->moved += sum->amount; break;
    }
}

static bool same_month(const struct jar_month *a, const struct jar_month *b)
{
    return a->carried == b->carried && a->allocated == b->allocated && a->moved == b->moved && a->spent == b->spent;
}

/* An ended month of a jar that resets is closed by an entry that moves what is left to unassigned. */
static bool close_month(struct walk *w, const struct jar_month_row *owner, struct jar_month *m, struct err *err)
{
    int64_t left = jar_month_available(m);
    if (!owner->jar_active || !owner->jar_reset || m->month < owner->reset_from ||
        m->month >= date_month(w->s->today) || !left)
        return true;
    m->moved -= left;
    return ledger_add(w->closings,
                      (struct jar_entry){.jar_id = owner->jar_id,
                                         .kind = ENTRY_ADJUSTMENT,
                                         .reason = "reset",
                                         .amount = -left,
                                         .occurred_on = month_last_day(m->month)},
                      err);
}

/* One jar: from its row before `from` (trusted) through every later month that has a row or entries. */
static bool walk_jar(struct walk *w, int64_t jar, struct recalculation *out, struct err *err)
{
    struct jar_month_row owner = {.jar_id = jar};
    int64_t stored_carry = 0,
            closed_carry = 0; /* what the next month carries: by the entries, and with the closings made now */
    if (w->row < w->row_count && w->rows[w->row].jar_id == jar) {
        owner = w->rows[w->row];
        if (owner.m.month < w->from)
            stored_carry = closed_carry = jar_month_available(&w->rows[w->row++].m);
    }
    for (;;) {
        const struct jar_month_row *row =
            w->row < w->row_count && w->rows[w->row].jar_id == jar ? &w->rows[w->row] : NULL;
        const struct entry_sum *sum = w->sum < w->sum_count && w->sums[w->sum].jar_id == jar ? &w->sums[w->sum] : NULL;
        if (!row && !sum)
            return true;
        struct jar_month m = {.month = row && (!sum || row->m.month <= sum->month) ? row->m.month : sum->month,
                              .carried = stored_carry};
        for (; w->sum < w->sum_count && w->sums[w->sum].jar_id == jar && w->sums[w->sum].month == m.month; w->sum++)
            add_sum(&m, &w->sums[w->sum]);
        bool stored = row && row->m.month == m.month;
        if (!stored || !same_month(&row->m, &m)) {
            owner.m = m;
            w->wrong[w->wrong_count++] = owner;
        }
        w->row += stored;
        out->months++;
        stored_carry = jar_month_available(&m);
        m.carried = closed_carry;
        if (!close_month(w, &owner, &m, err))
            return false;
        closed_carry = jar_month_available(&m);
    }
}

static bool repair_months(struct scope *s, struct walk *w, struct recalculation *out, struct err *err)
{
    while (w->row < w->row_count || w->sum < w->sum_count) {
        int64_t next_row = w->row < w->row_count ? w->rows[w->row].jar_id : INT64_MAX;
        int64_t next_sum = w->sum < w->sum_count ? w->sums[w->sum].jar_id : INT64_MAX;
        out->jars++;
        if (!walk_jar(w, next_row < next_sum ? next_row : next_sum, out, err))
            return false;
    }
    out->repaired_months = (int64_t)w->wrong_count;
    return !w->wrong_count || jar_month_put_set(s->db, s->household_id, w->wrong, w->wrong_count, s->mem, err);
}

static bool repair_balances(struct scope *s, struct recalculation *out, struct err *err)
{
    struct jar_balance *balances;
    size_t count;
    if (!entry_balances(s->db, s->household_id, s->mem, &balances, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (balances[i].balance == balances[i].entries)
            continue;
        out->repaired_balances++;
        if (!jar_set_balance(s->db, s->household_id, balances[i].jar_id, balances[i].entries, err))
            return false;
    }
    return true;
}

static int threshold_reached(const struct jar_month *m)
{
    int64_t limit = jar_month_limit(m);
    if (m->spent <= 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(THRESHOLDS); i++)
        if (limit <= 0 || (wide)m->spent * 100 >= (wide)limit * THRESHOLDS[i])
            return THRESHOLDS[i];
    return 0;
}

/* Someone who is gone is told in the default language. */
static bool speaks_english(struct scope *s, bool *english, struct err *err)
{
    struct user_contact contact;
    struct err miss = {0};
    bool found = user_contact_find(s->db, s->household_id, s->user_id, s->mem, &contact, &miss);
    if (!found && miss.code != ERR_NOT_FOUND) {
        *err = miss;
        return false;
    }
    *english = found && text_eq(contact.language, TEXT("en"));
    return true;
}

static char *threshold_title(struct scope *s, const struct jar *jar, int threshold, bool english)
{
    static const char *const used_up[] = {"Hũ %.*s đã hết hạn mức tháng này",
                                          "Jar %.*s has used up this month's limit"};
    static const char *const nearly[] = {"Hũ %.*s đã dùng hơn 80%% hạn mức",
                                         "Jar %.*s has used more than 80%% of its limit"};
    return arena_printf(s->mem, threshold == 100 ? used_up[english] : nearly[english], TEXT_ARG(jar->name));
}

static bool notify_threshold(struct scope *s, const struct jar *jar, const struct jar_month *m, int threshold,
                             const char *event_id, struct err *err)
{
    char spent[64], limit[64];
    bool english;
    if (!speaks_english(s, &english, err))
        return false;
    money_format_human(m->spent, s->currency, !english, spent, sizeof spent);
    money_format_human(jar_month_limit(m), s->currency, !english, limit, sizeof limit);
    char *title = threshold_title(s, jar, threshold, english);
    char *message = arena_printf(s->mem, english ? "Spent %s of %s." : "Đã chi %s trên hạn mức %s.", spent, limit);
    if (!title || !message)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    struct notification_row row = {.household_id = s->household_id,
                                   .user_id = s->user_id,
                                   .event_id = event_id,
                                   .type = "SPENDING_ALERT",
                                   .subject_id = jar->id,
                                   .title = text_of(title),
                                   .message = text_of(message)};
    return notification_add(s->db, &row, s->now_ms, err);
}

/* The highest threshold reached is told; lower ones count as told with it. */
static bool tell_thresholds(struct scope *s, const struct jar *jar, const char *event_id, struct recalculation *out,
                            struct err *err)
{
    int32_t month = date_month(s->today);
    struct jar_month m = jar_month_derive(jar, &jar->latest, month);
    int reached = threshold_reached(&m);
    bool told = false;
    for (size_t i = 0; i < ARRAY_LEN(THRESHOLDS) && reached; i++) {
        bool first = false;
        if (THRESHOLDS[i] > reached)
            continue;
        if (!jar_threshold_tell(s->db, s->household_id, jar->id, month, THRESHOLDS[i], s->now_ms, &first, err))
            return false;
        told = told || (first && THRESHOLDS[i] == reached);
    }
    if (!told)
        return true;
    out->alerts++;
    return notify_threshold(s, jar, &m, reached, event_id, err);
}

static bool evaluate_thresholds(struct scope *s, const char *event_id, struct recalculation *out, struct err *err)
{
    struct jar_list jars;
    if (!jar_list(s->db, s->household_id, date_month(s->today), s->mem, &jars, err))
        return false;
    for (size_t i = 0; i < jars.count; i++)
        if (!tell_thresholds(s, &jars.items[i], event_id, out, err))
            return false;
    return true;
}

bool jar_limits_recalculate(struct scope *s, int32_t from_month, const char *event_id, struct recalculation *out,
                            struct err *err)
{
    struct recalculation done = {0};
    struct walk w = {.s = s, .from = from_month, .closings = ledger_batch_new(s, err)};
    if (!w.closings || !jar_month_rows(s->db, s->household_id, from_month, s->mem, &w.rows, &w.row_count, err) ||
        !entry_sums_from(s->db, s->household_id, month_first_day(from_month), s->mem, &w.sums, &w.sum_count, err))
        return false;
    w.closings->quiet = true;
    w.wrong = arena_array(s->mem, w.row_count + w.sum_count + 1, sizeof *w.wrong);
    if (!w.wrong)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!repair_months(s, &w, &done, err) || !repair_balances(s, &done, err))
        return false;
    done.resets = (int64_t)w.closings->count;
    if (!ledger_post(s, w.closings, err) || (event_id && !evaluate_thresholds(s, event_id, &done, err)))
        return false;
    *out = done;
    return true;
}
