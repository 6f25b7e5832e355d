#include <errmsg.h>
#include <mysqld_error.h>

#include "service/db_internal.h"

enum fault_kind {
    FAULT_LOST,      /* this connection is of no use any more */
    FAULT_READ_ONLY, /* a failover made this server a replica: the same holds for all connections */
    FAULT_BUSY,      /* may pass by itself */
    FAULT_RETRY,     /* the whole transaction may be tried again */
    FAULT_DUPLICATE
};

/* Codes that only one of the two servers or clients knows are given as numbers. */
static const struct {
    unsigned code;
    enum fault_kind kind;
} FAULTS[] = {
    {CR_CONNECTION_ERROR, FAULT_LOST}, /* 2002 */
    {CR_CONN_HOST_ERROR, FAULT_LOST},  /* 2003 */
    {CR_UNKNOWN_HOST, FAULT_LOST},     /* 2005 */
    {CR_SERVER_GONE_ERROR, FAULT_LOST},
    {CR_SERVER_LOST, FAULT_LOST},
    {CR_COMMANDS_OUT_OF_SYNC, FAULT_LOST}, /* an answer was left half read */
    {CR_MALFORMED_PACKET, FAULT_LOST},
    {CR_SSL_CONNECTION_ERROR, FAULT_LOST},
    {2055, FAULT_LOST}, /* CR_SERVER_LOST_EXTENDED */
    {ER_SERVER_SHUTDOWN, FAULT_LOST},
    {ER_NET_READ_ERROR, FAULT_LOST},
    {ER_NET_READ_INTERRUPTED, FAULT_LOST},
    {ER_NET_ERROR_ON_WRITE, FAULT_LOST},
    {ER_NET_WRITE_INTERRUPTED, FAULT_LOST},
    {1927, FAULT_LOST},                              /* MariaDB: connection was killed */
    {4031, FAULT_LOST},                              /* MySQL: closed after wait_timeout */
    {ER_OPTION_PREVENTS_STATEMENT, FAULT_READ_ONLY}, /* 1290 */
    {ER_READ_ONLY_MODE, FAULT_READ_ONLY},            /* 1836 */
    {ER_CON_COUNT_ERROR, FAULT_BUSY},
    {ER_TOO_MANY_USER_CONNECTIONS, FAULT_BUSY},
    {ER_QUERY_INTERRUPTED, FAULT_BUSY},
    {1969, FAULT_BUSY}, /* MariaDB: max_statement_time passed */
    {3024, FAULT_BUSY}, /* MySQL: max_execution_time passed */
    {ER_NEED_REPREPARE, FAULT_BUSY},
    {1467, FAULT_RETRY}, /* the counter of ids was held by a bulk insert for too long */
    {ER_LOCK_WAIT_TIMEOUT, FAULT_RETRY},
    {ER_LOCK_DEADLOCK, FAULT_RETRY},
    {ER_DUP_ENTRY, FAULT_DUPLICATE},
    {ER_DUP_ENTRY_WITH_KEY_NAME, FAULT_DUPLICATE},
};

enum { RETRY_AFTER_S = 2 };

static int kind_of(unsigned code)
{
    for (size_t i = 0; i < ARRAY_LEN(FAULTS); i++)
        if (FAULTS[i].code == code)
            return (int)FAULTS[i].kind;
    return -1;
}

bool db_is_lost(unsigned code)
{
    return kind_of(code) == FAULT_LOST;
}

static bool unavailable(struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "The database cannot be reached at the moment.");
    err->retry_after_seconds = RETRY_AFTER_S;
    return false;
}

bool db_fault(struct db *db, const char *stmt, unsigned code, const char *text, struct err *err)
{
    switch (kind_of(code)) {
    case FAULT_LOST:
        db->broken = true;
        if (!db_over_limit(db, stmt, err))
            unavailable(err);
        break;
    case FAULT_READ_ONLY:
        db->broken = true;
        db_pool_drop(db->pool);
        unavailable(err);
        break;
    case FAULT_BUSY:
        err_set(err, ERR_UNAVAILABLE, "The database is too busy at the moment.");
        err->retry_after_seconds = RETRY_AFTER_S;
        break;
    case FAULT_RETRY:
        db->tx.doomed = db->tx.active;
        err_set(err, ERR_DEADLOCK, "Another change was in the way; please try again.");
        break;
    case FAULT_DUPLICATE: err_set(err, ERR_DUPLICATE, "There is such a row already."); break;
    default: err_set(err, ERR_INTERNAL, "The database refused a statement."); break;
    }
    return err_cause(err, "%s: %u %s", stmt, code, text);
}
