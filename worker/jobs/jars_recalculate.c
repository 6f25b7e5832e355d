#include <inttypes.h>
#include <stdio.h>

#include "jobs/handlers.h"
#include "jobs/recalculation.h"

void job_tell_repairs(struct job *job, const struct recalculation *r)
{
    if (r->repaired_months || r->repaired_balances)
        snprintf(job->alarm, sizeof job->alarm,
                 "repaired %" PRId64 " jar months and %" PRId64 " balances that did not equal their entries",
                 r->repaired_months, r->repaired_balances);
}

bool job_jars_recalculate(struct job *job, struct err *err)
{
    struct recalculation done = {0};
    int32_t from_month;
    if (!month_parse(json_get_text(job->event->data, "fromMonth"), &from_month))
        return err_set(err, ERR_PERMANENT, "a recalculation from no month");
    if (!jar_limits_recalculate(job->scope, from_month, job->event->id, &done, err))
        return false;
    job_tell_repairs(job, &done);
    return true;
}
