/* moneymanager-api: serves FastCGI on the listening socket that it inherits as descriptor 0 (spawn-fcgi's convention).
 */
#include <signal.h>
#include <unistd.h>

#include "app.h"
#include "base/clock.h"
#include "http/measure.h"
#include "http/pool.h"
#include "http/route.h"
#include "probes.h"
#include "relay.h"
#include "schema.h"
#include "service/log.h"
#include "service/log_ship.h"
#include "service/metrics.h"
#include "service/metrics_port.h"
#include "service/resolver.h"

#ifndef MM_VERSION
#define MM_VERSION "unknown"
#endif

enum {
    EXIT_BAD_START = 2, /* settings or socket: starting again does not help */
    AWAIT_SCHEMA_MS = 4000,
    STOP_REQUESTS_MS = 8000, /* of the 10 s that a stop may take */
    STOP_ALL_S = 9           /* a background thread may hang in a call of its own */
};

static int print_version(struct app *app)
{
    (void)app;
    puts("moneymanager-api " MM_VERSION);
    return EXIT_SUCCESS;
}

static int check_config(struct app *app)
{
    if (!config_load(&app->config, PROGRAM_API, stderr))
        return EXIT_BAD_START;
    puts("The settings are complete.");
    config_release(&app->config);
    return EXIT_SUCCESS;
}

static int print_routes(struct app *app)
{
    static const char *const AUTH[] = {"public", "public", "user", "admin"};
    static const char *const ACCESS[] = {"none", "reads", "writes"};
    static const char *const RATE[] = {[RATE_NONE] = "none",
                                       [RATE_API] = "api",
                                       [RATE_AI] = "ai",
                                       [RATE_CHAT] = "chat",
                                       [RATE_GEMINI_CHAT] = "gemini_chat",
                                       [RATE_TIPS] = "tips",
                                       [RATE_EXPORTS] = "exports",
                                       [RATE_SIGN_IN] = "sign_in",
                                       [RATE_CODE_RESEND] = "code_resend"};
    (void)app;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        const struct route *r = &ROUTES[i];
        printf("%s\t%s\t%s\t%s\t%s\t%s\n", method_name(r->method), r->path, AUTH[r->auth], ACCESS[r->access],
               r->idempotent ? "yes" : "no", RATE[r->rate]);
    }
    return EXIT_SUCCESS;
}

static int fail(const char *what, const struct err *err)
{
    log_err(LOG_ERROR, "main", what, err);
    return EXIT_FAILURE;
}

/* The last of all: what the others say at their end is still copied. */
static void end_log(struct app *app)
{
    metrics_close();
    log_ship_stop(app->log_ship);
    app->log_ship = NULL;
    log_open(app->config.log_level, app->config.log_json, NULL); /* the zone goes */
    config_release(&app->config);
}

static bool open_all(struct app *app, int *exit_code)
{
    struct err err = {0};
    if (!config_load(&app->config, PROGRAM_API, stderr)) {
        *exit_code = EXIT_BAD_START;
        return false;
    }
    log_open(app->config.log_level, app->config.log_json, app->config.zone);
    app->log_ship = log_ship_configured(&app->config);
    measure_open(&app->config);
    if (app_open(app, &err))
        return true;
    *exit_code = fail("the program could not start", &err);
    end_log(app);
    return false;
}

static void close_all(struct app *app)
{
    app_close(app);
    end_log(app);
}

static int migrate(struct app *app)
{
    struct err err = {0};
    int code = EXIT_SUCCESS;
    if (!open_all(app, &code))
        return code;
    if (!schema_migrate(app, &err))
        code = fail("the migrations did not end", &err);
    close_all(app);
    return code;
}

/*
 * Blocked before the first thread, so that only the main thread takes them. Whatever a process manager sends, requests
 * at work are finished: multiwatch sends USR1 when told nothing, and QUIT when told TERM (the names of version 1.0.0
 * are shifted by one).
 */
