#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "service/aws/dynamodb.h"
#include "store/chat.h"
#include "tasks/tasks.h"

enum {
    CONNECT_TIMEOUT_MS = 3000,
    TOTAL_TIMEOUT_MS = 10000,
    DEADLINE_MS = 30000,
    /* An index over a large table is made in minutes, and nothing else depends on this run. */
    WAIT_MS = 30 * 60 * 1000,
    LOOK_FIRST_MS = 50,
    LOOK_MOST_MS = 5000,
    MISSING_MAX = 240 /* fits an error's detail */
};

struct work {
    struct dynamodb *db;
    struct buf missing;
    struct err *cause; /* the first refusal, for the log */
    int made;
};

static bool refused(struct work *w, const struct dynamodb_table *table, const char *what, const struct err *why)
{
    buf_printf(&w->missing, "%s%s: %s", w->missing.n > 0 ? "; " : "", table->name, what);
    if (why && w->cause->code == ERR_NONE)
        *w->cause = *why;
    return false;
}

/* One step: what is missing where it fails. */
static bool step(struct work *w, const struct dynamodb_table *table, const char *what,
                 bool make(struct dynamodb *, const struct dynamodb_table *, struct err *))
{
    struct err why = {0};
    if (!make(w->db, table, &why))
        return refused(w, table, what, &why);
    w->made++;
    return true;
}

static void rest(int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
}

static bool can_be_used(const struct dynamodb_state *s)
{
    return s->exists && s->active && (!s->index_exists || s->index_active);
}

/* Until the table, and its index when it has one, can be used: another change is refused before. One that was just made
 * may not be seen at once; without `made` there may be none. */
static bool await(struct work *w, const struct dynamodb_table *table, bool made, struct dynamodb_state *s)
{
    int64_t deadline = clock_monotonic_ms() + WAIT_MS;
    for (int ms = LOOK_FIRST_MS;; ms = ms * 2 < LOOK_MOST_MS ? ms * 2 : LOOK_MOST_MS) {
        struct err why = {0};
        if (!dynamodb_describe(w->db, table, s, &why))
            return refused(w, table, "its state (it may not be looked at)", &why);
        if (can_be_used(s) || (!s->exists && !made))
            return true;
        if (clock_monotonic_ms() > deadline)
            return refused(w, table, "it did not become active", NULL);
        rest(ms);
    }
}

static bool ensure_index(struct work *w, const struct dynamodb_table *table, struct dynamodb_state *s)
{
    char what[80];
    snprintf(what, sizeof(what), "the index %s%s", table->index.name, s->index_differs ? " (it has other keys)" : "");
    if (s->index_exists)
        return true;
    if (s->index_differs)
        return refused(w, table, what, NULL);
    return step(w, table, what, dynamodb_create_index) && await(w, table, true, s);
}

static bool ensure_ttl(struct work *w, const struct dynamodb_table *table, struct dynamodb_state *s)
{
    struct err why = {0};
    if (!dynamodb_describe_ttl(w->db, table, s, &why))
        return refused(w, table, "its TTL (it may not be looked at)", &why);
    return s->ttl_on || step(w, table, "its TTL", dynamodb_set_ttl);
}

static void ensure(struct work *w, const struct dynamodb_table *table)
{
    struct dynamodb_state s;
    if (!await(w, table, false, &s))
        return;
    if (!s.exists && (!step(w, table, "the table", dynamodb_create_table) || !await(w, table, true, &s)))
        return;
    bool index = ensure_index(w, table, &s);
    bool ttl = ensure_ttl(w, table, &s);
    (void)index, (void)ttl;
}

static struct dynamodb *open_client(const struct worker *w, struct err *err)
{
    const struct config *c = &w->config;
    const struct dynamodb_options opts = {.region = c->aws_region,
                                          .endpoint_url = c->aws_endpoint_url_dynamodb ? c->aws_endpoint_url_dynamodb
                                                                                       : c->aws_endpoint_url,
                                          .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                          .total_timeout_ms = TOTAL_TIMEOUT_MS,
                                          .deadline_ms = DEADLINE_MS,
                                          .handles = 1};
    return dynamodb_open(&opts, w->credentials, err);
}

bool task_ensure_tables(struct task_run *run, struct err *err)
{
    struct err cause = {0};
    struct work w = {.cause = &cause, .db = open_client(run->worker, err)};
    if (!w.db)
        return false;
    buf_init(&w.missing, 16 * 1024);
    for (size_t i = 0; i < CHAT_TABLES; i++)
        ensure(&w, &CHAT_TABLE_ROWS[i]);
    dynamodb_close(w.db);
    bool ok = w.missing.n == 0 && !w.missing.failed;
    if (ok)
        snprintf(run->result, sizeof run->result, w.made ? "made what was missing (%d steps)" : "everything is there",
                 w.made);
    else {
        err_set(err, ERR_UNAVAILABLE, "Missing, and not to be made with these permissions: %.*s", MISSING_MAX,
                w.missing.n > 0 ? w.missing.p : "");
        err_cause(err, "%s", cause.cause);
    }
    buf_release(&w.missing);
    return ok;
}
