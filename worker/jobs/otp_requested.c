#include "jobs/handlers.h"
#include "jobs/mail.h"
#include "store/otp.h"

/* No code here: it would lie in the ledger. The mailer makes it when the mail goes out, for the purpose that the row
 * names. */
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
    return !found || add(job, &contact, purpose, err);
}
