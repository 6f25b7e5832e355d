#include <pthread.h>
#include <stdlib.h>

#include "base/bell.h"
#include "base/clock.h"
#include "service/db_internal.h"

enum { ATTEMPT_EVERY_MS = 250 /* to connect, while the server cannot be reached or has no connection left */ };

/* The strings of the options are copied into one block. */
struct db_pool {
    struct db_options opts;
    char *strings;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct db_limits limits;
    struct db *idle; /* last in, first out: few connections stay warm */
    size_t open;     /* busy + idle + being connected */
    size_t busy;
    int64_t waits, wait_timeouts;
    uint64_t generation;
    bool down, attempting;
    int64_t next_attempt_ms; /* while down */
    int64_t full_until_ms;   /* the server has no connection left: until then those that are open must do */
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static bool library_ready;

static void thread_end(void *unused)
{
    (void)unused;
    mysql_thread_end();
}

static void library_init(void)
{
    library_ready = mysql_library_init(0, NULL, NULL) == 0 && pthread_key_create(&thread_key, thread_end) == 0;
}

/* The driver keeps memory for each thread that used it; the key's destructor gives it back. */
static void thread_begin(void)
{
    if (pthread_getspecific(thread_key))
        return;
    mysql_thread_init();
    pthread_setspecific(thread_key, &thread_key);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
}

static bool copy_strings(struct db_pool *pool)
{
    const char **fields[] = {&pool->opts.host, &pool->opts.socket,   &pool->opts.name,
                             &pool->opts.user, &pool->opts.password, &pool->opts.ssl_ca};
    size_t size = 1;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        size += *fields[i] ? strlen(*fields[i]) + 1 : 0;
    char *at = pool->strings = malloc(size);
    if (!at)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!*fields[i])
            continue;
        size_t n = strlen(*fields[i]) + 1;
        *fields[i] = memcpy(at, *fields[i], n);
        at += n;
    }
    return true;
}

struct db_pool *db_pool_open(const struct db_options *opts, struct err *err)
{
    pthread_once(&library_once, library_init);
    struct db_pool *pool = library_ready ? calloc(1, sizeof *pool) : NULL;
    if (!pool) {
        no_memory(err);
        return NULL;
    }
    pool->opts = *opts;
    if (!pool->opts.pool_size)
        pool->opts.pool_size = 1;
    if (!copy_strings(pool)) {
        free(pool);
        no_memory(err);
        return NULL;
    }
    bell_cond_init(&pool->freed);
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

static void disconnect_all(struct db *list)
{
    while (list) {
        struct db *next = list->next;
        db_disconnect(list);
        list = next;
    }
}

void db_pool_close(struct db_pool *pool)
{
    if (!pool)
        return;
    disconnect_all(pool->idle);
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
    free(pool->strings);
    free(pool);
}

void db_pool_drop(struct db_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->generation++;
    pthread_mutex_unlock(&pool->lock);
}

static bool unavailable(struct err *err, const char *detail, const char *cause)
{
    err_set(err, ERR_UNAVAILABLE, "%s", detail);
    err->retry_after_seconds = 2;
    return err_cause(err, "%s", cause);
}

/* Under the lock. While the server is down one caller tries at a time; the others are told at once. */
static bool may_connect(struct db_pool *pool, struct err *err)
{
    int64_t now = clock_monotonic_ms();
    if (!pool->down)
        return true;
    if (pool->attempting || now < pool->next_attempt_ms)
        return unavailable(err, "The database cannot be reached at the moment.",
                           "connect: down since the last attempt");
    pool->attempting = true;
    return true;
}

static void connected(struct db_pool *pool, bool ok)
{
    pool->down = !ok;
    pool->attempting = false;
    if (!ok)
        pool->next_attempt_ms = clock_monotonic_ms() + ATTEMPT_EVERY_MS;
}

/* Under the lock. */
static bool has_slot(const struct db_pool *pool, int64_t now)
{
    return pool->idle || (pool->open < pool->opts.pool_size && now >= pool->full_until_ms);
}

/* Under the lock; waits for a free connection, or for the right to open one. A process without any waits too while the
 * server has none left: if it refused at once, it would take the requests away from those that can serve them. */
static bool wait_for_slot(struct db_pool *pool, int64_t until, struct err *err)
{
    int64_t now = clock_monotonic_ms();
    if (has_slot(pool, now))
        return true;
    pool->waits++;
    for (; !has_slot(pool, now); now = clock_monotonic_ms()) {
        if (now >= until) {
            pool->wait_timeouts++;
            return unavailable(err, "The server is too busy at the moment.", "db pool: no free connection in time");
        }
        bool sooner = pool->full_until_ms > now && pool->full_until_ms < until;
        bell_cond_wait(&pool->freed, &pool->lock, sooner ? pool->full_until_ms : until);
    }
    return true;
}

/* Under the lock: an idle connection that may be used, the useless ones before it taken out into *dead. */
static struct db *take_idle(struct db_pool *pool, struct db **dead)
{
    while (pool->idle) {
        struct db *db = pool->idle;
        pool->idle = db->next;
        db->next = NULL;
        if (db->generation == pool->generation && db_looks_alive(db)) {
            db->stale = true;
            return db;
        }
        db->next = *dead;
        *dead = db;
        pool->open--;
    }
    return NULL;
}

/* The slot is counted already; the connecting itself happens outside the lock. *full: the server has no connection
 * left. */
static struct db *open_slot(struct db_pool *pool, uint64_t generation, bool *full, struct err *err)
{
    struct db *db = db_connect(&pool->opts, full, err);
    pthread_mutex_lock(&pool->lock);
    if (!db) {
        pool->open--;
        pool->busy--;
        pthread_cond_signal(&pool->freed);
    }
    if (*full)
        pool->full_until_ms = clock_monotonic_ms() + ATTEMPT_EVERY_MS;
    connected(pool, db || *full);
    pthread_mutex_unlock(&pool->lock);
    if (db) {
        db->pool = pool;
        db->generation = generation;
    }
    return db;
}

static struct db *take(struct db_pool *pool, int64_t until, bool *full, struct err *err)
{
    struct db *dead = NULL, *db = NULL;
    bool open = false;

