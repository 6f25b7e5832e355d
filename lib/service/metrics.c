#include "service/metrics.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "service/log_ship.h"
#include "service/metrics_internal.h"

#define BOTH (PROGRAM_API | PROGRAM_WORKER)
#define LIST(label, list) {label, list, ARRAY_LEN(list), ARRAY_LEN(list) + 1}
#define ROUTES_LABEL {"route", NULL, 0, METRIC_ROUTES_MAX + 1}
#define JOBS_LABEL {"job", NULL, 0, METRIC_JOBS_MAX + 1}

static const char *const STATUSES[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
static const char *const RATES[] = {"none", "api",     "ai",      "chat",       "gemini_chat",
                                    "tips", "exports", "sign_in", "code_resend"};
static const char *const CACHES[] = {"sessions", "answers"};
static const char *const HITS[] = {"miss", "hit"};
static const char *const EVENTS[] = {"sent", "delayed", "parked"};
static const char *const ENDS[] = {"done", "copy", "retried", "parked", "left"};
static const char *const MAILS[] = {"sent", "refused", "deferred", "unsendable"};
static const char *const NEEDS[] = {"mysql", "redis", "sqs", "s3"};

struct metric_place METRIC_PLACES[METRIC_COUNT] = {
    [METRIC_REQUESTS] = {{METRIC_REQUESTS, "requests_total", "Answers by route and class of status", KIND_COUNTER,
                          PROGRAM_API, ROUTES_LABEL, LIST("status", STATUSES)},
                         0},
    [METRIC_LIMITED] = {{METRIC_LIMITED, "rate_limited_total", "Requests that a rate limit refused", KIND_COUNTER,
                         PROGRAM_API, LIST("limit", RATES)},
                        0},
    [METRIC_CACHE] = {{METRIC_CACHE, "cache_total", "Look-ups in the cache", KIND_COUNTER, PROGRAM_API,
                       LIST("cache", CACHES), LIST("result", HITS)},
                      0},
    [METRIC_DB_WAITS] = {{METRIC_DB_WAITS, "database_pool_waits_total", "Times that a connection had to be waited for",
                          KIND_COUNTER, BOTH},
                         0},
    [METRIC_DB_WAIT_TIMEOUTS] = {{METRIC_DB_WAIT_TIMEOUTS, "database_pool_wait_timeouts_total",
                                  "Waits for a connection that were in vain", KIND_COUNTER, BOTH},
                                 0},
    [METRIC_EVENTS] = {{METRIC_EVENTS, "outbox_events_total", "Events by what the queue did with them", KIND_COUNTER,
                        BOTH, LIST("result", EVENTS)},
                       0},
    [METRIC_JOBS] = {{METRIC_JOBS, "jobs_total", "Messages by type and end", KIND_COUNTER, PROGRAM_WORKER, JOBS_LABEL,
                      LIST("result", ENDS)},
                     0},
    [METRIC_MAILS] = {{METRIC_MAILS, "mails_total", "Mails by what the mail server did with them", KIND_COUNTER,
                       PROGRAM_WORKER, LIST("result", MAILS)},
                      0},
    [METRIC_LINES_LOST] = {{METRIC_LINES_LOST, "log_lines_lost_total", "Log lines that did not reach the log group",
                            KIND_COUNTER, BOTH},
                           0},
    [METRIC_REQUEST_SECONDS] = {{METRIC_REQUEST_SECONDS, "request_seconds",
                                 "Time from a request's arrival in the program to its answer", KIND_HISTOGRAM,
                                 PROGRAM_API, ROUTES_LABEL},
                                0},
    [METRIC_JOB_SECONDS] = {{METRIC_JOB_SECONDS, "job_seconds", "Time of a message from its receipt to its end",
                             KIND_HISTOGRAM, PROGRAM_WORKER, JOBS_LABEL},
                            0},
    [METRIC_MEMORY] = {{METRIC_MEMORY, "resident_memory_bytes", "Of all processes together", GAUGE_SUM, BOTH}, 0},
    [METRIC_DB_OPEN] = {{METRIC_DB_OPEN, "database_connections", "Open connections", GAUGE_SUM, BOTH}, 0},
    [METRIC_DB_BUSY] = {{METRIC_DB_BUSY, "database_connections_busy", "Connections at work", GAUGE_SUM, BOTH}, 0},
    [METRIC_BREAKER] = {{METRIC_BREAKER, "receive_breaker_open", "Workers that receive nothing, as MySQL is away",
                         GAUGE_SUM, PROGRAM_WORKER},
                        0},
    [METRIC_OUTBOX_AGE] = {{METRIC_OUTBOX_AGE, "outbox_age_seconds", "Age of the oldest event not yet processed",
                            GAUGE_MAX, BOTH},
                           0},
    [METRIC_OUTBOX_PENDING] = {{METRIC_OUTBOX_PENDING, "outbox_pending", "Events not yet processed", GAUGE_MAX, BOTH},
                               0},
    [METRIC_PARKED] = {{METRIC_PARKED, "parked_events", "Events that can never be processed", GAUGE_MAX, BOTH}, 0},
    [METRIC_UP] = {{METRIC_UP, "dependency_up", "Whether a dependency answers", GAUGE_MIN, PROGRAM_API,
                    LIST("dependency", NEEDS)},
                   0},
};

const int64_t BUCKET_US[BUCKETS - 1] = {1000,   2500,   5000,    10000,   25000,   50000,   100000,
                                        250000, 500000, 1000000, 2500000, 5000000, 10000000};

enum {
    COUNTS = 8192, /* cells; metrics_open() asserts that all rows fit */
    GAUGES = 32,
    UNSET = -1
};

/* What the processes of a program share. */
struct shared {
    atomic_uint_least64_t counts[COUNTS];
    struct process {
        atomic_int pid; /* 0: free */
        atomic_int_least64_t gauges[GAUGES];
    } processes[PROCESSES_MAX];
};

/* Of this process since the last metrics_window_take(). */
static struct {
    atomic_int_least64_t requests, errors, buckets[BUCKETS];
    int64_t lines_lost; /* told so far */
} window;

static struct shared *shared;
static enum program owner;
static struct process *own; /* NULL: all places are taken, so this process's gauges are not shown */
static struct db_pool_stats seen;
static int64_t lines_seen;
static atomic_int_least64_t memory;

/* ---- places ---- */

static bool is_gauge(const struct metric_row *row)
{
    return row->kind >= GAUGE_SUM;
}

static size_t room(const struct label *label)
{
    return label->name ? label->room : 1;
}

static void place_rows(const struct metrics_options *o)
{
    size_t counts = 0, gauges = 0;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        struct metric_place *p = &METRIC_PLACES[i];
        size_t cells = room(&p->row.a) * room(&p->row.b) * (p->row.kind == KIND_HISTOGRAM ? HISTOGRAM : 1);
        size_t *used = is_gauge(&p->row) ? &gauges : &counts;
        assert(p->row.m == i);
        if (p->row.a.room == METRIC_ROUTES_MAX + 1) {
            p->row.a.values = o->routes;
            p->row.a.count = o->route_count < METRIC_ROUTES_MAX ? o->route_count : METRIC_ROUTES_MAX;
        } else if (p->row.a.room == METRIC_JOBS_MAX + 1) {
            p->row.a.values = o->jobs;
            p->row.a.count = o->job_count < METRIC_JOBS_MAX ? o->job_count : METRIC_JOBS_MAX;
        }
        p->first = *used;
        *used += cells;
    }
    assert(counts <= COUNTS && gauges <= GAUGES);
}

