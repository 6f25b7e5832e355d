#include "schema.h"

#include <pthread.h>

#include "base/bell.h"
#include "base/clock.h"
#include "service/log.h"
#include "store/migrate.h"

enum {
    TRY_AGAIN_MS = 500,
    TELL_MS = 10 * 1000, /* what it waits for, at most this often */
    SCHEMA_ARENA = 64 * 1024,
    SCHEMA_ARENA_MAX = 8 * 1024 * 1024
};

struct schema {
    struct app *app;
    struct bell bell;
    struct bell tried; /* rung after the first attempt */
    pthread_t thread;
};

static bool migrate_once(struct app *app, size_t *steps, struct err *err)
{
    struct arena *mem = arena_new(SCHEMA_ARENA, SCHEMA_ARENA_MAX);
    struct db *db = mem ? db_take(app->db_pool, err) : NULL;
    if (!mem)
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the migrations");
    bool ok = db && migrate_run(db, migration_files, clock_now_ms(), mem, steps, err);
    db_give(db);
    arena_free(mem);
    return ok;
}

static void *schema_main(void *arg)
{
    struct schema *s = arg;
    int64_t told_ms = 0;
    size_t steps = 0;
    log_thread_name("schema");
    for (;;) {
        struct err err = {0};
        bool done = migrate_once(s->app, &steps, &err);
        atomic_store_explicit(&s->app->schema_ready, done, memory_order_release);
        bell_ring(&s->tried);
        if (done)
            break;
        int64_t now = clock_monotonic_ms();
        if (!told_ms || now - told_ms >= TELL_MS) {
            log_err(err_is_transient(&err) ? LOG_WARN : LOG_ERROR, "schema", "waiting for the database's schema", &err);
            told_ms = now;
        }
        if (!bell_wait(&s->bell, TRY_AGAIN_MS))
            return NULL;
    }
    if (steps || told_ms)
        log_info("schema", "the schema is ready, %zu migration steps ran", steps);
    return NULL;
}

struct schema *schema_start(struct app *app, struct err *err)
{
    struct schema *s = calloc(1, sizeof(*s));
    if (!s) {
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the migrations");
        return NULL;
    }
    s->app = app;
    bell_init(&s->bell);
    bell_init(&s->tried);
    if (pthread_create(&s->thread, NULL, schema_main, s) == 0)
        return s;
    err_set(err, ERR_INTERNAL, "The migrations' thread could not be started");
    bell_release(&s->bell);
    bell_release(&s->tried);
    free(s);
    return NULL;
}

void schema_await(struct schema *schema, int64_t ms)
{
    bell_wait(&schema->tried, ms);
}

void schema_stop(struct schema *schema)
{
    if (!schema)
        return;
    bell_stop(&schema->bell);
    pthread_join(schema->thread, NULL);
    bell_release(&schema->bell);
    bell_release(&schema->tried);
    free(schema);
}

bool schema_migrate(struct app *app, struct err *err)
{
    size_t steps = 0;
    if (!migrate_once(app, &steps, err))
        return false;
    printf("The schema is ready, %zu migration steps ran.\n", steps);
    return true;
}
