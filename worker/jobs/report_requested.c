#include "jobs/handlers.h"

bool job_report_requested(struct job *job, struct err *err)
{
    (void)err;
    job->export_added = true;
    return true;
}
