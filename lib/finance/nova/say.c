#include "finance/nova/say.h"

#include <inttypes.h>

#include "base/date.h"

void say_init(struct say *y, bool vietnamese, const struct currency *currency, int32_t today)
{
    *y = (struct say){.vi = vietnamese, .currency = currency, .today = today};
    buf_init(&y->buf, SAY_MAX);
}

void say(struct say *y, const char *vi, const char *en)
{
    buf_str(&y->buf, y->vi ? vi : en);
}

static void put_day(struct say *y, int32_t ymd)
{
    buf_printf(&y->buf, "%02d/%02d/%04d", ymd % 100, ymd / 100 % 100, ymd / 10000);
}

static void put_money(struct say *y, int64_t amount)
{
    char text[MONEY_TEXT_MAX * 2];
    size_t n = money_format_human(amount, y->currency, y->vi, text, sizeof text);
    buf_put(&y->buf, text, n);
}

static bool is_whole_month(int32_t from, int32_t to)
{
    return date_month(from) == date_month(to) && from == month_first_day(date_month(from)) &&
           to == month_last_day(date_month(to));
}

static void put_month(struct say *y, int32_t ym)
{
    static const char *const NAMES[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
    int32_t now = date_month(y->today);
    if (ym == now)
        say(y, "tháng này", "this month");
    else if (ym == month_add(now, -1))
        say(y, "tháng trước", "last month");
    else if (y->vi)
        buf_printf(&y->buf, "tháng %d/%d", ym % 100, ym / 100);
    else
        buf_printf(&y->buf, "%s %d", NAMES[ym % 100 - 1], ym / 100);
}

static void put_period(struct say *y, int32_t from, int32_t to)
{
    int32_t yesterday = date_from_days(date_days(y->today) - 1);
    if (from == to && from == y->today) {
        say(y, "hôm nay", "today");
    } else if (from == to && from == yesterday) {
        say(y, "hôm qua", "yesterday");
    } else if (from == to) {
        say(y, "ngày ", "on ");
        put_day(y, from);
    } else if (is_whole_month(from, to)) {
        put_month(y, date_month(from));
    } else if (from / 10000 == to / 10000 && from % 10000 == 101 && to % 10000 == 1231) {
        say(y, "năm ", "in ");
        buf_int(&y->buf, from / 10000);
    } else {
        say(y, "từ ", "from ");
        put_day(y, from);
        say(y, " đến ", " to ");
        put_day(y, to);
    }
}

static void put_arg(struct say *y, const struct say_arg *arg)
{
    switch (arg->kind) {
    case 't': buf_text(&y->buf, arg->t); break;
    case 'm': put_money(y, arg->n); break;
    case 'd': put_day(y, (int32_t)arg->n); break;
    case 'p': put_period(y, (int32_t)(arg->n / 100000000), (int32_t)(arg->n % 100000000)); break;
    default: buf_int(&y->buf, arg->n); break;
    }
}

void say_with(struct say *y, const char *vi, const char *en, const struct say_arg *args, size_t count)
{
    for (const char *p = y->vi ? vi : en; *p; p++) {
        if (p[0] == '{' && p[1] >= '0' && p[1] <= '9' && p[2] == '}' && (size_t)(p[1] - '0') < count) {
            put_arg(y, &args[p[1] - '0']);
            p += 2;
        } else {
            buf_char(&y->buf, *p);
        }
    }
}

struct text say_end(struct say *y, struct arena *mem)
{
    struct text out = TEXT_NONE;
    if (!y->buf.failed)
        out = arena_text(mem, y->buf.n ? buf_view(&y->buf) : TEXT(""));
    buf_release(&y->buf);
    return out;
}
