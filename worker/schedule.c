#include "schedule.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/pace.h"
#include "service/log.h"
#include "store/periodic.h"
#include "tasks/tasks.h"

enum {
    LOOK_EVERY_MS = 20 * 1000,
    RETRY_MS = 60 * 1000,
    CATCH_UP_MAX = 36, /* due times of one task in one look */
    FAULT_LINE_MS = 10000,
    CLOCK_FAULT_MS = 5 * 60 * 1000,
    ARENA_FIRST = 64 * 1024,
    ARENA_MAX = 64 * 1024 * 1024, /* all entries' sums of one household */
    TOKEN_BYTES = 16
};

const struct task_row TASKS[] = {
    {"month-end", task_month_end, EVERY_MONTH, 0, 10, .catch_up = true},
    {"ensure-tables", task_ensure_tables, BY_HAND, 0, 0, .catch_up = false},
    {"documents", task_documents, EVERY_HOUR, 0, 40, .catch_up = false},
    {"prune", task_prune, EVERY_HOUR, 0, 20, .catch_up = false},
};
const size_t TASK_COUNT = ARRAY_LEN(TASKS);

const struct task_row *task_find(struct text name)
{
    for (size_t i = 0; i < TASK_COUNT; i++)
        if (text_eq(text_of(TASKS[i].name), name))
            return &TASKS[i];
    return NULL;
}

/* ---- due times ---- */

static int64_t offset_at(const struct zone *zone, int64_t ms)
{
    return instant_join(zone_split(zone, ms)) - ms;
}

/* A wall clock time that the zone skips or has twice gets the offset of one side. */
static int64_t wall_clock(const struct zone *zone, int32_t ymd, int hour, int minute)
{
    struct instant_parts p = {
        .year = ymd / 10000, .month = ymd / 100 % 100, .day = ymd % 100, .hour = hour, .minute = minute};
    int64_t local = instant_join(p);
    int64_t guess = local - offset_at(zone, local);
    return local - offset_at(zone, guess);
}

static int32_t step_day(enum task_every every, int32_t ymd, int n)
{
    return every == EVERY_MONTH ? month_first_day(month_add(date_month(ymd), n)) : date_from_days(date_days(ymd) + n);
}

int64_t task_due_before(const struct task_row *row, const struct zone *zone, int64_t ms)
{
    const int64_t hour = 3600 * 1000, in_hour = row->minute * INT64_C(60000);
    if (row->every == EVERY_HOUR)
        return (ms - in_hour) / hour * hour + in_hour;
    int32_t day = step_day(row->every, zone_date(zone, ms), 0);
    int64_t due = wall_clock(zone, day, row->hour, row->minute);
    return due <= ms ? due : wall_clock(zone, step_day(row->every, day, -1), row->hour, row->minute);
}

int64_t task_due_after(const struct task_row *row, const struct zone *zone, int64_t due_ms)
{
    if (row->every == EVERY_HOUR)
        return task_due_before(row, zone, due_ms) + 3600 * 1000;
    int32_t day = step_day(row->every, zone_date(zone, due_ms), 0);
    int64_t due = wall_clock(zone, day, row->hour, row->minute);
    return due > due_ms ? due : wall_clock(zone, step_day(row->every, day, 1), row->hour, row->minute);
}

/* ---- running ---- */

struct claim {
    const char *name;
    int64_t due_ms;
    char token[2 * TOKEN_BYTES + 1];
};

static bool claim(struct worker *w, struct claim *c, bool *claimed, struct err *err)
{
    random_hex(TOKEN_BYTES, c->token);
    AUTO(db) struct db *db = db_take(w->db_pool, err);
    return db && periodic_claim(db, c->name, c->due_ms, c->token, clock_now_ms(), claimed, err);
}

static bool settle(struct worker *w, const struct claim *c, bool done, struct err *err)
{
    int64_t now_ms = clock_now_ms();
    AUTO(db) struct db *db = db_take(w->db_pool, err);
    if (!db)
        return false;
    return done ? periodic_mark_done(db, c->name, c->due_ms, c->token, now_ms, err)
                : periodic_back_off(db, c->name, c->due_ms, c->token, now_ms + RETRY_MS, err);
}

/* True when it is done now; false with an untouched *err when another worker is at it. */
static bool run_due(struct worker *w, const struct task_row *row, int64_t due_ms, int64_t now_ms, struct arena *mem,
                    struct err *err)
{
    struct claim c = {.name = row->name, .due_ms = due_ms};
    struct task_run run = {.worker = w, .mem = mem, .due_ms = due_ms, .now_ms = now_ms};
    struct err failure = {0};
    bool claimed = false;
    if (!claim(w, &c, &claimed, err) || !claimed)
        return false;
    bool done = row->run(&run, &failure);
    if (done)
        log_info("schedule", "%s: %s", row->name, run.result);
    else
        log_err(LOG_ERROR, "schedule", row->name, &failure);
    return settle(w, &c, done, err) && done;
}

