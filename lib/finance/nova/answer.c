#include "finance/nova/answer.h"

#include "base/date.h"
#include "finance/nova/say.h"
#include "finance/tools_run.h"
#include "store/category.h"
#include "store/jar.h"
#include "store/transaction.h"

enum { TOP_SHOWN = 3 };

static struct nova_name *names_new(struct scope *s, size_t count)
{
    return arena_array(s->mem, count ? count : 1, sizeof(struct nova_name));
}

bool nova_context_read(struct scope *s, struct nova_context *out, struct err *err)
{
    struct category_list categories;
    struct jar_list jars;
    if (!category_list(s->db, s->household_id, s->mem, &categories, err) ||
        !jar_list(s->db, s->household_id, date_month(s->today), s->mem, &jars, err))
        return false;
    struct nova_name *category = names_new(s, categories.count), *jar = names_new(s, jars.count);
    if (!category || !jar)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    for (size_t i = 0; i < categories.count; i++)
        category[i] = (struct nova_name){
            .id = categories.items[i].id, .name = categories.items[i].name, .type = categories.items[i].type};
    for (size_t i = 0; i < jars.count; i++)
        jar[i] = (struct nova_name){.id = jars.items[i].id, .name = jars.items[i].name, .type = -1};
    *out = (struct nova_context){.today = s->today,
                                 .currency = s->currency,
                                 .categories = category,
                                 .category_count = categories.count,
                                 .jars = jar,
                                 .jar_count = jars.count};
    return true;
}

/* ---- one answer ---- */

struct answering {
    struct scope *s;
    const struct nova_intent *intent;
    const struct nova_context *ctx;
    struct nova_answer *out;
    struct say y;
};

static struct text name_of(const struct nova_name *names, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].id == id)
            return names[i].name;
    return TEXT("?");
}

static struct text category_name(const struct answering *a)
{
    return name_of(a->ctx->categories, a->ctx->category_count, a->intent->category_id);
}

static struct text jar_name(const struct answering *a)
{
    return name_of(a->ctx->jars, a->ctx->jar_count, a->intent->jar_id);
}

/* Runs a tool and keeps what it gave among the sources; NULL on a fault. */
static struct tool_result *ask(struct answering *a, tool_fn *run, const struct tool_arguments *arguments,
                               struct err *err)
{
    struct tool_result *r = arena_new_of(a->s->mem, struct tool_result);
    if (!r || a->out->source_count == ANSWER_SOURCES_MAX) {
        err_set(err, ERR_NO_MEMORY, "Out of memory");
        return NULL;
    }
    if (!run(a->s, arguments, r, err))
        return NULL;
    a->out->sources[a->out->source_count++] = r;
    return r;
}

static struct tool_arguments arguments_of(const struct answering *a, int64_t kind)
{
    const struct nova_intent *i = a->intent;
    return (struct tool_arguments){.kind = kind,
                                   .from = i->from,
                                   .to = i->to,
                                   .other_from = i->other_from,
                                   .other_to = i->other_to,
                                   .category_id = i->category_id,
                                   .jar_id = i->jar_id,
                                   .amount = i->amount,
                                   .limit = i->limit};
}

static struct text label_or(const struct answering *a, struct text label)
{
    return label.p ? label : a->y.vi ? TEXT("(không có)") : TEXT("(none)");
}

/* The first letter of the reply in upper case where a period begins it ("tháng này" -> "Tháng này"). */
static void capital(struct buf *b)
{
    if (b->n && b->p[0] >= 'a' && b->p[0] <= 'z')
        b->p[0] = (char)(b->p[0] - 'a' + 'A');
}

/* ---- sums ---- */

static void say_top(struct answering *a, const struct tool_result *r)
{
    size_t shown = r->figure_count < TOP_SHOWN ? r->figure_count : TOP_SHOWN;
    if (shown)
        say(&a->y, " Nhiều nhất: ", " Mostly: ");
    for (size_t i = 0; i < shown; i++)
        SAY(&a->y, "{0} {1}{2}", "{0} {1}{2}", SAY_TEXT(label_or(a, r->figures[i].label)),
            SAY_MONEY(r->figures[i].amount), SAY_TEXT(i + 1 < shown ? TEXT(", ") : TEXT(".")));
}