static size_t within(const struct label *label, size_t i)
{
    if (!label->name)
        return 0;
    return i < label->count ? i : label->count;
}

size_t metric_cell(const struct metric_place *p, size_t a, size_t b)
{
    size_t i = within(&p->row.a, a) * room(&p->row.b) + within(&p->row.b, b);
    return p->first + i * (p->row.kind == KIND_HISTOGRAM ? HISTOGRAM : 1);
}

/* ---- the shared memory ---- */

static uint64_t hash_text(uint64_t h, const char *s)
{
    do
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211); /* FNV-1a */
    while (*s++);
    return h;
}

/* Programs of another version, whose cells mean something else, use another file. */
static uint64_t layout(const struct metrics_options *o)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ sizeof(struct shared);
    for (size_t i = 0; i < METRIC_COUNT; i++)
        h = hash_text(h, METRIC_PLACES[i].row.name);
    for (size_t i = 0; i < o->route_count; i++)
        h = hash_text(h, o->routes[i]);
    for (size_t i = 0; i < o->job_count; i++)
        h = hash_text(h, o->jobs[i]);
    return h;
}

static struct shared *map(int fd)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, flags, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static bool map_shared(const struct metrics_options *o, struct err *err)
{
    char path[512];
    int n = snprintf(path, sizeof path, "%s/%s-%016" PRIx64 ".metrics", o->dir,
                     o->program == PROGRAM_API ? "api" : "worker", layout(o));
    int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    if (fd < 0)
        return err_set(err, ERR_INTERNAL, "METRICS_DIR cannot be used");
    /* Grows a new file by zeros and leaves one of this size alone. A full disk would kill at the first touch. */
    bool ok = posix_fallocate(fd, 0, sizeof(struct shared)) == 0 && (shared = map(fd)) != NULL;
    close(fd);
    return ok || err_set(err, ERR_INTERNAL, "The file in METRICS_DIR cannot be used");
}

