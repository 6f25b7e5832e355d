/* The handlers of jobs.c, one file each. */
#ifndef JOBS_HANDLERS_H
#define JOBS_HANDLERS_H

#include "jobs.h"

/* data {purpose, email?}: mails a code or a link, as store/otp.h says of the purpose. The code itself is made by the
 * mailer. */
bool job_otp_requested(struct job *job, struct err *err);
/* data {template, recipient?, the template's values}: mails the event's user, or the recipient given (an address that
 * is not the user's). */
bool job_mail_requested(struct job *job, struct err *err);
/* subjectId: the transaction. Recalculates the limits from its month, then tells the user by mail and in the app. */
bool job_transaction_large(struct job *job, struct err *err);
/* subjectId: an import whose confirmation or undo goes on by a step. */
bool job_import_continue(struct job *job, struct err *err);
/* data {afterDay, afterId}: the rules of imports are applied to what is behind that transaction. */
bool job_import_rules(struct job *job, struct err *err);
/* data {fromMonth}: recalculates the household's jar months from that month. */
bool job_jars_recalculate(struct job *job, struct err *err);
/* subjectId: the export. Its row in the database is the work; this only wakes who does it. */
bool job_report_requested(struct job *job, struct err *err);

#endif
