#include <stdio.h>

#include "base/clock.h"
#include "service/db_internal.h"

static bool run_text(struct db *db, const char *name, struct text sql, struct err *err)
{
    if (mysql_real_query(db->my, sql.p, (unsigned long)sql.n))
        return db_fault(db, name, mysql_errno(db->my), mysql_error(db->my), err);
    db->stale = false;
    return true;
}

/* Whether a COMMIT that failed may have happened all the same. An answer is an answer: a server that turned read-only
   has rolled the transaction back. */
static bool commit_is_unknown(const struct db *db)
{
    return db->broken && db_is_lost(mysql_errno(db->my));
}

static bool lost_before(const char *name, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "The database cannot be reached at the moment.");
    err->retry_after_seconds = 2;
    return err_cause(err, "%s: the connection was lost before", name);
}

struct tx *tx_begin(struct db *db, struct err *err)
{
    const struct text begin = TEXT("START TRANSACTION");
    struct err first; /* large: set only on a fault */
    bool stale = db->stale;

    if (db->tx.active) {
        err_set(err, ERR_INTERNAL, "A transaction is open already.");
        return NULL;
    }
    if (db->broken) {
        lost_before("begin", err);
        return NULL;
    }
    if (!run_text(db, "begin", begin, &first)) {
        /* Nothing was sent yet in this transaction: a connection that had died while idle is simply replaced. */
        if (!stale || !db->broken || first.code == ERR_TIMEOUT) {
            *err = first;
            return NULL;
        }
        if (!db_pool_reopen(db, err) || !run_text(db, "begin", begin, err))
            return NULL;
    }
    db->tx.active = true;
    db->tx.doomed = false;
    return &db->tx;
}

bool tx_commit(struct tx *tx, struct err *err)
{
    struct db *db = tx->db;
    if (!tx->active)
        return err_set(err, ERR_INTERNAL, "There is no open transaction.");
    if (db->broken)
        return lost_before("commit", err);
    if (tx->doomed)
        return err_set(err, ERR_DEADLOCK, "Another change was in the way; please try again.");
    if (db_over_limit(db, "commit", err))
        return false;
    if (!run_text(db, "commit", TEXT("COMMIT"), err)) {
        if (commit_is_unknown(db)) {
            char cause[sizeof err->cause];
            snprintf(cause, sizeof cause, "%s", err->cause);
            err_set(err, ERR_COMMIT_UNKNOWN,
                    "The connection to the database was lost while the change was being saved.");
            err_cause(err, "%s", cause);
        }
        return false;
    }
    tx->active = false;
    return true;
}

void tx_rollback(struct tx *tx)
{
    if (!tx || !tx->active)
        return;
    tx->active = false;
    tx->doomed = false;
    struct err ignored;
    /* A connection that cannot even roll back is closed by db_give, and the server rolls back then. */
    if (!tx->db->broken && !run_text(tx->db, "rollback", TEXT("ROLLBACK"), &ignored))
        tx->db->broken = true;
}

struct db *tx_db(struct tx *tx)
{
    return tx->db;
}

bool db_run_sql(struct db *db, struct text sql, struct err *err)
{
    if (db->broken)
        return lost_before("sql", err);
    return run_text(db, "sql", sql, err);
}

static bool read_int(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

bool db_lock(struct db *db, const char *name, int seconds, struct err *err)
{
    static const struct stmt_def LOCK = {"db.lock", "SELECT GET_LOCK(?, ?)", "ti", "i"};
    int64_t got = 0;
    if (!db_one(db, &LOCK, DB_ARGS(db_str(name), db_int(seconds)), NULL, read_int, &got, err))
        return false;
    if (got == 1)
        return true;
    err_set(err, ERR_UNAVAILABLE, "Another program holds a lock on the database.");
    err->retry_after_seconds = 2;
    return err_cause(err, "db.lock: %s was not free within %d s", name, seconds);
}

void db_unlock(struct db *db, const char *name)
{
    static const struct stmt_def UNLOCK = {"db.unlock", "SELECT RELEASE_LOCK(?)", "t", "i"};
    struct err ignored;
    int64_t released = 0;
    if (!db_one(db, &UNLOCK, DB_ARGS(db_str(name)), NULL, read_int, &released, &ignored))
        db->broken = true; /* closing the connection frees the lock for certain */
}

bool db_ping(struct db *db, int64_t *latency_us, struct err *err)
{
    static const struct stmt_def PING = {"db.ping", "SELECT @@global.read_only", "", "i"};
    int64_t before = clock_monotonic_us(), read_only = 0;
    if (!db_one(db, &PING, DB_NO_ARGS, NULL, read_int, &read_only, err))
        return false;
    if (latency_us)
        *latency_us = clock_monotonic_us() - before;
    if (!read_only)
        return true;
    db->broken = true;
    db_pool_drop(db->pool);
    err_set(err, ERR_UNAVAILABLE, "The database is read-only at the moment.");
    err->retry_after_seconds = 2;
    return err_cause(err, "db.ping: read_only is set");
}