static bool is_gone(int pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}

static struct process *take_place(void)
{
    int me = (int)getpid();
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *p = &shared->processes[i];
        int was = atomic_load(&p->pid);
        if ((was != 0 && was != me && !is_gone(was)) || !atomic_compare_exchange_strong(&p->pid, &was, me))
            continue;
        for (size_t g = 0; g < GAUGES; g++)
            atomic_store(&p->gauges[g], UNSET);
        return p;
    }
    return NULL;
}

bool metrics_open(const struct metrics_options *opts, struct err *err)
{
    place_rows(opts);
    owner = opts->program;
    if (opts->dir ? !map_shared(opts, err) : (shared = map(-1)) == NULL)
        return opts->dir ? false : err_set(err, ERR_NO_MEMORY, "Not enough memory for the metrics");
    own = take_place();
    return true;
}

void metrics_close(void)
{
    if (!shared)
        return;
    if (own)
        atomic_store(&own->pid, 0);
    munmap(shared, sizeof *shared);
    shared = NULL;
    own = NULL;
}

bool metrics_are_open(enum program *program)
{
    *program = owner;
    return shared != NULL;
}

/* ---- counting ---- */

static void add(size_t cell, uint64_t by)
{
    atomic_fetch_add_explicit(&shared->counts[cell], by, memory_order_relaxed);
}

size_t metric_status(int status)
{
    return status < 200 ? 0 : status >= 500 ? 4 : (size_t)(status / 100 - 1);
}

void metric_add(enum metric m, size_t a, size_t b, uint64_t by)
{
    if (!shared || by == 0)
        return;
    add(metric_cell(&METRIC_PLACES[m], a, b), by);
    if (m == METRIC_REQUESTS) {
        atomic_fetch_add_explicit(&window.requests, (int64_t)by, memory_order_relaxed);
        if (b == 4)
            atomic_fetch_add_explicit(&window.errors, (int64_t)by, memory_order_relaxed);
    }
}

static size_t bucket_of(int64_t us)
{
    size_t i = 0;
    while (i < BUCKETS - 1 && us > BUCKET_US[i])
        i++;
    return i;
}

void metric_time(enum metric m, size_t a, int64_t us)
{
    if (!shared)
        return;
    size_t cell = metric_cell(&METRIC_PLACES[m], a, 0), bucket = bucket_of(us);
    add(cell + bucket, 1);
    add(cell + BUCKETS, us > 0 ? (uint64_t)us : 0);
    if (m == METRIC_REQUEST_SECONDS)
        atomic_fetch_add_explicit(&window.buckets[bucket], 1, memory_order_relaxed);
}