static int64_t count_of(const struct tool_result *r)
{
    int64_t n = 0;
    for (size_t i = 0; i < r->figure_count; i++)
        n += r->figures[i].count > 0 ? r->figures[i].count : 0;
    return n;
}

static void say_unknown_category(struct answering *a)
{
    if (!a->intent->category_id && !a->intent->jar_id && a->intent->category_hint.n)
        SAY(&a->y, "Bạn chưa có danh mục \"{0}\". ", "You have no category \"{0}\". ",
            SAY_TEXT(a->intent->category_hint));
}

static void say_sum(struct answering *a, const struct tool_result *r, bool income)
{
    struct say_arg period = SAY_PERIOD(r->arguments.from, r->arguments.to), sum = SAY_MONEY(r->total),
                   count = SAY_NUMBER(count_of(r));
    struct text vi = income ? TEXT("thu") : TEXT("chi"), en = income ? TEXT("earned") : TEXT("spent");
    SAY(&a->y, "{0} bạn đã {3} {1}", "You {3} {1}", period, sum, count, SAY_TEXT(a->y.vi ? vi : en));
    if (a->intent->category_id)
        SAY(&a->y, " cho {0}", income ? " from {0}" : " on {0}", SAY_TEXT(category_name(a)));
    if (a->intent->jar_id)
        SAY(&a->y, " từ hũ {0}", " from the jar {0}", SAY_TEXT(jar_name(a)));
    SAY(&a->y, " ({2} giao dịch).", " {0} ({2} transactions).", period, sum, count);
}

static bool answer_sum(struct answering *a, bool income, struct err *err)
{
    struct tool_arguments arguments = arguments_of(a, income ? KIND_INCOME : KIND_EXPENSE);
    bool all = !arguments.category_id && !arguments.jar_id;
    struct tool_result *r = ask(a, all ? tool_by_category : tool_totals, &arguments, err);
    if (!r)
        return false;
    say_unknown_category(a);
    size_t at = a->y.buf.n;
    say_sum(a, r, income);
    if (!at)
        capital(&a->y.buf);
    if (all && r->figure_count > 1)
        say_top(a, r);
    return true;
}

static bool answer_spent(struct answering *a, struct err *err)
{
    return answer_sum(a, false, err);
}

static bool answer_earned(struct answering *a, struct err *err)
{
    return answer_sum(a, true, err);
}

/* ---- lists ---- */

static void say_list(struct answering *a, const struct tool_result *r)
{
    for (size_t i = 0; i < r->figure_count; i++)
        SAY(&a->y, "\n{0}. {1}: {2} ({3})", "\n{0}. {1}: {2} ({3})", SAY_NUMBER((int64_t)i + 1),
            SAY_TEXT(r->figures[i].label), SAY_MONEY(r->figures[i].amount), SAY_DAY(r->figures[i].date));
}

static bool answer_biggest(struct answering *a, struct err *err)
{
    struct tool_arguments arguments = arguments_of(a, KIND_EXPENSE);
    struct tool_result *r = ask(a, tool_biggest, &arguments, err);
    if (!r)
        return false;
    struct say_arg period = SAY_PERIOD(r->arguments.from, r->arguments.to);
    if (r->figure_count)
        SAY(&a->y, "Các khoản chi lớn nhất {0}:", "The biggest expenses {0}:", period);
    else
        SAY(&a->y, "Chưa có khoản chi nào {0}.", "There are no expenses {0}.", period);
    say_list(a, r);
    return true;
}

static bool answer_latest(struct answering *a, struct err *err)
{
    struct tool_arguments arguments = arguments_of(a, -1);
    struct tool_result *r = ask(a, tool_latest, &arguments, err);
    if (!r)
        return false;
    if (r->figure_count)
        say(&a->y, "Các giao dịch gần nhất:", "The latest transactions:");
    else
        say(&a->y, "Chưa có giao dịch nào.", "There are no transactions.");
    say_list(a, r);
    return true;
}

/* ---- comparison ---- */

