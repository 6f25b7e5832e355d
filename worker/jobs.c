#include "jobs.h"

#include "jobs/handlers.h"

const struct job_row JOBS[] = {
    {EVENT_IMPORT_CONTINUE, job_import_continue, .locks_household = true},
    {EVENT_IMPORT_RULES, job_import_rules, .locks_household = true},
    {EVENT_JARS_RECALCULATE, job_jars_recalculate, .locks_household = true},
    {EVENT_MAIL_REQUESTED, job_mail_requested, .locks_household = false},
    {EVENT_OTP_REQUESTED, job_otp_requested, .locks_household = false},
    {EVENT_REPORT_REQUESTED, job_report_requested, .locks_household = false},
    {EVENT_TRANSACTION_LARGE, job_transaction_large, .locks_household = true},
};
const size_t JOB_COUNT = ARRAY_LEN(JOBS);

const struct job_row *job_find(struct text type)
{
    for (size_t i = 0; i < JOB_COUNT; i++)
        if (text_eq(text_of(JOBS[i].type), type))
            return &JOBS[i];
    return NULL;
}