static bool last_done(struct worker *w, const char *name, int64_t *due_ms, struct err *err)
{
    AUTO(db) struct db *db = db_take(w->db_pool, err);
    return db && periodic_last_done(db, name, due_ms, err);
}

/* In order: a due time that could not be done keeps the later ones waiting, since the last one done is what counts. */
static bool run_missed(struct worker *w, const struct task_row *row, int64_t now_ms, struct arena *mem, struct err *err)
{
    const struct zone *zone = w->config.zone;
    int64_t last = 0, latest = task_due_before(row, zone, now_ms);
    if (!last_done(w, row->name, &last, err))
        return false;
    int64_t due = last && row->catch_up ? task_due_after(row, zone, last) : latest;
    for (int n = 0; due > last && due <= latest && n < CATCH_UP_MAX; n++) {
        if (!run_due(w, row, due, now_ms, mem, err))
            break;
        due = task_due_after(row, zone, due);
    }
    return err->code == ERR_NONE;
}

/* As one of its due times, which nobody else runs meanwhile. */
static bool run_claimed(struct worker *w, const struct task_row *row, struct task_run *run, struct err *err)
{
    struct claim c = {.name = row->name, .due_ms = run->due_ms};
    bool claimed = false;
    bool ok = claim(w, &c, &claimed, err) && row->run(run, err);
    return claimed ? settle(w, &c, ok, err) && ok : ok;
}

bool schedule_run_by_hand(struct worker *w, const struct task_row *row, int64_t now_ms, char result[120],
                          struct err *err)
{
    struct arena *mem = arena_new(ARENA_FIRST, ARENA_MAX);
    struct task_run run = {.worker = w, .mem = mem, .due_ms = now_ms, .now_ms = now_ms};
    bool ok = mem || err_set(err, ERR_NO_MEMORY, "no memory for a task");
    if (ok && row->every == BY_HAND) {
        ok = row->run(&run, err);
    } else if (ok) {
        run.due_ms = task_due_before(row, w->config.zone, now_ms);
        ok = run_claimed(w, row, &run, err);
    }
    snprintf(result, sizeof run.result, "%s", run.result);
    arena_free(mem);
    return ok;
}

/* ---- the thread ---- */

struct schedule {
    struct worker *worker;
    struct arena *mem;
    struct bell bell;
    pthread_t thread;
    int64_t last_line_ms;
};

/* A clock that jumped ahead would close months and throw away what is to be kept. A database that is away is told by
 * the tasks themselves. */
static bool clock_is_right(struct schedule *s, int64_t ours)
{
    struct err err = {0};
    int64_t theirs;
    AUTO(db) struct db *db = db_take(s->worker->db_pool, &err);
    if (!db || !periodic_clock(db, &theirs, &err) || llabs(ours - theirs) <= CLOCK_FAULT_MS)
        return true;
    if (pace_due(&s->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        log_error("schedule", "this machine's clock differs from the database's by %lld s: periodic tasks wait",
                  (long long)((ours - theirs) / 1000));
    return false;
}

static void look(struct schedule *s)
{
    int64_t now_ms = clock_now_ms(); /* one reading for all: the clock may jump in between */
    if (!clock_is_right(s, now_ms))
        return;
    for (size_t i = 0; i < TASK_COUNT && !bell_stopped(&s->bell); i++) {
        struct err err = {0};
        arena_reset(s->mem);
        if (TASKS[i].every != BY_HAND && !run_missed(s->worker, &TASKS[i], now_ms, s->mem, &err) &&
            pace_due(&s->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
            log_err(LOG_WARN, "schedule", TASKS[i].name, &err);
    }
}

static void look_at_arrivals(struct schedule *s)
{
    struct err err = {0};
    arena_reset(s->mem);
    if (!documents_check_arrivals(s->worker, clock_now_ms(), s->mem, &err) &&
        pace_due(&s->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        log_err(LOG_WARN, "schedule", "arrivals", &err);
}

static void *run(void *arg)
{
    struct schedule *s = arg;
    log_thread_name("schedule");
    do {
        look(s);
        look_at_arrivals(s);
    } while (bell_wait(&s->bell, LOOK_EVERY_MS));
    return NULL;
}

static void release(struct schedule *s)
{
    arena_free(s->mem);
    bell_release(&s->bell);
    free(s);
}

struct schedule *schedule_start(struct worker *w, struct err *err)
{
    struct schedule *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(err, ERR_NO_MEMORY, "no memory for the schedule");
        return NULL;
    }
    s->worker = w;
    bell_init(&s->bell);
    s->mem = arena_new(ARENA_FIRST, ARENA_MAX);
    if (!s->mem || pthread_create(&s->thread, NULL, run, s) != 0) {
        err_set(err, ERR_INTERNAL, "the schedule's thread could not be started");
        release(s);
        return NULL;
    }
    return s;
}

void schedule_stop(struct schedule *s)
{
    if (!s)
        return;
    bell_stop(&s->bell);
    pthread_join(s->thread, NULL);
    release(s);
}