/* One period said: it is compared with this month, or this month with the one before. */
static void both_periods(const struct answering *a, struct tool_arguments *t)
{
    int32_t month = date_month(a->s->today);
    if (t->other_from || !t->from || (date_month(t->from) == month && date_month(t->to) == month))
        return;
    t->other_from = t->from;
    t->other_to = t->to;
    t->from = month_first_day(month);
    t->to = month_last_day(month);
}

static void say_difference(struct answering *a, const struct tool_result *r)
{
    int64_t change = r->total - r->other_total;
    if (!change) {
        say(&a->y, " Hai kỳ bằng nhau.", " Both are the same.");
        return;
    }
    struct say_arg by = SAY_MONEY(change < 0 ? -change : change);
    if (change > 0)
        SAY(&a->y, " Tăng {0}", " That is {0} more", by);
    else
        SAY(&a->y, " Giảm {0}", " That is {0} less", by);
    int64_t scaled;
    if (r->other_total > 0 && !__builtin_mul_overflow(by.n, 100, &scaled))
        SAY(&a->y, " ({0}%)", " ({0}%)", SAY_NUMBER((scaled + r->other_total / 2) / r->other_total));
    say(&a->y, ".", ".");
}

static bool answer_compare(struct answering *a, struct err *err)
{
    struct tool_arguments arguments = arguments_of(a, KIND_EXPENSE);
    both_periods(a, &arguments);
    struct tool_result *r = ask(a, tool_compare, &arguments, err);
    if (!r)
        return false;
    SAY(&a->y, "Bạn đã chi {1} {0} và {3} {2}.", "You spent {1} {0} and {3} {2}.",
        SAY_PERIOD(r->arguments.from, r->arguments.to), SAY_MONEY(r->total),
        SAY_PERIOD(r->arguments.other_from, r->arguments.other_to), SAY_MONEY(r->other_total));
    if (a->intent->category_id)
        SAY(&a->y, " (Danh mục {0}.)", " (Category {0}.)", SAY_TEXT(category_name(a)));
    say_difference(a, r);
    return true;
}

/* ---- jars ---- */

static bool answer_balance(struct answering *a, struct err *err)
{
    struct tool_arguments arguments = {.kind = -1};
    struct tool_result *r = ask(a, tool_balances, &arguments, err);
    if (!r)
        return false;
    SAY(&a->y, "Bạn đang có tổng cộng {0}.", "You have {0} in all.", SAY_MONEY(r->total));
    for (size_t i = 0; i < r->figure_count; i++)
        SAY(&a->y, "\n- {0}: {1}", "\n- {0}: {1}", SAY_TEXT(r->figures[i].label), SAY_MONEY(r->figures[i].amount));
    if (r->other_total || !r->figure_count)
        SAY(&a->y, "\n- Chưa phân bổ: {0}", "\n- Unassigned: {0}", SAY_MONEY(r->other_total));
    return true;
}

static int64_t figure_named(const struct tool_result *r, const char *label)
{
    for (size_t i = 1; i < r->figure_count; i++)
        if (text_eq(r->figures[i].label, text_of(label)))
            return r->figures[i].amount;
    return 0;
}

static bool answer_jar_left(struct answering *a, struct err *err)
{
    struct tool_arguments arguments = {.kind = -1, .jar_id = a->intent->jar_id};
    struct tool_result *r = ask(a, tool_jar_left, &arguments, err);
    if (!r)
        return false;
    int64_t days = r->figure_count ? r->figures[r->figure_count - 1].count : 0;
    if (arguments.jar_id) {
        SAY(&a->y, "Hũ {0} còn {1} trong tháng này (hạn mức {2}, đã chi {3})",
            "The jar {0} has {1} left this month (limit {2}, spent {3})", SAY_TEXT(jar_name(a)), SAY_MONEY(r->total),
            SAY_MONEY(figure_named(r, "limit")), SAY_MONEY(figure_named(r, "spent")));
        SAY(&a->y, ", tức {0} mỗi ngày trong {1} ngày còn lại.", ", that is {0} a day for the {1} days that remain.",
            SAY_MONEY(r->other_total), SAY_NUMBER(days));
        return true;
    }
    SAY(&a->y, "Tháng này các hũ còn {0}, tức {1} mỗi ngày.", "The jars have {0} left this month, that is {1} a day.",
        SAY_MONEY(r->total), SAY_MONEY(r->other_total));
    for (size_t i = 0; i < r->figure_count; i++)
        SAY(&a->y, "\n- {0}: {1}", "\n- {0}: {1}", SAY_TEXT(r->figures[i].label), SAY_MONEY(r->figures[i].amount));
    return true;
}

