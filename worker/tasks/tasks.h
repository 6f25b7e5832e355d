/* The tasks of schedule.c, one file each. */
#ifndef TASKS_TASKS_H
#define TASKS_TASKS_H

#include "schedule.h"

/* Closes the ended months of `reset` jars: what is left moves to unassigned. */
bool task_month_end(struct task_run *run, struct err *err);
/* Makes or completes the assistant's tables in DynamoDB, or says what is missing where it may not. Twice is once. */
bool task_ensure_tables(struct task_run *run, struct err *err);
/* Deletes what is kept no longer (store/retention.h). */
bool task_prune(struct task_run *run, struct err *err);

/* Files: removes what failed uploads and deletions left, rows and objects. */
bool task_documents(struct task_run *run, struct err *err);
/* Looks at what clients of the office network sent to S3 themselves; what is what was announced becomes `stored`. */
bool documents_check_arrivals(struct worker *w, int64_t now_ms, struct arena *mem, struct err *err) MUST_CHECK;

#endif
