#include <assert.h>
#include <string.h>

#include "base/date.h"
#include "service/db_internal.h"

/* ---- parameters ---- */

static void put_date(MYSQL_TIME *t, int32_t ymd)
{
    *t = (MYSQL_TIME){.year = (unsigned)(ymd / 10000),
                      .month = (unsigned)(ymd / 100 % 100),
                      .day = (unsigned)(ymd % 100),
                      .time_type = MYSQL_TIMESTAMP_DATE};
}

static void put_instant(MYSQL_TIME *t, int64_t ms)
{
    struct instant_parts p = instant_split(ms);
    *t = (MYSQL_TIME){.year = (unsigned)p.year,
                      .month = (unsigned)p.month,
                      .day = (unsigned)p.day,
                      .hour = (unsigned)p.hour,
                      .minute = (unsigned)p.minute,
                      .second = (unsigned)p.second,
                      .second_part = (unsigned long)p.millis * 1000,
                      .time_type = MYSQL_TIMESTAMP_DATETIME};
}

static char letter_of(enum db_value_kind kind)
{
    static const char LETTERS[] = {
        [DB_NULL] = '-', [DB_INT] = 'i', [DB_TEXT] = 't', [DB_DATE] = 'd', [DB_INSTANT] = 'm'};
    return LETTERS[kind];
}

static bool put_param(struct db_stmt *stmt, size_t i, const struct db_value *v)
{
    struct db_cell *cell = &stmt->params[i];
    cell->is_null = v->kind == DB_NULL;
    if (v->kind != DB_NULL && letter_of(v->kind) != stmt->def->params[i])
        return false;
    switch (v->kind) {
    case DB_NULL: break;
    case DB_INT: cell->number = v->i; break;
    case DB_DATE: put_date(&cell->time, (int32_t)v->i); break;
    case DB_INSTANT: put_instant(&cell->time, v->i); break;
    case DB_TEXT:
        /* The driver only reads what a parameter points to. */
        memcpy(&stmt->param_binds[i].buffer, &v->t.p, sizeof v->t.p);
        stmt->param_binds[i].buffer_length = cell->length = v->t.n;
        break;
    }
    return true;
}

static bool put_params(struct db_stmt *stmt, struct db_args args, struct err *err)
{
    bool ok = args.n == stmt->param_count;
    for (size_t i = 0; ok && i < args.n; i++)
        ok = put_param(stmt, i, &args.v[i]);
    if (ok && (!args.n || mysql_stmt_bind_param(stmt->handle, stmt->param_binds) == 0))
        return true;
    err_set(err, ERR_INTERNAL, "A database statement was given the wrong parameters.");
    return err_cause(err, "%s: %zu parameters, declared \"%s\"", stmt->def->name, args.n, stmt->def->params);
}

/* ---- execution ---- */

static bool statement_fault(struct db *db, struct db_stmt *stmt, struct err *err)
{
    enum { ER_UNKNOWN_STMT = 1243, ER_REPREPARE = 1615 };
    unsigned code = mysql_stmt_errno(stmt->handle);
    db_fault(db, stmt->def->name, code, mysql_stmt_error(stmt->handle), err);
    /* Rows that the server began to send before its fault: with them pending, Connector/C 3.4 does not free the
       connection's other statements. */
    mysql_stmt_free_result(stmt->handle);
    if (code == ER_UNKNOWN_STMT || code == ER_REPREPARE)
        db_stmt_forget(db, stmt);
    return false;
}

/* The rows are taken whole, so the connection is free for other statements while each() runs. */
static bool run_once(struct db *db, const struct stmt_def *def, struct db_args args, struct db_stmt **out,
                     bool *may_have_run, struct err *err)
{
    struct db_stmt *stmt = db_stmt_get(db, def, err);
    if (!stmt || !put_params(stmt, args, err))
        return false;
    *may_have_run = true;
    if (mysql_stmt_execute(stmt->handle) || (stmt->column_count && mysql_stmt_store_result(stmt->handle)))
        return statement_fault(db, stmt, err);
    db->stale = false;
    *out = stmt;
    return true;
}

static bool refuse(const struct db *db, const struct stmt_def *def, struct err *err)
{
    if (db->tx.doomed) {
        err_set(err, ERR_DEADLOCK, "Another change was in the way; please try again.");
        return err_cause(err, "%s: the transaction was rolled back by the server before", def->name);
    }
    err_set(err, ERR_UNAVAILABLE, "The database cannot be reached at the moment.");
    err->retry_after_seconds = 2;
    return err_cause(err, "%s: the connection was lost before", def->name);
}

/* A server that was restarted costs no visible fault: the first statement on a connection that had been idle is sent
   again on a new one, when it cannot have changed anything. */
static bool run(struct db *db, const struct stmt_def *def, struct db_args args, struct db_stmt **out, struct err *err)
{
    bool stale = db->stale, may_have_run = false;
    struct err first; /* large: set only on a fault */

    if (db->broken || db->tx.doomed)
        return refuse(db, def, err);
    if (db_over_limit(db, def->name, err))
        return false;
    if (run_once(db, def, args, out, &may_have_run, &first))
        return true;
    bool again =
        stale && db->broken && first.code != ERR_TIMEOUT && !db->tx.active && (!may_have_run || def->columns[0]);
    if (!again) {
        *err = first;
        return false;
    }
    return db_pool_reopen(db, err) && run_once(db, def, args, out, &may_have_run, err);
}

/* ---- rows ---- */