static bool answer_afford(struct answering *a, struct err *err)
{
    struct tool_arguments arguments = {.kind = -1, .jar_id = a->intent->jar_id, .amount = a->intent->amount};
    struct tool_result *r = ask(a, tool_afford, &arguments, err);
    if (!r)
        return false;
    struct say_arg there = SAY_MONEY(r->total), amount = SAY_MONEY(arguments.amount);
    if (arguments.jar_id)
        SAY(&a->y, "Hũ {0} có thể chi {1}. ", "The jar {0} has {1} to spend. ", SAY_TEXT(jar_name(a)), there);
    else
        SAY(&a->y, "Bạn đang có {0}. ", "You have {0}. ", there);
    if (r->other_total >= 0)
        SAY(&a->y, "Đủ để chi {0}, sau đó còn {1}.", "That is enough for {0}; {1} would be left.", amount,
            SAY_MONEY(r->other_total));
    else
        SAY(&a->y, "Không đủ để chi {0}, còn thiếu {1}.", "That is not enough for {0}; {1} is missing.", amount,
            SAY_MONEY(-r->other_total));
    return true;
}

/* ---- talk ---- */

static bool answer_greeting(struct answering *a, struct err *err)
{
    (void)err;
    say(&a->y, "Xin chào! Tôi là Nova. Bạn muốn ghi một khoản chi, hay hỏi về tiền của mình?",
        "Hello! I am Nova. Would you like to record an expense, or ask about your money?");
    return true;
}

static bool answer_thanks(struct answering *a, struct err *err)
{
    (void)err;
    say(&a->y, "Không có gì! Tôi luôn sẵn sàng giúp bạn.", "You are welcome! I am glad to help.");
    return true;
}

static bool answer_help(struct answering *a, struct err *err)
{
    (void)err;
    say(&a->y,
        "Tôi có thể ghi và trả lời về tiền của bạn. Ví dụ:\n- \"ăn trưa 50k\", \"lương 15tr\"\n"
        "- \"tháng này chi bao nhiêu cho ăn uống?\"\n- \"so sánh tháng này với tháng trước\"\n"
        "- \"khoản chi lớn nhất tháng này\"\n- \"hũ Hưởng thụ còn bao nhiêu?\"\n- \"mua điện thoại 5 triệu được "
        "không?\"",
        "I can record your money and answer about it. For example:\n- \"lunch 50k\", \"salary 15m\"\n"
        "- \"how much did I spend on food this month?\"\n- \"compare this month with last month\"\n"
        "- \"biggest expenses this month\"\n- \"what is left in jar Fun?\"\n- \"can I afford a phone for 5 million?\"");
    return true;
}

typedef bool answer_fn(struct answering *a, struct err *err);

static answer_fn *const ANSWERS[INTENT_COUNT] = {
    [INTENT_GREETING] = answer_greeting, [INTENT_THANKS] = answer_thanks,   [INTENT_BALANCE] = answer_balance,
    [INTENT_SPENT] = answer_spent,       [INTENT_EARNED] = answer_earned,   [INTENT_BIGGEST] = answer_biggest,
    [INTENT_LATEST] = answer_latest,     [INTENT_COMPARE] = answer_compare, [INTENT_AFFORD] = answer_afford,
    [INTENT_JAR_LEFT] = answer_jar_left,
};

bool nova_answer(struct scope *s, const struct nova_intent *intent, const struct nova_context *ctx,
                 struct nova_answer *out, struct err *err)
{
    struct nova_answer made = {0};
    struct answering a = {.s = s, .intent = intent, .ctx = ctx, .out = &made};
    answer_fn *answer = ANSWERS[intent->kind] ? ANSWERS[intent->kind] : answer_help;
    say_init(&a.y, intent->language == NOVA_VI, s->currency, s->today);
    bool ok = answer(&a, err);
    made.reply = say_end(&a.y, s->mem);
    if (!ok)
        return false;
    if (!made.reply.p)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    *out = made;
    return true;
}
