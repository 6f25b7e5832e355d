/*
 * Sends what the mail ledger holds, in a thread of its own: claims a row under a lease, renders it, hands it to the
 * connection that is open, and commits `sent` inside the library's message-sent event. A dead server or a 4xx only
 * delays; no job waits for mail.
 */
#ifndef MAILER_H
#define MAILER_H

#include "base/attr.h"
#include "base/err.h"
#include "worker.h"

struct mailer;
struct mailer *mailer_start(struct worker *w, struct err *err) MUST_CHECK;
void mailer_wake(struct mailer *m); /* NULL is fine; never blocks */
void mailer_stop(struct mailer *m);

#endif
