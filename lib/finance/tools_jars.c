/* The tools that tell what is there, jar by jar. */
#include "base/date.h"
#include "finance/jar_limits.h"
#include "finance/jars.h"
#include "finance/tools_run.h"
#include "store/household.h"
#include "store/jar.h"

static struct jar_month now_of(const struct scope *s, const struct jar *jar)
{
    return jar_month_derive(jar, &jar->latest, date_month(s->today));
}

static bool read_jars(struct scope *s, const char *tool, const struct tool_arguments *arguments,
                      struct tool_result *out, struct jar_list *jars, struct err *err)
{
    *out = (struct tool_result){.tool = tool, .arguments = *arguments};
    out->arguments.kind = -1;
    out->arguments.from = month_first_day(date_month(s->today));
    out->arguments.to = month_last_day(date_month(s->today));
    if (!jar_list(s->db, s->household_id, date_month(s->today), s->mem, jars, err))
        return false;
    if (arguments->jar_id && !jars_pick(jars, arguments->jar_id))
        return err_set(err, ERR_NOT_FOUND, "There is no such jar");
    return true;
}

static bool add_to(int64_t *sum, int64_t amount, struct err *err)
{
    return money_add(*sum, amount, sum) || err_set(err, ERR_OVERFLOW, "The sum is out of range");
}

/* total: all the money; other_total: what no jar holds. Figures: jars, amount its balance, other what may be spent. */
bool tool_balances(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    struct jar_list jars;
    if (!read_jars(s, "balances", arguments, out, &jars, err) ||
        !household_unassigned(s->db, s->household_id, &out->other_total, err))
        return false;
    out->total = out->other_total;
    for (size_t i = 0; i < jars.count; i++) {
        const struct jar *jar = &jars.items[i];
        struct jar_month m = now_of(s, jar);
        struct tool_figure *f = tool_add_figure(out);
        if (!add_to(&out->total, jar->balance, err))
            return false;
        if (f)
            *f = (struct tool_figure){.id = jar->id,
                                      .label = jar->name,
                                      .amount = jar->balance,
                                      .count = -1,
                                      .other = jar_month_available(&m)};
    }
    return true;
}

static void add_detail(struct tool_result *out, struct text label, int64_t amount)
{
    struct tool_figure *f = tool_add_figure(out);
    if (f)
        *f = (struct tool_figure){.label = label, .amount = amount, .count = -1};
}

/* total: what may still be spent this month; other_total: a day. Figures: jars in the same way; of a single jar also
 * its limit, what is spent, and the days left as a count. */
bool tool_jar_left(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    struct jar_list jars;
    int days = 1;
    if (!read_jars(s, "jar_left", arguments, out, &jars, err))
        return false;
    for (size_t i = 0; i < jars.count; i++) {
        const struct jar *jar = &jars.items[i];
        if (arguments->jar_id && jar->id != arguments->jar_id)
            continue;
        struct jar_month m = now_of(s, jar);
        int64_t available = jar_month_available(&m);
        struct tool_figure *f = tool_add_figure(out);
        if (!add_to(&out->total, available, err))
            return false;
        if (f)
            *f = (struct tool_figure){.id = jar->id,
                                      .label = jar->name,
                                      .amount = available,
                                      .count = -1,
                                      .other = jar_limits_per_day(available, s->today, &days)};
        if (arguments->jar_id) {
            add_detail(out, TEXT("limit"), jar_month_limit(&m));
            add_detail(out, TEXT("spent"), m.spent);
        }
    }
    out->other_total = jar_limits_per_day(out->total, s->today, &days);
    if (arguments->jar_id) {
        add_detail(out, TEXT("per_day"), out->other_total);
        out->figures[out->figure_count - 1].count = days;
    }
    return true;
}

/* total: what there is (of a jar: the smaller of its balance and what may be spent this month); other_total: what would
 * be left, negative when it is not enough. */
bool tool_afford(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err)
{
    int64_t there = 0;
    struct jar_list jars;
    if (!read_jars(s, "afford", arguments, out, &jars, err))
        return false;
    if (arguments->jar_id) {
        const struct jar *jar = jars_pick(&jars, arguments->jar_id);
        struct jar_month m = now_of(s, jar);
        int64_t available = jar_month_available(&m);
        there = jar->balance < available ? jar->balance : available;
        struct tool_figure *f = tool_add_figure(out);
        *f = (struct tool_figure){
            .id = jar->id, .label = jar->name, .amount = jar->balance, .count = -1, .other = available};
    } else {
        if (!household_unassigned(s->db, s->household_id, &there, err))
            return false;
        for (size_t i = 0; i < jars.count; i++)
            if (!add_to(&there, jars.items[i].balance, err))
                return false;
    }
    out->total = there;
    return money_sub(there, arguments->amount, &out->other_total) ||
           err_set(err, ERR_OVERFLOW, "The amount is out of range");
}
