/* What several jobs share: a row of the mail ledger for the event's user. */
#ifndef JOBS_MAIL_H
#define JOBS_MAIL_H

#include "jobs.h"
#include "store/user_contact.h"

/* *found is false (and nothing is to be sent) when the user is gone from the household or was disabled. */
bool job_contact(struct job *job, struct user_contact *out, bool *found, struct err *err) MUST_CHECK;

/* recipient: TEXT_NONE for the contact's own address; ERR_PERMANENT when it is no address. data: a JSON object as text.
 */
bool job_mail(struct job *job, const struct user_contact *contact, const char *template_name, struct text recipient,
              struct text data, struct err *err) MUST_CHECK;

#endif
