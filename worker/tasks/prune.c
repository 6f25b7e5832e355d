#include <inttypes.h>
#include <stdio.h>

#include "store/retention.h"
#include "tasks/tasks.h"

enum { BATCHES_MAX = 2000 }; /* of one table in one run: the rest waits for the next */

static bool prune_table(struct task_run *run, size_t i, int64_t *total, struct err *err)
{
    int64_t removed = RETENTION_BATCH;
    for (int n = 0; n < BATCHES_MAX && removed == RETENTION_BATCH; n++) {
        AUTO(db) struct db *db = db_take(run->worker->db_pool, err);
        if (!db || !retention_prune(db, i, run->now_ms, &removed, err))
            return false;
        *total += removed;
    }
    return true;
}

bool task_prune(struct task_run *run, struct err *err)
{
    int64_t total = 0;
    for (size_t i = 0; i < retention_count(); i++)
        if (!prune_table(run, i, &total, err))
            return false;
    snprintf(run->result, sizeof run->result, "removed %" PRId64 " old rows", total);
    return true;
}