static sigset_t stop_signals(void)
{
    static const int SIGNALS[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++)
        sigaddset(&set, SIGNALS[i]);
    return set;
}

struct parts {
    struct metrics_port *metrics; /* NULL: no such port */
    struct pool *pool;
    struct schema *schema;
};

/* Requests are taken when the schema was found, so that a process started in the place of another refuses none; and
 * when it was not, since /health must answer while MySQL is down. */
static bool start_parts(struct app *app, struct parts *parts, struct err *err)
{
    if (!(parts->schema = schema_start(app, err)))
        return false;
    schema_await(parts->schema, AWAIT_SCHEMA_MS);
    parts->metrics = metrics_port_configured(app->config.metrics_port);
    return (app->relay = relay_start(app, err)) != NULL && (app->probes = probes_start(app, err)) != NULL &&
           (parts->pool = pool_start(app, STDIN_FILENO, err)) != NULL;
}

static void give_up(int signal_number)
{
    (void)signal_number;
    _exit(EXIT_SUCCESS);
}

/* False when a request still holds what the rest would free. */
static bool stop_parts(struct app *app, struct parts *parts)
{
    metrics_port_stop(parts->metrics);
    bool ended = pool_stop(parts->pool, STOP_REQUESTS_MS);
    if (!ended)
        return false;
    /* Events of the last requests are sent by this relay when it can, by the worker's sweep otherwise. */
    probes_stop(app->probes);
    schema_stop(parts->schema);
    relay_stop(app->relay);
    return true;
}

static int serve(struct app *app)
{
    struct err err = {0};
    struct parts parts = {0};
    int code = EXIT_SUCCESS, signal_number = 0;
    sigset_t set = stop_signals();
    if (!pool_socket_ok(STDIN_FILENO)) {
        fputs("Descriptor 0 is no listening socket: start this program by spawn-fcgi or another socket launcher "
              "(--help lists the options).\n",
              stderr);
        return EXIT_BAD_START;
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (!open_all(app, &code))
        return code;
    if (start_parts(app, &parts, &err)) {
        log_info("main", "moneymanager-api %s serves with %d threads", MM_VERSION, (int)app->config.api_threads);
        sigwait(&set, &signal_number);
        log_info("main", "stopping after signal %d", signal_number);
        signal(SIGALRM, give_up);
        alarm(STOP_ALL_S);
    } else {
        code = fail("the program could not start", &err);
    }
    if (!stop_parts(app, &parts)) {
        log_warn("main", "some requests did not end in time");
        log_ship_stop(app->log_ship);
        _exit(code);
    }
    close_all(app);
    return code;
}

static int print_help(struct app *app);

static const struct option_row {
    const char *name;
    int (*run)(struct app *app);
    const char *help;
} OPTIONS[] = {
    {"--version", print_version, "print the version"},
    {"--check-config", check_config, "check all settings, report every fault, exit 2 if there is one"},
    {"--routes", print_routes, "print the routes: method, path, auth, access, idempotent, rate (tab-separated)"},
    {"--migrate", migrate, "bring the database's schema up to date and exit"},
    {"--help", print_help, "print this"},
};

static int print_help(struct app *app)
{
    (void)app;
    puts("moneymanager-api: FastCGI program of Money Manager. Without an option it serves on descriptor 0.");
    for (size_t i = 0; i < ARRAY_LEN(OPTIONS); i++)
        printf("  %-16s %s\n", OPTIONS[i].name, OPTIONS[i].help);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct app app;
    resolver_limit();
    if (argc < 2)
        return serve(&app);
    for (size_t i = 0; i < ARRAY_LEN(OPTIONS); i++)
        if (argc == 2 && strcmp(argv[1], OPTIONS[i].name) == 0)
            return OPTIONS[i].run(&app);
    fprintf(stderr, "moneymanager-api: unknown option %s (--help lists them)\n", argv[1]);
    return EXIT_BAD_START;
}
