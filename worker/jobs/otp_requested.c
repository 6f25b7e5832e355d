#include "jobs/handlers.h"
#include "jobs/mail.h"
#include "base/attr.h"
#include "store/otp.h"

/* No code here: it would lie in the ledger. The mailer makes it when the mail goes out, for the purpose that the row
 * names. */
enum { MONEY_HUMAN_MAX = 64, MAIL_DATA_MAX = 8 * 1024 };

static const struct {
    const char *action, *english, *vietnamese;
} WRITES[] = {
    {"INCOME", "Add an income", "Thêm khoản thu"},
    {"EXPENSE", "Add an expense", "Thêm khoản chi"},
    {"DELETE_INCOME", "Delete an income", "Xóa khoản thu"},
    {"DELETE_EXPENSE", "Delete an expense", "Xóa khoản chi"},
    {"SAVING_GOAL_CONTRIBUTION", "Add to a saving goal", "Góp vào mục tiêu tiết kiệm"},
};

static const char *words_of(struct text action, bool vietnamese)
{
    for (size_t i = 0; i < ARRAY_LEN(WRITES); i++)
        if (text_eq(action, text_of(WRITES[i].action)))
            return vietnamese ? WRITES[i].vietnamese : WRITES[i].english;
    return "";
}

/* What the user is about to write stands in the mail: a code that somebody else asked for is told by it. */
static bool add_for_write(struct job *job, const struct user_contact *contact, const struct otp_purpose *purpose,
                          struct err *err)
{
    AUTO(buf) struct buf data;
    struct json_out j;
    char amount[MONEY_HUMAN_MAX] = "";
    bool vietnamese = !text_eq(contact->language, TEXT("en"));
    int64_t minor = json_get_int(job->event->data, "amount", 0);
    if (minor > 0)
        money_format_human(minor, job->scope->currency, vietnamese, amount, sizeof amount);
    struct text name = json_get_text(job->event->data, "name");
    buf_init(&data, MAIL_DATA_MAX);
    json_out_init(&j, &data);
    json_begin_object(&j);
    json_put_str(&j, "purpose", purpose->name);
    json_put_text(&j, "request", json_get_text(job->event->data, "request"));
    json_put_str(&j, "action", words_of(json_get_text(job->event->data, "action"), vietnamese));
    json_put_str(&j, "amount", amount);
    json_put_text(&j, "transactionName", name.p ? name : TEXT(""));
    json_end_object(&j);
    if (data.failed)
        return err_set(err, ERR_NO_MEMORY, "no memory for a mail");
    return job_mail(job, contact, purpose->template_name, TEXT_NONE, buf_view(&data), err);
}

static bool add(struct job *job, const struct user_contact *contact, const struct otp_purpose *purpose, struct err *err)
{
    struct text recipient = purpose->to_new_address ? json_get_text(job->event->data, "email") : TEXT_NONE;
    char *data = arena_printf(job->scope->mem, "{\"purpose\":\"%s\"}", purpose->name);
    if (purpose->to_new_address && !recipient.n)
        return err_set(err, ERR_PERMANENT, "a code for a new address that is not told");
    if (!data)
        return err_set(err, ERR_NO_MEMORY, "no memory for a mail");
    return job_mail(job, contact, purpose->template_name, recipient, text_of(data), err);
}

bool job_otp_requested(struct job *job, struct err *err)
{
    struct user_contact contact;
    bool found;
    const struct otp_purpose *purpose = otp_purpose_find(json_get_text(job->event->data, "purpose"));
    if (!purpose)
        return err_set(err, ERR_PERMANENT, "a code for an unknown purpose");
    if (!job_contact(job, &contact, &found, err))
        return false;
    if (!found)
        return true;
    return purpose->link_path ? add(job, &contact, purpose, err) : add_for_write(job, &contact, purpose, err);
}
