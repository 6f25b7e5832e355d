/* moneymanager-worker: takes events from the queue, runs their jobs, sends the mails and runs the periodic tasks. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pace.h"
#include "exporter.h"
#include "loop.h"
#include "jobs.h"
#include "mailer.h"
#include "parked.h"
#include "parts.h"
#include "schedule.h"
#include "service/log.h"
#include "service/log_ship.h"
#include "service/metrics.h"
#include "service/metrics_port.h"
#include "service/mime.h"
#include "service/resolver.h"
#include "service/smtp.h"
#include "sweep.h"
#include "watchdog.h"

#ifndef MM_VERSION
#define MM_VERSION "unknown"
#endif

enum {
    EXIT_BAD_START = 2, /* settings or options: starting again does not help */
    STOP_S = 9,         /* of the 10 s that a stop may take; what is unfinished then comes again by its lease */
    SCHEMA_RETRY_MS = 1000,
    TELL_MS = 10 * 1000
};

static int fail(const char *what, const struct err *err)
{
    log_err(LOG_ERROR, "main", what, err);
    return EXIT_FAILURE;
}

/* The last of all: what the others say at their end is still copied. */
static void end_log(struct worker *w)
{
    metrics_close();
    log_ship_stop(w->log_ship);
    w->log_ship = NULL;
    log_open(w->config.log_level, w->config.log_json, NULL); /* the zone goes */
    config_release(&w->config);
}

/* A fault is told in the log: the program runs without metrics. */
static void count_from_here(const struct config *config)
{
    static const char *names[METRIC_JOBS_MAX];
    struct err err = {0};
    size_t n = JOB_COUNT < METRIC_JOBS_MAX ? JOB_COUNT : METRIC_JOBS_MAX;
    for (size_t i = 0; i < n; i++)
        names[i] = JOBS[i].type;
    struct metrics_options opts = {
        .program = PROGRAM_WORKER, .dir = config->metrics_dir, .jobs = names, .job_count = n};
    if (!metrics_open(&opts, &err))
        log_err(LOG_WARN, "metrics", "nothing is counted", &err);
}

/* 0, or the exit code. */
static int open_all(struct worker *w)
{
    struct err err = {0};
    if (!config_load(&w->config, PROGRAM_WORKER, stderr))
        return EXIT_BAD_START;
    log_open(w->config.log_level, w->config.log_json, w->config.zone);
    w->log_ship = log_ship_configured(&w->config);
    count_from_here(&w->config);
    if (parts_open(w, &err))
        return 0;
    int code = fail("the program could not start", &err);
    end_log(w);
    return code;
}

static void close_all(struct worker *w)
{
    parts_close(w);
    end_log(w);
}

/* ---- serving ---- */

static sigset_t stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

/* True when one came within ms. */
static bool stop_asked(const sigset_t *set, int64_t ms)
{
    struct timespec wait = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    return sigtimedwait(set, NULL, &wait) > 0;
}

/* False when it was told to stop before MySQL was there. */
static bool await_schema(struct worker *w, const sigset_t *set)
{
    int64_t told_ms = 0;
    size_t steps = 0;
    for (;;) {
        struct err err = {0};
        heartbeat_beat(&w->heartbeat);
        if (parts_migrate(w, &steps, &err))
            break;
        if (pace_due(&told_ms, clock_monotonic_ms(), TELL_MS))
            log_err(err_is_transient(&err) ? LOG_WARN : LOG_ERROR, "main", "waiting for the database's schema", &err);
        if (stop_asked(set, SCHEMA_RETRY_MS))
            return false;
    }
    if (steps || told_ms)
        log_info("main", "the schema is ready, %zu migration steps ran", steps);
    return true;
}

struct threads {
    struct loop *loop;
    struct schedule *schedule;
};

/* What others wake comes first. */
static bool start_threads(struct worker *w, struct threads *t, struct err *err)
{
    return (w->mailer = mailer_start(w, err)) != NULL && (w->exporter = exporter_start(w, err)) != NULL &&
           (w->sweep = sweep_start(w, err)) != NULL && (w->watchdog = watchdog_start(w, err)) != NULL &&
           (t->schedule = schedule_start(w, err)) != NULL && (t->loop = loop_start(w, err)) != NULL;
}

static void stop_threads(struct worker *w, struct threads *t)
{
    loop_stop(t->loop);
    watchdog_stop(w->watchdog);
    schedule_stop(t->schedule);
    sweep_stop(w->sweep);
    exporter_stop(w->exporter);
    mailer_stop(w->mailer);
}

static void on_alarm(int number)
{
    (void)number;
    _exit(EXIT_SUCCESS);
}

static void limit_stop(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    alarm(STOP_S);
}