void metric_set(enum metric m, size_t a, int64_t value)
{
    if (shared && own)
        atomic_store_explicit(&own->gauges[metric_cell(&METRIC_PLACES[m], a, 0)], value, memory_order_relaxed);
}

/* ---- what must be looked at ---- */

/* /proc/self/statm: sizes in pages, the resident one is the second. */
static int64_t resident_bytes(void)
{
    char text[128];
    long long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return sscanf(text, "%*s %lld", &pages) == 1 ? pages * sysconf(_SC_PAGESIZE) : 0;
}

static void refresh_pool(struct db_pool *pool)
{
    struct db_pool_stats now;
    db_pool_stats(pool, &now);
    metric_set(METRIC_DB_OPEN, 0, (int64_t)now.open);
    metric_set(METRIC_DB_BUSY, 0, (int64_t)now.busy);
    metric_add(METRIC_DB_WAITS, 0, 0, (uint64_t)(now.waits - seen.waits));
    metric_add(METRIC_DB_WAIT_TIMEOUTS, 0, 0, (uint64_t)(now.wait_timeouts - seen.wait_timeouts));
    seen = now;
}

void metrics_refresh(struct db_pool *pool)
{
    int64_t lost = log_ship_lost();
    if (!shared)
        return;
    if (pool)
        refresh_pool(pool);
    metric_add(METRIC_LINES_LOST, 0, 0, (uint64_t)(lost - lines_seen));
    lines_seen = lost;
    atomic_store(&memory, resident_bytes());
    metric_set(METRIC_MEMORY, 0, atomic_load(&memory));
}

/* ---- reading ---- */

uint64_t metric_count(size_t cell)
{
    return atomic_load_explicit(&shared->counts[cell], memory_order_relaxed);
}

static int64_t together(enum metric_kind kind, bool any, int64_t so_far, int64_t value)
{
    if (!any)
        return value;
    if (kind == GAUGE_SUM)
        return so_far + value;
    return (kind == GAUGE_MAX) == (value > so_far) ? value : so_far;
}

int64_t metric_gauge(const struct metric_place *p, size_t cell, bool *any)
{
    int64_t result = 0;
    *any = false;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        struct process *process = &shared->processes[i];
        int pid = atomic_load(&process->pid);
        int64_t value = atomic_load_explicit(&process->gauges[cell], memory_order_relaxed);
        if (pid == 0 || value == UNSET || is_gone(pid))
            continue;
        result = together(p->row.kind, *any, result, value);
        *any = true;
    }
    return result;
}

size_t metric_processes(void)
{
    size_t n = 0;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        int pid = atomic_load(&shared->processes[i].pid);
        n += pid != 0 && !is_gone(pid);
    }
    return n;
}

/* ---- the last minute ---- */

/* Where in its bucket the 99th of a hundred lies, as if the bucket were filled evenly. */
static int64_t p99_ms(const int64_t buckets[BUCKETS], int64_t all)
{
    int64_t rank = all - all / 100, below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        if (below + buckets[i] < rank) {
            below += buckets[i];
            continue;
        }
        int64_t from = i ? BUCKET_US[i - 1] : 0, to = i < BUCKETS - 1 ? BUCKET_US[i] : from;
        return (from + (to - from) * (rank - below) / buckets[i] + 999) / 1000;
    }
    return 0;
}

void metrics_window_take(struct metrics_window *out)
{
    int64_t buckets[BUCKETS], all = 0, lost = log_ship_lost();
    for (size_t i = 0; i < BUCKETS; i++)
        all += buckets[i] = atomic_exchange(&window.buckets[i], 0);
    *out = (struct metrics_window){.requests = atomic_exchange(&window.requests, 0),
                                   .errors = atomic_exchange(&window.errors, 0),
                                   .p99_ms = all ? p99_ms(buckets, all) : 0,
                                   .lines_lost = lost - window.lines_lost,
                                   .memory_bytes = atomic_load(&memory)};
    window.lines_lost = lost;
}
