/* What the two jobs that recalculate share. */
#ifndef JOBS_RECALCULATION_H
#define JOBS_RECALCULATION_H

#include "finance/jar_limits.h"
#include "jobs.h"

/* Drift that a recalculation found and mended is a fault of ours: job->alarm. */
void job_tell_repairs(struct job *job, const struct recalculation *r);

#endif
