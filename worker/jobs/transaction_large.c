#include <inttypes.h>
#include <stdio.h>

#include "jobs/handlers.h"
#include "jobs/mail.h"
#include "jobs/recalculation.h"
#include "store/notification.h"
#include "store/transaction.h"

enum { MONEY_HUMAN_MAX = 64, DATE_HUMAN_MAX = 24, MAIL_DATA_MAX = 16 * 1024 };

/* Everything the mail and the notification say, as text in the user's language. */
struct facts {
    bool vietnamese;
    struct transaction t;
    char amount[MONEY_HUMAN_MAX], date[DATE_HUMAN_MAX];
    bool has_jar, over, current;
    struct jar jar;
    char limit[MONEY_HUMAN_MAX], spent[MONEY_HUMAN_MAX], available[MONEY_HUMAN_MAX], per_day[MONEY_HUMAN_MAX];
    int days_left;
};

static const char *const KIND_WORDS[][2] = {
    [KIND_INCOME] = {"Income", "Thu nhập"},
    [KIND_EXPENSE] = {"Expense", "Chi tiêu"},
    [KIND_TRANSFER] = {"Transfer", "Chuyển hũ"},
};

static void human_date(int32_t ymd, bool vietnamese, char out[DATE_HUMAN_MAX])
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int year = ymd / 10000, month = ymd / 100 % 100, day = ymd % 100;
    if (vietnamese)
        snprintf(out, DATE_HUMAN_MAX, "%02d/%02d/%04d", day, month, year);
    else
        snprintf(out, DATE_HUMAN_MAX, "%d %s %04d", day, months[(month + 11) % 12], year);
}

static void human_money(const struct job *job, const struct facts *f, int64_t minor, char out[MONEY_HUMAN_MAX])
{
    money_format_human(minor, job->scope->currency, f->vietnamese, out, MONEY_HUMAN_MAX);
}

/* A jar that was deleted meanwhile is left out. */
static bool read_jar(struct job *job, struct facts *f, struct err *err)
{
    struct jar_month month;
    struct err miss = {0};
    int32_t ym = date_month(f->t.occurred_on);
    if (!f->t.jar_id)
        return true;
    f->has_jar = jar_limits_month(job->scope, f->t.jar_id, ym, &f->jar, &month, &miss);
    if (!f->has_jar) {
        if (miss.code == ERR_NOT_FOUND)
            return true;
        *err = miss;
        return false;
    }
    int64_t available = jar_month_available(&month);
    f->over = available < 0;
    f->current = ym == date_month(job->scope->today);
    human_money(job, f, jar_month_limit(&month), f->limit);
    human_money(job, f, month.spent, f->spent);
    human_money(job, f, available, f->available);
    human_money(job, f, jar_limits_per_day(available, job->scope->today, &f->days_left), f->per_day);
    return true;
}

static void put(struct json_out *j, const char *key, const char *value)
{
    json_put_text(j, key, text_of(value));
}

static bool mail_data(const struct facts *f, struct buf *out)
{
    struct json_out j;
    json_out_init(&j, out);
    json_begin_object(&j);
    json_put_text(&j, "transactionName", f->t.name);
    put(&j, "kind", KIND_WORDS[f->t.kind][f->vietnamese]);
    put(&j, "date", f->date);
    put(&j, "amount", f->amount);
    json_put_text(&j, "category", f->t.category_name.p ? f->t.category_name : TEXT(""));
    json_put_text(&j, "jar", f->has_jar ? f->jar.name : TEXT(""));
    put(&j, "limit", f->limit);
    put(&j, "spent", f->spent);
    put(&j, "available", f->available);
    put(&j, "over", f->over ? "1" : "");
    put(&j, "pace", f->has_jar && f->current && !f->over ? f->per_day : "");
    json_put_int(&j, "daysLeft", f->days_left);
    json_end_object(&j);
    return !out->failed;
}

static bool mail(struct job *job, const struct user_contact *contact, const struct facts *f, struct err *err)
{
    struct buf data;
    buf_init(&data, MAIL_DATA_MAX);
    bool ok = mail_data(f, &data) ? job_mail(job, contact, "transaction_large", TEXT_NONE, buf_view(&data), err)
                                  : err_set(err, ERR_NO_MEMORY, "no memory for a mail");
    buf_release(&data);
    return ok;
}

static char *message(const struct job *job, const struct facts *f)
{
    struct arena *mem = job->scope->mem;
    const char *kind = KIND_WORDS[f->t.kind][f->vietnamese];
    const char *jar = "";
    if (f->has_jar)
        jar = arena_printf(mem, f->vietnamese ? " Hũ %.*s còn %s trên hạn mức %s." : " Jar %.*s has %s left of %s.",
                           TEXT_ARG(f->jar.name), f->available, f->limit);
    return jar ? arena_printf(mem, "%s %s, %s: %.*s.%s", kind, f->amount, f->date, TEXT_ARG(f->t.name), jar) : NULL;
}

static bool notify(struct job *job, const struct facts *f, struct err *err)
{
    const struct scope *s = job->scope;
    struct notification_row row = {.household_id = s->household_id,
                                   .user_id = s->user_id,
                                   .event_id = job->event->id,
                                   .type = f->t.kind == KIND_INCOME ? "INCOME" : "EXPENSE",
                                   .title = text_of(f->vietnamese ? "Giao dịch lớn" : "Large transaction"),
                                   .message = text_of(message(job, f))};
    if (!row.message.p)
        return err_set(err, ERR_NO_MEMORY, "no memory for a notification");
    return notification_add(s->db, &row, s->now_ms, err);
}

/* *live is false when it was undone before its mail went out. */
static bool read_transaction(struct job *job, struct transaction *t, bool *live, struct err *err)
{
    const struct scope *s = job->scope;
    if (!transaction_find(s->db, s->household_id, job->event->subject_id, s->mem, t, err))
        return false;
    *live = !t->deleted_at_ms;
    return true;
}

static bool tell(struct job *job, struct facts *f, struct err *err)
{
    struct user_contact contact;
    bool found;
    if (!job_contact(job, &contact, &found, err))
        return false;
    if (!found)
        return true;
    f->vietnamese = !text_eq(contact.language, TEXT("en"));
    human_date(f->t.occurred_on, f->vietnamese, f->date);
    human_money(job, f, f->t.amount, f->amount);
    return read_jar(job, f, err) && mail(job, &contact, f, err) && notify(job, f, err);
}

bool job_transaction_large(struct job *job, struct err *err)
{
    struct facts f = {0};
    struct recalculation done = {0};
    bool live;
    if (!read_transaction(job, &f.t, &live, err) ||
        !jar_limits_recalculate(job->scope, date_month(f.t.occurred_on), job->event->id, &done, err))
        return false;
    job_tell_repairs(job, &done);
    return !live || tell(job, &f, err);
}
