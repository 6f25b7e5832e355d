/*
 * A job is what an event of the queue asks for. One job is one row of the table in jobs.c: type, handler, whether it
 * needs the household's lock. The runner has opened the effect's transaction, marked the event as processed in it and
 * taken the lock before the handler runs; it commits, moves the cache and wakes the mailer afterwards. So a handler is
 * one call of a rule or a store, may run again from the start, and never talks to anything but the database.
 */
#ifndef JOBS_H
#define JOBS_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "finance/events.h"
#include "finance/scope.h"
#include "service/config.h"

struct job {
    const struct config *config;
    struct scope *scope; /* its db is inside the transaction; its user is the event's */
    const struct event *event;
    bool export_added; /* out: the exporter is woken after the commit */
    bool mail_added;   /* out: the mailer is woken after the commit */
    char alarm[160];   /* out: something wrong was found and mended; logged as ERROR after the commit */
};

typedef bool job_fn(struct job *job, struct err *err);

struct job_row {
    const char *type;
    job_fn *run;
    bool
        locks_household; /* changes the household's rows: its lock first, its cache generation moved after the commit */
};

extern const struct job_row JOBS[];
extern const size_t JOB_COUNT;

/* NULL for an unknown type. */
const struct job_row *job_find(struct text type);

#endif
