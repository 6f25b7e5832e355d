/*
 * Periodic tasks. One task is one row of the table in schedule.c. What is due is computed from the last run that was
 * done, so a worker that was down catches up; a due time is run once, whichever worker comes first (store/periodic.h).
 * Tasks may be run again: twice is once. Pure parts take `now`, so tests and --at fix it.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/date.h"
#include "base/err.h"
#include "worker.h"

struct task_run {
    struct worker *worker;
    struct arena *mem; /* reset between steps by the task as it likes */
    int64_t due_ms, now_ms;
    char result[120]; /* out: what was done, for the log */
};

typedef bool task_fn(struct task_run *run, struct err *err);

/* BY_HAND: never due, only run by --run-task. */
enum task_every { EVERY_HOUR, EVERY_DAY, EVERY_MONTH, BY_HAND };

struct task_row {
    const char *name;
    task_fn *run;
    enum task_every every;
    int hour, minute; /* wall clock of the configured zone; months on their first day; hours only the minute, in UTC */
    bool catch_up;    /* each due time that was missed, else only the latest */
};

extern const struct task_row TASKS[];
extern const size_t TASK_COUNT;

const struct task_row *task_find(struct text name);
/* The latest due time at or before `ms`, and the first one after the due time `due_ms`. */
int64_t task_due_before(const struct task_row *row, const struct zone *zone, int64_t ms);
int64_t task_due_after(const struct task_row *row, const struct zone *zone, int64_t due_ms);

struct schedule;
struct schedule *schedule_start(struct worker *w, struct err *err) MUST_CHECK;
void schedule_stop(struct schedule *s);

/* --run-task: runs it as of now_ms whether or not it was done, and records it as done unless it is BY_HAND. `result` as
 * in task_run. */
bool schedule_run_by_hand(struct worker *w, const struct task_row *row, int64_t now_ms, char result[120],
                          struct err *err) MUST_CHECK;

#endif
