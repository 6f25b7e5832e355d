#include <errmsg.h>
#include <inttypes.h>
#include <mysqld_error.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "service/db_internal.h"

enum {
    SETUP_MAX = 512,
    IDLE_IN_TX_S = 10, /* between two statements of one transaction */
    IDLE_S = 60
};

static const char SQL_MODE[] = "STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
                               "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

/* The server ends a statement when we stop waiting for it, and a transaction of a client that was frozen or cut off in
   the middle, which holds a household's lock: each of the two servers has its own variables for that, and each skips
   the other's comment. MySQL knows only a limit for all idle connections; the pool notices those that were closed. */
static bool session_setup(const struct db_options *opts, char out[SETUP_MAX])
{
    int n = snprintf(out, SETUP_MAX,
                     "SET SESSION sql_mode='%s', time_zone='+00:00', innodb_lock_wait_timeout=%d"
                     " /*M!100300 , max_statement_time=%d, idle_transaction_timeout=%d */"
                     " /*!80000 , max_execution_time=%d, wait_timeout=%d */",
                     SQL_MODE, opts->lock_wait_s > 0 ? opts->lock_wait_s : 1, opts->io_timeout_s, IDLE_IN_TX_S,
                     opts->io_timeout_s * 1000, IDLE_S);
    return n > 0 && n < SETUP_MAX;
}

/* The chain is checked only with a CA, the host name only when asked for. Version 3.4 asks for both by default, also on
   a loopback server that has no certificate: so each case is told in full. */
static void set_tls(MYSQL *my, const struct db_options *opts)
{
    bool tls = opts->ssl_ca && !opts->socket;
#ifdef MARIADB_PACKAGE_VERSION
    my_bool check = tls;
    if (tls) {
        mysql_optionsv(my, MYSQL_OPT_SSL_CA, opts->ssl_ca);
        mysql_optionsv(my, MYSQL_OPT_SSL_ENFORCE, &check);
    }
    mysql_optionsv(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &check);
#else
    enum mysql_ssl_mode mode = tls ? SSL_MODE_VERIFY_IDENTITY : SSL_MODE_PREFERRED;
    if (tls)
        mysql_options(my, MYSQL_OPT_SSL_CA, opts->ssl_ca);
    mysql_options(my, MYSQL_OPT_SSL_MODE, &mode);
#endif
}

static void set_options(MYSQL *my, const struct db_options *opts, const char *setup)
{
    unsigned connect_s = (unsigned)opts->connect_timeout_s, io_s = (unsigned)opts->io_timeout_s, local_infile = 0;
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(my, MYSQL_INIT_COMMAND, setup);
    mysql_options(my, MYSQL_INIT_COMMAND, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &io_s);
    mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &io_s);
    mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &local_infile);
#ifdef MARIADB_PACKAGE_VERSION
    /* Oracle's client has no automatic reconnect any more. */
    my_bool reconnect = 0;
    mysql_options(my, MYSQL_OPT_RECONNECT, &reconnect);
#endif
    set_tls(my, opts);
}

/* Whatever the reason (down, refused, wrong password): the program waits for the database, it does not give up. */
static bool connect_fault(unsigned code, const char *text, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "The database cannot be reached at the moment.");
    err->retry_after_seconds = 2;
    return err_cause(err, "connect: %u %s", code, text);
}

/* It is up and would serve, if others had not taken all connections: of the server, or of the account. */
static bool says_full(unsigned code)
{
    return code == ER_CON_COUNT_ERROR || code == ER_TOO_MANY_USER_CONNECTIONS || code == ER_USER_LIMIT_REACHED;
}

static MYSQL *open_session(const struct db_options *opts, bool *full, struct err *err)
{
    char setup[SETUP_MAX];
    MYSQL *my = mysql_init(NULL);
    if (!my || !session_setup(opts, setup)) {
        err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
        mysql_close(my);
        return NULL;
    }
    set_options(my, opts, setup);
    /* CLIENT_FOUND_ROWS: an UPDATE that finds its row but changes nothing in it still counts it. Several statements in
       one text are never allowed. */
    if (!mysql_real_connect(my, opts->socket ? NULL : opts->host, opts->user, opts->password, opts->name, opts->port,
                            opts->socket, CLIENT_FOUND_ROWS)) {
        *full = says_full(mysql_errno(my));
        connect_fault(mysql_errno(my), mysql_error(my), err);
        mysql_close(my);
        return NULL;
    }
    return my;
}

struct db *db_connect(const struct db_options *opts, bool *full, struct err *err)
{
    *full = false;
    struct db *db = calloc(1, sizeof *db);
    if (!db) {
        err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
        return NULL;
    }
    db->my = open_session(opts, full, err);
    if (!db->my) {
        free(db);
        return NULL;
    }
    db->tx.db = db;
    return db;
}

static void close_session(struct db *db)
{
    if (!db->my)
        return;
    db_stmt_forget_all(db);
    mysql_close(db->my);
    db->my = NULL;
}

bool db_reconnect(struct db *db, const struct db_options *opts, struct err *err)
{
    bool full;
    close_session(db);
    db->my = open_session(opts, &full, err);
    db->broken = !db->my;
    db->stale = false;
    return db->my != NULL;
}

void db_disconnect(struct db *db)
{
    if (!db)
        return;
    close_session(db);
    free(db);
}

int db_socket(const struct db *db)
{
#ifdef MARIADB_PACKAGE_VERSION
    return (int)mysql_get_socket(db->my);
#else
    return (int)db->my->net.fd;
#endif
}

bool db_looks_alive(const struct db *db)
{
    struct pollfd fd = {.fd = db_socket(db), .events = POLLIN | POLLRDHUP};
    return poll(&fd, 1, 0) == 0;
}
