#include "finance/imports/post.h"
#include "jobs/handlers.h"

/* An import that was removed meanwhile has nothing left to do. */
bool job_import_continue(struct job *job, struct err *err)
{
    if (import_continue(job->scope, job->event->subject_id, err))
        return true;
    if (err->code != ERR_NOT_FOUND)
        return false;
    err_clear(err);
    return true;
}
