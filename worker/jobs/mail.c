#include "jobs/mail.h"

#include "store/mail_ledger.h"

bool job_contact(struct job *job, struct user_contact *out, bool *found, struct err *err)
{
    struct scope *s = job->scope;
    struct err miss = {0};
    *found = user_contact_find(s->db, s->household_id, s->user_id, s->mem, out, &miss);
    if (*found) {
        *found = !out->disabled;
        return true;
    }
    if (miss.code == ERR_NOT_FOUND)
        return true;
    *err = miss;
    return false;
}

bool job_mail(struct job *job, const struct user_contact *contact, const char *template_name, struct text recipient,
              struct text data, struct err *err)
{
    if (recipient.n && !text_is_email(recipient))
        return err_set(err, ERR_PERMANENT, "a mail to what is no address");
    struct scope *s = job->scope;
    struct mail_row row = {.household_id = s->household_id,
                           .user_id = s->user_id,
                           .event_id = text_of(job->event->id),
                           .recipient = recipient.n ? recipient : contact->email,
                           .template_name = text_of(template_name),
                           .language = contact->language,
                           .data = data};
    job->mail_added = true;
    return mail_enqueue(s->db, &row, s->now_ms, err);
}