static const struct db_cell *cell_of(const struct db_row *row, size_t col, char kind)
{
    assert(col < row->stmt->column_count && (!kind || row->stmt->def->columns[col] == kind));
    (void)kind;
    return &row->stmt->columns[col];
}

bool row_is_null(const struct db_row *row, size_t col)
{
    return cell_of(row, col, 0)->is_null;
}

int64_t row_int(const struct db_row *row, size_t col)
{
    const struct db_cell *cell = cell_of(row, col, 'i');
    return cell->is_null ? 0 : cell->number;
}

int32_t row_date(const struct db_row *row, size_t col)
{
    const struct db_cell *cell = cell_of(row, col, 'd');
    return cell->is_null ? 0 : (int32_t)(cell->time.year * 10000 + cell->time.month * 100 + cell->time.day);
}

int64_t row_instant(const struct db_row *row, size_t col)
{
    const struct db_cell *cell = cell_of(row, col, 'm');
    if (cell->is_null)
        return 0;
    return instant_join((struct instant_parts){.year = (int)cell->time.year,
                                               .month = (int)cell->time.month,
                                               .day = (int)cell->time.day,
                                               .hour = (int)cell->time.hour,
                                               .minute = (int)cell->time.minute,
                                               .second = (int)cell->time.second,
                                               .millis = (int)(cell->time.second_part / 1000)});
}

struct text row_text(struct db_row *row, size_t col)
{
    const struct db_cell *cell = cell_of(row, col, 't');
    if (cell->is_null)
        return TEXT_NONE;
    unsigned long length = cell->length;
    char *p = row->mem ? arena_alloc(row->mem, length + 1) : NULL;
    if (!p) {
        row->no_memory = true;
        return TEXT_NONE;
    }
    if (length) {
        unsigned long got = 0;
        db_flag is_null = 0, error = 0;
        MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_STRING,
                           .buffer = p,
                           .buffer_length = length,
                           .length = &got,
                           .is_null = &is_null,
                           .error = &error};
        mysql_stmt_fetch_column(row->stmt->handle, &bind, (unsigned)col, 0);
    }
    p[length] = '\0';
    return (struct text){p, length};
}

/* A text column always counts as cut, since it has no buffer; any other must fit. */
static bool whole(const struct db_stmt *stmt)
{
    for (size_t i = 0; i < stmt->column_count; i++)
        if (stmt->columns[i].error && stmt->def->columns[i] != 't' && !stmt->columns[i].is_null)
            return false;
    return true;
}

static bool bad_row(const struct db_stmt *stmt, struct err *err)
{
    err_set(err, ERR_INTERNAL, "A value in the database has not the declared type.");
    return err_cause(err, "%s: a column does not fit \"%s\"", stmt->def->name, stmt->def->columns);
}

static bool read_rows(struct db *db, struct db_stmt *stmt, struct db_row *row, db_row_fn *each, void *to, size_t most,
                      size_t *count, struct err *err)
{
    for (*count = 0; *count < most; ++*count) {
        int got = mysql_stmt_fetch(stmt->handle);
        if (got == MYSQL_NO_DATA)
            return true;
        if (got != 0 && got != MYSQL_DATA_TRUNCATED)
            return db_fault(db, stmt->def->name, mysql_stmt_errno(stmt->handle), mysql_stmt_error(stmt->handle), err);
        if (got == MYSQL_DATA_TRUNCATED && !whole(stmt))
            return bad_row(stmt, err);
        if (each && !each(row, to, err))
            return false;
        if (row->no_memory)
            return err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
    }
    return true;
}

static bool query(struct db *db, const struct stmt_def *def, struct db_args args, struct arena *mem, db_row_fn *each,
                  void *to, size_t most, size_t *count, struct err *err)
{
    struct db_stmt *stmt;
    if (!run(db, def, args, &stmt, err))
        return false;
    /* each() may run other statements on this connection, but not make this one be forgotten: it is the newest. */
    struct db_row row = {.stmt = stmt, .mem = mem};
    bool ok = read_rows(db, stmt, &row, each, to, most, count, err);
    mysql_stmt_free_result(stmt->handle);
    return ok;
}

bool db_query(struct db *db, const struct stmt_def *def, struct db_args args, struct arena *mem, db_row_fn *each,
              void *to, size_t *count, struct err *err)
{
    size_t n = 0;
    bool ok = query(db, def, args, mem, each, to, SIZE_MAX, &n, err);
    if (ok && count)
        *count = n;
    return ok;
}

bool db_one(struct db *db, const struct stmt_def *def, struct db_args args, struct arena *mem, db_row_fn *each,
            void *to, struct err *err)
{
    size_t n = 0;
    if (!query(db, def, args, mem, each, to, 1, &n, err))
        return false;
    if (n)
        return true;
    err_set(err, ERR_NOT_FOUND, "There is no such thing.");
    return err_cause(err, "%s: no row", def->name);
}

bool db_exec(struct db *db, const struct stmt_def *def, struct db_args args, struct db_result *res, struct err *err)
{
    struct db_stmt *stmt;
    if (!run(db, def, args, &stmt, err))
        return false;
    if (res) {
        res->affected = (int64_t)mysql_stmt_affected_rows(stmt->handle);
        res->insert_id = (int64_t)mysql_stmt_insert_id(stmt->handle);
    }
    if (stmt->column_count)
        mysql_stmt_free_result(stmt->handle);
    return true;
}

bool db_prepare(struct db *db, const struct stmt_def *def, struct err *err)
{
    if (db->broken)
        return refuse(db, def, err);
    return db_stmt_get(db, def, err) != NULL;
}