    *full = false;
    pthread_mutex_lock(&pool->lock);
    if (wait_for_slot(pool, until, err)) {
        db = take_idle(pool, &dead);
        open = !db && may_connect(pool, err);
        pool->open += open;
        pool->busy += open || db;
    }
    uint64_t generation = pool->generation;
    pthread_mutex_unlock(&pool->lock);

    disconnect_all(dead);
    return open ? open_slot(pool, generation, full, err) : db;
}

struct db *db_take(struct db_pool *pool, struct err *err)
{
    const int64_t until = clock_monotonic_ms() + pool->opts.pool_wait_ms;
    struct err refused;
    struct db *db;
    bool full;

    thread_begin();
    do
        db = take(pool, until, &full, &refused);
    while (!db && full);
    if (!db)
        *err = refused;
    return db;
}

bool db_pool_reopen(struct db *db, struct err *err)
{
    struct db_pool *pool = db->pool;
    pthread_mutex_lock(&pool->lock);
    bool may = may_connect(pool, err);
    uint64_t generation = pool->generation;
    pthread_mutex_unlock(&pool->lock);
    if (!may)
        return false;

    int64_t until_ms = db->until_ms;
    bool ok = db_reconnect(db, &pool->opts, err);
    db->generation = generation;
    pthread_mutex_lock(&pool->lock);
    connected(pool, ok);
    if (ok && until_ms)
        db_limits_add(&pool->limits, db, until_ms);
    pthread_mutex_unlock(&pool->lock);
    return ok;
}

void db_give(struct db *db)
{
    if (!db)
        return;
    struct db_pool *pool = db->pool;
    tx_rollback(&db->tx);
    pthread_mutex_lock(&pool->lock);
    db_limits_remove(&pool->limits, db);
    bool keep = !db->broken && !atomic_load(&db->cut) && db->generation == pool->generation;
    if (keep) {
        db->next = pool->idle;
        pool->idle = db;
    } else {
        pool->open--;
    }
    pool->busy--;
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
    if (!keep)
        db_disconnect(db);
}

void db_limit(struct db *db, int64_t until_ms)
{
    pthread_mutex_lock(&db->pool->lock);
    db_limits_add(&db->pool->limits, db, until_ms);
    pthread_mutex_unlock(&db->pool->lock);
}

size_t db_pool_cut(struct db_pool *pool, int64_t now_ms)
{
    pthread_mutex_lock(&pool->lock);
    size_t cut = db_limits_cut(&pool->limits, now_ms);
    pthread_mutex_unlock(&pool->lock);
    return cut;
}

void db_pool_stats(struct db_pool *pool, struct db_pool_stats *out)
{
    pthread_mutex_lock(&pool->lock);
    *out = (struct db_pool_stats){pool->open, pool->busy, pool->waits, pool->wait_timeouts};
    pthread_mutex_unlock(&pool->lock);
}
