#include "base/date.h"
#include "finance/imports/rules.h"
#include "jobs/handlers.h"

bool job_import_rules(struct job *job, struct err *err)
{
    struct rules_applied done;
    int32_t after_day;
    if (!date_parse(json_get_text(job->event->data, "afterDay"), &after_day))
        return err_set(err, ERR_PERMANENT, "rules applied from no day");
    return rules_apply(job->scope, after_day, json_get_int(job->event->data, "afterId", 0), &done, err);
}
