#include "runner.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/pace.h"
#include "exporter.h"
#include "jobs.h"
#include "mailer.h"
#include "service/cache.h"
#include "service/log.h"
#include "service/metrics.h"
#include "store/household.h"
#include "store/outbox.h"
#include "store/parked.h"
#include "sweep.h"

enum { DEADLOCK_TRIES = 5 };

/* What is known of a message; event.id is "" when it tells none. */
struct run {
    struct worker *worker;
    const struct queue_message *message;
    struct arena *mem;
    struct json_doc *doc;
    struct event event;
    const struct job_row *row;
    struct job job;
    int64_t deadline_ms; /* monotonic */
    bool nothing_done;   /* the event was processed before, or its household is gone */
};

static bool read_message(struct run *run, struct err *err)
{
    run->doc = json_parse(run->message->body, err);
    if (!run->doc)
        return false;
    if (!event_read(json_root(run->doc), &run->event, err)) {
        event_identify(json_root(run->doc), &run->event);
        return false;
    }
    run->row = job_find(text_of(run->event.type));
    return run->row || err_set(err, ERR_PERMANENT, "unknown type of event");
}

static bool fill_scope(struct run *run, struct db *db, int64_t now_ms, struct scope *scope, struct err *err)
{
    const struct config *config = &run->worker->config;
    *scope = (struct scope){.db = db,
                            .mem = run->mem,
                            .household_id = run->event.household_id,
                            .user_id = run->event.user_id,
                            .now_ms = now_ms,
                            .today = zone_date(config->zone, now_ms),
                            .large_amount_default = config->large_transaction_amount};
    return household_currency(db, scope->household_id, run->mem, &scope->currency, err);
}

/* A cancelled registration takes its household along: its events are processed, with nothing left to do. */
static bool household_gone(struct run *run, struct err *err)
{
    if (err->code != ERR_NOT_FOUND)
        return false;
    err_clear(err);
    run->nothing_done = true;
    return true;
}

/* Marks the event first: a second worker with a copy waits there until this transaction has ended. */
static bool effect(struct run *run, struct db *db, struct scope *scope, struct err *err)
{
    bool first = false;
    int64_t now_ms = clock_now_ms();
    if (!outbox_mark_processed(db, run->event.household_id, run->event.id, now_ms, &first, err))
        return false;
    run->nothing_done = !first;
    if (run->nothing_done)
        return true;
    if (!fill_scope(run, db, now_ms, scope, err))
        return household_gone(run, err);
    if (run->row->locks_household && !household_lock(db, run->event.household_id, err))
        return false;
    run->job = (struct job){.config = &run->worker->config, .scope = scope, .event = &run->event};
    return run->row->run(&run->job, err);
}

static bool run_once(struct run *run, struct scope *scope, struct err *err)
{
    AUTO(db) struct db *db = db_take(run->worker->db_pool, err);
    if (!db)
        return false;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    if (!tx)
        return false;
    db_limit(db, run->deadline_ms);
    return effect(run, db, scope, err) && tx_commit(tx, err);
}

/* Deadlocks try the whole transaction again, with jitter, within the job's limit. */
static bool run_job(struct run *run, struct err *err)
{
    struct scope scope;
    run->deadline_ms = clock_monotonic_ms() + JOB_LIMIT_MS;
    for (int tries = 1; !run_once(run, &scope, err); tries++) {
        if (err->code != ERR_DEADLOCK || tries == DEADLOCK_TRIES || clock_monotonic_ms() > run->deadline_ms)
            return false;
        usleep(1000 * (5 + random_below(20U << tries)));
        err_clear(err);
    }
    if (run->nothing_done)
        return true;
    if (run->row->locks_household)
        cache_move(run->worker->redis, CACHE_HOUSEHOLD, run->event.household_id, run->mem);
    if (run->job.mail_added)
        mailer_wake(run->worker->mailer);
    if (run->job.export_added)
        exporter_wake(run->worker->exporter);
    if (scope.outbox_rows)
        sweep_wake(run->worker->sweep);
    if (run->job.alarm[0])
        log_error("jobs", "%s of household %" PRId64 ": %s", run->row->type, run->event.household_id, run->job.alarm);
    return true;
}

bool runner_tries_again(const struct err *err, int64_t attempt)
{
    if (err_is_transient(err))
        return true;
    bool our_fault = err->code == ERR_INTERNAL || err->code == ERR_OVERFLOW;
    return our_fault && attempt + 1 < JOB_FAULTS_MAX;
}

int runner_delay_s(int64_t attempt, uint32_t chance)
{
    int64_t ms = pace_backoff_ms(JOB_RETRY_FIRST_MS, attempt + 1, INT64_C(1000) * QUEUE_DELAY_MAX_S, chance);
    return ms < 1000 ? 1 : (int)(ms / 1000);
}

static bool delete_message(struct run *run)
{
    struct err err = {0};
    if (queue_delete(run->worker->queue, run->message->receipt, run->mem, &err))
        return true;
    log_err(LOG_WARN, "jobs", "a message that is done could not be deleted; it will come again as a copy", &err);
    return false;
}

