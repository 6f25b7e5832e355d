/*
 * Makes the files of the table exports, in a thread of its own: claims a row under a lease, builds the file in the
 * spool, puts it into S3 and then, in one transaction, says that it is done, tells the user and queues the mail. A
 * worker that dies leaves a lease that lapses: another one begins anew with the same document, and only who still holds
 * the lease can finish. While S3 or the database is away the row stays queued.
 */
#ifndef EXPORTER_H
#define EXPORTER_H

#include "base/attr.h"
#include "base/err.h"
#include "worker.h"

struct exporter;
struct exporter *exporter_start(struct worker *w, struct err *err) MUST_CHECK;
void exporter_wake(struct exporter *e); /* NULL is fine; never blocks */
void exporter_stop(struct exporter *e);

#endif
