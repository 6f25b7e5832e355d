#include "finance/tools.h"

#include "base/date.h"
#include "base/fields.h"
#include "finance/tools_run.h"
#include "store/transaction.h"

/* JSON schemas of what a tool takes; ids come from the figures of other tools. */
#define P_FROM "\"from\":{\"type\":\"string\",\"format\":\"date\"},\"to\":{\"type\":\"string\",\"format\":\"date\"}"
#define P_KIND "\"kind\":{\"type\":\"string\",\"enum\":[\"income\",\"expense\"]}"
#define P_CATEGORY "\"categoryId\":{\"type\":\"integer\"}"
#define P_JAR "\"jarId\":{\"type\":\"integer\"}"
#define P_LIMIT "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50}"
#define SCHEMA(properties) "{\"type\":\"object\",\"properties\":{" properties "},\"additionalProperties\":false}"
#define P_SUMS P_KIND "," P_FROM "," P_CATEGORY "," P_JAR

const struct tool TOOLS[] = {
    {"totals", "Sum and number of expenses (or incomes) of a period, of one category or jar if asked.", SCHEMA(P_SUMS),
     tool_totals},
    {"by_category", "Sums of a period by category, largest first; total is their sum.", SCHEMA(P_SUMS),
     tool_by_category},
    {"by_jar", "Sums of a period by the jar that paid, largest first; total is their sum.", SCHEMA(P_SUMS),
     tool_by_jar},
    {"by_month", "Sums by month, oldest first (default: the last six months); total is their sum.", SCHEMA(P_SUMS),
     tool_by_month},
    {"average", "total: the average of a month, other: of a day (default: the last three whole months).",
     SCHEMA(P_SUMS), tool_average},
    {"biggest", "The largest single transactions of a period.", SCHEMA(P_SUMS "," P_LIMIT), tool_biggest},
    {"latest", "The latest transactions, newest first; expenses are negative, total is their balance.",
     SCHEMA(P_SUMS "," P_LIMIT), tool_latest},
    {"compare",
     "Two periods (default: this month and the one before): total and other; figures are categories with the amount "
     "in the first and other in the second.",
     SCHEMA(P_SUMS ",\"otherFrom\":{\"type\":\"string\",\"format\":\"date\"},"
                   "\"otherTo\":{\"type\":\"string\",\"format\":\"date\"}"),
     tool_compare},
    {"balances",
     "All the money now: total, other is what no jar holds; figures are jars with their balance, other is what may be "
     "spent from it this month.",
     SCHEMA(""), tool_balances},
    {"jar_left",
     "What may still be spent this month from one jar or all: total, and other a day; figures are jars in the same "
     "way, of one jar also its limit and what is spent.",
     SCHEMA(P_JAR), tool_jar_left},
    {"afford", "Whether an amount is there, in a jar if asked: total is what there is, other what would be left.",
     "{\"type\":\"object\",\"properties\":{\"amount\":{\"type\":\"number\"}," P_JAR
     "},\"required\":[\"amount\"],\"additionalProperties\":false}",
     tool_afford},
};
const size_t TOOL_COUNT = ARRAY_LEN(TOOLS);

const struct tool *tool_find(struct text name)
{
    for (size_t i = 0; i < TOOL_COUNT; i++)
        if (text_eq(name, text_of(TOOLS[i].name)))
            return &TOOLS[i];
    return NULL;
}

static const struct field ARGUMENTS[] = {
    FIELD_DATE("from", struct tool_arguments, from, 0),
    FIELD_DATE("to", struct tool_arguments, to, 0),
    FIELD_DATE("otherFrom", struct tool_arguments, other_from, 0),
    FIELD_DATE("otherTo", struct tool_arguments, other_to, 0),
    FIELD_CHOICE("kind", struct tool_arguments, kind, 0, TRANSACTION_KINDS),
    FIELD_ID("categoryId", struct tool_arguments, category_id, FF_ZERO_IS_NULL),
    FIELD_ID("jarId", struct tool_arguments, jar_id, FF_ZERO_IS_NULL),
    FIELD_MONEY("amount", struct tool_arguments, amount, 0, 1),
    FIELD_INT("limit", struct tool_arguments, limit, 0, 1, TOOL_LIMIT_MAX),
    FIELD_END,
};

bool tool_read_arguments(const struct json_node *arguments, const struct currency *cur, struct tool_arguments *out,
                         struct err *err)
{
    struct tool_arguments a = {.kind = -1};
    /* No row of the table is a text, so reading needs no memory. */
    struct field_ctx ctx = {.currency = cur, .refuse_unknown = true};
    /* A model without anything to say sends null. */
    if (json_kind(arguments) != JSON_NULL && !fields_read_json(ARGUMENTS, arguments, &a, &ctx, err))
        return false;
    if ((a.from && a.to && a.from > a.to) || (a.other_from && a.other_to && a.other_from > a.other_to))
        return err_field(err, "from", "Ngày bắt đầu phải trước ngày kết thúc");
    *out = a;
    return true;
}

static void write_arguments(struct json_out *j, const struct tool_arguments *a, const struct currency *cur)
{
    json_key(j, "arguments");
    json_begin_object(j);
    if (a->from)
        json_put_date(j, "from", a->from);
    if (a->to)
        json_put_date(j, "to", a->to);
    if (a->other_from)
        json_put_date(j, "otherFrom", a->other_from);
    if (a->other_to)
        json_put_date(j, "otherTo", a->other_to);
    if (a->kind >= 0)
        json_put_str(j, "kind", TRANSACTION_KINDS[a->kind]);
    if (a->category_id)
        json_put_int(j, "categoryId", a->category_id);
    if (a->jar_id)
        json_put_int(j, "jarId", a->jar_id);
    if (a->amount)
        json_put_money(j, "amount", a->amount, cur);
    if (a->limit)
        json_put_int(j, "limit", a->limit);
    json_end_object(j);
}

static void write_figure(struct json_out *j, const struct tool_figure *f, const struct currency *cur)
{
    json_begin_object(j);
    json_put_id(j, "id", f->id);
    json_put_text(j, "label", f->label);
    json_put_money(j, "amount", f->amount, cur);
    json_put_money(j, "other", f->other, cur);
    if (f->count >= 0)
        json_put_int(j, "count", f->count);
    if (f->date)
        json_put_date(j, "date", f->date);
    json_end_object(j);
}

void tool_write_json(struct json_out *j, const struct tool_result *r, const struct currency *cur)
{
    json_begin_object(j);
    json_put_str(j, "tool", r->tool);
    write_arguments(j, &r->arguments, cur);
    json_put_money(j, "total", r->total, cur);
    json_put_money(j, "other", r->other_total, cur);
    json_key(j, "figures");
    json_begin_array(j);
    for (size_t i = 0; i < r->figure_count; i++)
        write_figure(j, &r->figures[i], cur);
    json_end_array(j);
    json_end_object(j);
}