/* The copy goes out before the original is deleted: a crash in between leaves two, and one is dropped. */
static bool send_copy(struct run *run, struct err *err)
{
    int64_t first = run->event.first_sent_at_ms ? run->event.first_sent_at_ms : run->message->sent_at_ms;
    char group[24];
    int n = snprintf(group, sizeof group, "h%" PRId64, run->event.household_id);
    struct buf body;
    buf_init(&body, QUEUE_BODY_MAX);
    struct queue_entry entry = {.group = {group, (size_t)n},
                                .delay_s = runner_delay_s(run->event.attempt, random_below(256))};
    bool ok = event_rewrite(json_root(run->doc), run->event.attempt + 1, first, &body, err);
    entry.body = buf_view(&body);
    ok = ok && queue_send(run->worker->queue, &entry, 1, run->mem, err);
    if (ok && !entry.accepted)
        ok = err_set(err, ERR_UNAVAILABLE, "the queue refused the copy: %s", entry.reason);
    buf_release(&body);
    return ok;
}

static enum run_end try_again(struct run *run, const struct err *failure)
{
    struct err err = {0};
    char what[160];
    snprintf(what, sizeof what, "%s failed (attempt %" PRId64 "), will be tried again", run->event.type,
             run->event.attempt);
    log_err(LOG_WARN, "jobs", what, failure);
    if (!send_copy(run, &err)) {
        log_err(LOG_WARN, "jobs", "a delayed copy could not be sent; the message comes again by itself", &err);
        return RUN_LEFT;
    }
    delete_message(run);
    return RUN_RETRIED;
}

/* The outbox row goes along when it is this household's and still open: a message that names a foreign event parks only
 * itself. */
static bool park_rows(struct run *run, struct db *db, const char *reason, bool *known, struct err *err)
{
    int64_t now_ms = clock_now_ms();
    const char *event_id = run->event.id[0] ? run->event.id : NULL;
    enum outbox_state state = OUTBOX_ABSENT;
    struct parked_row row = {.event_id = text_of(event_id),
                             .message_id = text_of(run->message->id),
                             .reason = text_of(reason),
                             .body = run->message->body};
    if (event_id && !outbox_find_state(db, run->event.household_id, event_id, &state, err))
        return false;
    *known = state == OUTBOX_PROCESSED || state == OUTBOX_PARKED;
    if (*known)
        return true;
    return parked_insert(db, &row, now_ms, err) &&
           (state == OUTBOX_ABSENT || outbox_park(db, event_id, reason, now_ms, err));
}

/* *known: the event was processed or parked before, so that this message is a copy and nothing was done. */
static bool park(struct run *run, const char *reason, bool *known, struct err *err)
{
    AUTO(db) struct db *db = db_take(run->worker->db_pool, err);
    if (!db)
        return false;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    return tx && park_rows(run, db, reason, known, err) && tx_commit(tx, err);
}

static struct run_result give_up(struct run *run, const struct err *failure)
{
    struct err err = {0};
    bool known = false;
    if (!park(run, failure->detail, &known, &err)) {
        log_err(LOG_WARN, "jobs", "a message could not be parked; it comes again by itself", &err);
        return (struct run_result){RUN_LEFT, err.code == ERR_UNAVAILABLE};
    }
    if (!known)
        log_err(LOG_ERROR, "jobs", "a message can never be processed and was parked", failure);
    delete_message(run);
    return (struct run_result){known ? RUN_COPY : RUN_PARKED, false};
}

/* Names of METRIC_JOBS' label, in service/metrics.c, lie in this order. */
static_assert(RUN_DONE == 0 && RUN_COPY == 1 && RUN_RETRIED == 2 && RUN_PARKED == 3 && RUN_LEFT == 4,
              "an end has another place than its name in the metrics");

static void count(const struct run *run, struct run_result result, int64_t began_us)
{
    size_t job = run->row ? (size_t)(run->row - JOBS) : JOB_COUNT;
    metric_add(METRIC_JOBS, job, result.end, 1);
    metric_time(METRIC_JOB_SECONDS, job, clock_monotonic_us() - began_us);
}

struct run_result runner_handle(struct worker *w, const struct queue_message *m, struct arena *mem)
{
    struct run run = {.worker = w, .message = m, .mem = mem};
    struct run_result result = {RUN_DONE, false};
    struct err err = {0};
    int64_t began_us = clock_monotonic_us();
    bool ok = read_message(&run, &err);
    log_request_id(run.event.id[0] ? run.event.id : m->id);
    if (ok && run_job(&run, &err)) {
        result.end = run.nothing_done ? RUN_COPY : RUN_DONE;
        delete_message(&run);
    } else if (run.row && runner_tries_again(&err, run.event.attempt)) {
        result.database_down = err.code == ERR_UNAVAILABLE;
        result.end = try_again(&run, &err);
    } else if (!run.row && err_is_transient(&err)) {
        result.end = RUN_LEFT; /* no memory to read it */
    } else {
        result = give_up(&run, &err);
    }
    count(&run, result, began_us);
    json_doc_free(run.doc);
    log_request_id("");
    return result;
}
