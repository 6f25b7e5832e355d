/*
 * MySQL/MariaDB: a bounded pool of connections with cached prepared statements, and transactions that roll back unless
 * committed. SQL text lives in lib/store as `struct stmt_def` constants; each is prepared once a connection, and its
 * parameter and column counts are checked against `params` and `columns` then. Never logs. Faults: ERR_UNAVAILABLE
 * (down, pool wait passed, read-only after a failover: the whole pool is dropped, and what was refused has not
 * happened, a COMMIT too), ERR_DUPLICATE, ERR_DEADLOCK (1213, 1205), ERR_COMMIT_UNKNOWN, ERR_INTERNAL.
 */
#ifndef SERVICE_DB_H
#define SERVICE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

/* Kinds of parameters and columns: i int64 · t text (utf8mb4 or bytes) · d date (int32 ymd) · m instant (int64 ms,
 * DATETIME(3)). All nullable. */
struct stmt_def {
    const char *name; /* "jar.find": for logs */
    const char *sql;
    const char *params;  /* "iit" */
    const char *columns; /* "" for statements without a result */
};

struct db_options {
    const char *host, *socket, *name, *user, *password, *ssl_ca;
    unsigned port;
    size_t pool_size; /* connections at most */
    int pool_wait_ms; /* for a free one */
    int connect_timeout_s, io_timeout_s;
    int lock_wait_s; /* innodb_lock_wait_timeout */
};

struct db_pool;
struct db; /* one connection, used by one thread at a time */

/* Never fails because the server is down: connections are made when asked for. NULL only without memory. */
struct db_pool *db_pool_open(const struct db_options *opts, struct err *err) MUST_CHECK;
void db_pool_close(struct db_pool *pool);
struct db *db_take(struct db_pool *pool, struct err *err) MUST_CHECK;
/* Gives it back: an open transaction is rolled back, a broken connection is thrown away. NULL is fine. */
void db_give(struct db *db);
static inline void db_auto(struct db **db)
{
    db_give(*db);
}

/* Until the connection is given back, its statements are refused with ERR_TIMEOUT from until_ms (monotonic) on, and one
 * that is under way then is cut off by db_pool_cut. */
void db_limit(struct db *db, int64_t until_ms);
/* Cuts off what is over its limit, however busily it still trickles; returns how many. For a thread that comes by a few
 * times a second. */
size_t db_pool_cut(struct db_pool *pool, int64_t now_ms);

enum db_value_kind { DB_NULL, DB_INT, DB_TEXT, DB_DATE, DB_INSTANT };

struct db_value {
    enum db_value_kind kind;
    int64_t i;
    struct text t;
};

static inline struct db_value db_null(void)
{
    return (struct db_value){.kind = DB_NULL};
}
static inline struct db_value db_int(int64_t v)
{
    return (struct db_value){.kind = DB_INT, .i = v};
}
/* 0 is NULL: for optional ids. */
static inline struct db_value db_id(int64_t v)
{
    return v ? db_int(v) : db_null();
}
static inline struct db_value db_text(struct text t)
{
    return t.p ? (struct db_value){.kind = DB_TEXT, .t = t} : db_null();
}
static inline struct db_value db_str(const char *s)
{
    return db_text(text_of(s));
}
static inline struct db_value db_date(int32_t ymd)
{
    return ymd ? (struct db_value){.kind = DB_DATE, .i = ymd} : db_null();
}
static inline struct db_value db_instant(int64_t ms)
{
    return ms ? (struct db_value){.kind = DB_INSTANT, .i = ms} : db_null();
}

struct db_args {
    const struct db_value *v;
    size_t n;
};
#define DB_ARGS(...)                                                                                                   \
    ((struct db_args){(const struct db_value[]){__VA_ARGS__},                                                          \
                      sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)})
#define DB_NO_ARGS ((struct db_args){NULL, 0})

/* The current row while db_query/db_one calls back. Texts are copied into the arena given to the query. Column numbers
 * from 0. */
struct db_row;
bool row_is_null(const struct db_row *row, size_t col);
int64_t row_int(const struct db_row *row, size_t col);     /* 0 when NULL */
struct text row_text(struct db_row *row, size_t col);      /* TEXT_NONE when NULL; arena copy with closing NUL */
int32_t row_date(const struct db_row *row, size_t col);    /* 0 when NULL */
int64_t row_instant(const struct db_row *row, size_t col); /* 0 when NULL */

/* Called for each row; false (with *err set) ends the reading. */
typedef bool db_row_fn(struct db_row *row, void *to, struct err *err);

/* Runs a SELECT, one round trip; rows go to each(). `mem` receives the texts. *count (may be NULL) gets the number of
 * rows. */
bool db_query(struct db *db, const struct stmt_def *def, struct db_args args, struct arena *mem, db_row_fn *each,
              void *to, size_t *count, struct err *err) MUST_CHECK;
/* As db_query for at most one row; ERR_NOT_FOUND (detail without ids) when there is none. */
bool db_one(struct db *db, const struct stmt_def *def, struct db_args args, struct arena *mem, db_row_fn *each,
            void *to, struct err *err) MUST_CHECK;

struct db_result {
    int64_t affected;  /* rows changed (CLIENT_FOUND_ROWS is set: matched rows count) */
    int64_t insert_id; /* also of LAST_INSERT_ID(expr) */
};
/* INSERT, UPDATE, DELETE; res may be NULL. */
bool db_exec(struct db *db, const struct stmt_def *def, struct db_args args, struct db_result *res,
             struct err *err) MUST_CHECK;

/* Text of the SQL for statements of dynamic shape (filters): cached by the def's address as well, so build defs once,
 * not per call. */

/* Transactions (READ COMMITTED). AUTO(tx) struct tx *tx = tx_begin(db, err); rolls back at the end of the scope unless
 * tx_commit was reached. */
struct tx;
struct tx *tx_begin(struct db *db, struct err *err) MUST_CHECK;
/* ERR_COMMIT_UNKNOWN when the connection died in it: look audit_log.request_id up before telling the user. */
bool tx_commit(struct tx *tx, struct err *err) MUST_CHECK;
void tx_rollback(struct tx *tx); /* NULL or ended: nothing */
static inline void tx_auto(struct tx **tx)
{
    tx_rollback(*tx);
}
struct db *tx_db(struct tx *tx);

/* One text statement without parameters or result (DDL of migrations, SET). */
bool db_run_sql(struct db *db, struct text sql, struct err *err) MUST_CHECK;
/* GET_LOCK(name, seconds)/RELEASE_LOCK: for migrations. */
bool db_lock(struct db *db, const char *name, int seconds, struct err *err) MUST_CHECK;
void db_unlock(struct db *db, const char *name);
/* Prepares the statement now (start-up check). */
bool db_prepare(struct db *db, const struct stmt_def *def, struct err *err) MUST_CHECK;
/* A cheap round trip that also sees a demoted writer; *latency_us may be NULL. */
bool db_ping(struct db *db, int64_t *latency_us, struct err *err) MUST_CHECK;

struct db_pool_stats {
    size_t open, busy;
    int64_t waits, wait_timeouts;
};
void db_pool_stats(struct db_pool *pool, struct db_pool_stats *out);

#endif
