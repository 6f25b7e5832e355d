#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/id.h"
#include "finance/jar_limits.h"
#include "service/cache.h"
#include "store/household.h"
#include "store/jar.h"
#include "tasks/tasks.h"

enum { PAGE = 100, DEADLOCK_TRIES = 5 };

struct totals {
    int64_t households, resets, failed;
};

/* In the household's own transaction, so that a page of them holds no lock for long. */
static bool close_once(struct task_run *run, int64_t household, struct recalculation *done, struct err *err)
{
    const struct config *config = &run->worker->config;
    int32_t ended = month_add(date_month(zone_date(config->zone, run->due_ms)), -1);
    AUTO(db) struct db *db = db_take(run->worker->db_pool, err);
    if (!db)
        return false;
    struct scope scope = {.db = db,
                          .mem = run->mem,
                          .household_id = household,
                          .now_ms = run->now_ms,
                          .today = zone_date(config->zone, run->now_ms),
                          .large_amount_default = config->large_transaction_amount};
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    return tx && household_lock(db, household, err) &&
           household_currency(db, household, run->mem, &scope.currency, err) &&
           jar_limits_recalculate(&scope, ended, NULL, done, err) && tx_commit(tx, err);
}

static bool close_household(struct task_run *run, int64_t household, struct totals *totals, struct err *err)
{
    struct recalculation done = {0};
    arena_reset(run->mem);
    for (int tries = 1; !close_once(run, household, &done, err); tries++) {
        if (err->code != ERR_DEADLOCK || tries == DEADLOCK_TRIES)
            return false;
        usleep(1000 * (5 + random_below(20U << tries)));
        err_clear(err);
    }
    totals->households++;
    totals->resets += done.resets;
    cache_move(run->worker->redis, CACHE_HOUSEHOLD, household, run->mem);
    return true;
}

/* One household that fails does not keep the others open; something that is down ends the run, to be tried again. */
static bool close_page(struct task_run *run, const int64_t *ids, size_t count, struct totals *totals, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct err one = {0};
        if (close_household(run, ids[i], totals, &one))
            continue;
        *err = one;
        totals->failed++;
        if (err_is_transient(&one))
            return false;
    }
    return true;
}

static bool next_page(struct task_run *run, int64_t after, int64_t ids[PAGE], size_t *count, struct err *err)
{
    AUTO(db) struct db *db = db_take(run->worker->db_pool, err);
    return db && jar_reset_households(db, after, ids, PAGE, count, err);
}

bool task_month_end(struct task_run *run, struct err *err)
{
    int64_t ids[PAGE], after = 0;
    struct totals totals = {0};
    size_t count;
    do {
        if (!next_page(run, after, ids, &count, err) || !close_page(run, ids, count, &totals, err))
            return false;
        after = count ? ids[count - 1] : after;
    } while (count == PAGE);
    snprintf(run->result, sizeof run->result,
             "closed the month of %" PRId64 " households with %" PRId64 " resets, %" PRId64 " failed",
             totals.households, totals.resets, totals.failed);
    return totals.failed == 0;
}
