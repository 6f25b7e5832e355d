/* Shared by the db_*.c files only: what a connection is, and what the parts of the database client ask of each other.
 */
#ifndef SERVICE_DB_INTERNAL_H
#define SERVICE_DB_INTERNAL_H

#include <mysql.h>
#include <stdatomic.h>

#include "service/db.h"

/* Oracle's client uses bool where Connector/C has my_bool. */
#ifdef MARIADB_PACKAGE_VERSION
typedef my_bool db_flag;
#else
typedef bool db_flag;
#endif

enum {
    DB_COLUMNS_MAX = 64,
    DB_STATEMENTS_MAX = 192, /* prepared a connection; the one unused for longest makes room */
    DB_BUCKETS = 256         /* power of two */
};

/* What one bound parameter or column needs besides the driver's MYSQL_BIND. */
struct db_cell {
    int64_t number;
    MYSQL_TIME time;
    unsigned long length;
    db_flag is_null;
    db_flag error;
};

/* A prepared statement of one connection. Columns are bound once, here. */
struct db_stmt {
    const struct stmt_def *def;
    MYSQL_STMT *handle;
    struct db_stmt *next; /* in its bucket */
    uint64_t last_used;
    size_t param_count, column_count;
    MYSQL_BIND *param_binds, *column_binds;
    struct db_cell *params, *columns;
};

struct tx {
    struct db *db;
    bool active;
    bool doomed; /* the server has rolled it back: a further statement would commit by itself */
};

struct db {
    MYSQL *my;
    struct db_pool *pool;
    struct db *next;     /* idle list */
    uint64_t generation; /* of the pool when it was connected */
    bool broken;
    bool stale; /* came from the idle list and no statement has passed since: the server may have closed it meanwhile */
    struct tx tx;
    int64_t until_ms;    /* 0: no limit */
    struct db *next_cut; /* list of those with a limit */
    int cut_fd;          /* the socket's second number, which stays ours when the driver closes its own */
    atomic_bool cut;
    uint64_t uses;
    size_t stmt_count;
    struct db_stmt *buckets[DB_BUCKETS];
};

struct db_row {
    struct db_stmt *stmt;
    struct arena *mem;
    bool no_memory;
};

/* db_connect.c */
/* *full: the server is up, and has no connection left for us. */
struct db *db_connect(const struct db_options *opts, bool *full, struct err *err) MUST_CHECK;
/* A new connection in the place of one that died; its statements are forgotten. */
bool db_reconnect(struct db *db, const struct db_options *opts, struct err *err) MUST_CHECK;
void db_disconnect(struct db *db);
/* False when the server has closed it or has said something unasked (it is about to). Costs no round trip. */
bool db_looks_alive(const struct db *db);
int db_socket(const struct db *db);

/* db_fault.c */
/* Connection gone or of no use any more. */
bool db_is_lost(unsigned code);
/* Sets *err from a driver's code, and marks the connection, its transaction and its pool accordingly. Returns false. */
bool db_fault(struct db *db, const char *stmt, unsigned code, const char *text, struct err *err);

/* db_limit.c: the list of a pool, under the pool's lock */
struct db_limits {
    struct db *first;
};
void db_limits_add(struct db_limits *limits, struct db *db, int64_t until_ms);
void db_limits_remove(struct db_limits *limits, struct db *db); /* one without a limit is fine */
size_t db_limits_cut(struct db_limits *limits, int64_t now_ms);
/* Sets *err when the limit has passed. */
bool db_over_limit(const struct db *db, const char *stmt, struct err *err);

/* db_pool.c */
/* The server turned read-only: no connection of this pool is handed out again. */
void db_pool_drop(struct db_pool *pool);
/* For a connection found dead at its first statement; obeys the limit on attempts. */
bool db_pool_reopen(struct db *db, struct err *err) MUST_CHECK;

/* db_stmt.c */
struct db_stmt *db_stmt_get(struct db *db, const struct stmt_def *def, struct err *err) MUST_CHECK;
void db_stmt_forget(struct db *db, struct db_stmt *stmt);
void db_stmt_forget_all(struct db *db);

#endif