static int run_threads(struct worker *w, const sigset_t *set)
{
    struct threads t = {0};
    struct err err = {0};
    int code = EXIT_SUCCESS, number = 0;
    struct metrics_port *metrics = metrics_port_configured(w->config.worker_metrics_port);
    if (start_threads(w, &t, &err)) {
        log_info("main", "moneymanager-worker %s runs with %d handlers", MM_VERSION, (int)w->config.worker_handlers);
        sigwait(set, &number);
        log_info("main", "stopping after signal %d", number);
    } else {
        code = fail("the program could not start", &err);
    }
    limit_stop();
    metrics_port_stop(metrics);
    stop_threads(w, &t);
    return code;
}

static int serve(struct worker *w)
{
    sigset_t set = stop_signals();
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    mime_global_init();
    smtp_global_init();
    int code = open_all(w);
    if (code)
        return code;
    w->heartbeat.path = w->config.heartbeat_file;
    if (await_schema(w, &set))
        code = run_threads(w, &set);
    close_all(w);
    return code;
}

/* ---- options ---- */

static int print_version(struct worker *w, char **args)
{
    (void)w, (void)args;
    puts("moneymanager-worker " MM_VERSION);
    return EXIT_SUCCESS;
}

static int check_config(struct worker *w, char **args)
{
    (void)args;
    if (!config_load(&w->config, PROGRAM_WORKER, stderr))
        return EXIT_BAD_START;
    puts("The settings are complete.");
    config_release(&w->config);
    return EXIT_SUCCESS;
}

static int migrate(struct worker *w, char **args)
{
    (void)args;
    struct err err = {0};
    size_t steps = 0;
    int code = open_all(w);
    if (code)
        return code;
    if (parts_migrate(w, &steps, &err))
        printf("The schema is ready, %zu migration steps ran.\n", steps);
    else
        code = fail("the migrations did not end", &err);
    close_all(w);
    return code;
}

static int bad_option(const char *why, const char *what)
{
    fprintf(stderr, "moneymanager-worker: %s %s (--help lists the options)\n", why, what);
    return EXIT_BAD_START;
}

static int run_opened_task(struct worker *w, const struct task_row *row, int64_t at_ms)
{
    struct err err = {0};
    char result[120] = "";
    size_t steps;
    bool ok = parts_migrate(w, &steps, &err) && schedule_run_by_hand(w, row, at_ms, result, &err);
    if (result[0])
        printf("%s: %s\n", row->name, result);
    return ok ? EXIT_SUCCESS : fail(row->name, &err);
}

/* --run-task NAME [--at RFC3339] */
static int run_task(struct worker *w, char **args)
{
    int64_t at_ms = clock_now_ms();
    const struct task_row *row = args[0] ? task_find(text_of(args[0])) : NULL;
    if (!row)
        return bad_option("there is no task", args[0] ? args[0] : "without a name");
    if (args[1] && (strcmp(args[1], "--at") != 0 || !args[2] || !instant_parse(text_of(args[2]), &at_ms)))
        return bad_option("--at needs a time such as", "2026-04-01T00:10:00+07:00");
    int code = open_all(w);
    if (code)
        return code;
    code = run_opened_task(w, row, at_ms);
    close_all(w);
    return code;
}

/* --parked list|show ID|retry ID|drop ID */
static int parked(struct worker *w, char **args)
{
    struct err err = {0};
    if (!parked_words_are_good(args))
        return EXIT_BAD_START;
    int code = open_all(w);
    if (code)
        return code;
    code = parked_run(w, args, &err) ? EXIT_SUCCESS : fail("--parked", &err);
    close_all(w);
    return code;
}

static int print_help(struct worker *w, char **args);

static const struct option_row {
    const char *name;
    int (*run)(struct worker *w, char **args);
    int args_max;
    const char *form, *help;
} OPTIONS[] = {
    {"--version", print_version, 0, "", "print the version"},
    {"--check-config", check_config, 0, "", "check all settings, report every fault, exit 2 if there is one"},
    {"--migrate", migrate, 0, "", "bring the database's schema up to date and exit"},
    {"--run-task", run_task, 3, " NAME [--at TIME]", "run a periodic task now, as of TIME"},
    {"--parked", parked, 2, " list|show ID|retry ID|drop ID", "messages that could never be processed"},
    {"--help", print_help, 0, "", "print this"},
};

static int print_help(struct worker *w, char **args)
{
    (void)w, (void)args;
    puts("moneymanager-worker: queue program of Money Manager. Without an option it works until SIGTERM.");
    for (size_t i = 0; i < ARRAY_LEN(OPTIONS); i++)
        printf("  %s%-*s %s\n", OPTIONS[i].name, 42 - (int)strlen(OPTIONS[i].name), OPTIONS[i].form, OPTIONS[i].help);
    for (size_t i = 0; i < TASK_COUNT; i++)
        printf("  task: %s\n", TASKS[i].name);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct worker worker;
    resolver_limit();
    if (argc < 2)
        return serve(&worker);
    for (size_t i = 0; i < ARRAY_LEN(OPTIONS); i++)
        if (argc - 2 <= OPTIONS[i].args_max && strcmp(argv[1], OPTIONS[i].name) == 0)
            return OPTIONS[i].run(&worker, argv + 2);
    return bad_option("unknown option", argv[1]);
}
