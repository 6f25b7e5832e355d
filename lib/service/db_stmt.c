#include <stdlib.h>
#include <string.h>

#include "service/db_internal.h"

static struct db_stmt **bucket_of(struct db *db, const struct stmt_def *def)
{
    uintptr_t key = (uintptr_t)def / sizeof(void *);
    return &db->buckets[(key ^ (key >> 8)) % DB_BUCKETS];
}

static void stmt_free(struct db_stmt *stmt)
{
    if (!stmt)
        return;
    if (stmt->handle)
        mysql_stmt_close(stmt->handle);
    free(stmt);
}

void db_stmt_forget(struct db *db, struct db_stmt *stmt)
{
    struct db_stmt **at = bucket_of(db, stmt->def);
    while (*at != stmt)
        at = &(*at)->next;
    *at = stmt->next;
    db->stmt_count--;
    stmt_free(stmt);
}

void db_stmt_forget_all(struct db *db)
{
    for (size_t i = 0; i < DB_BUCKETS; i++)
        while (db->buckets[i])
            db_stmt_forget(db, db->buckets[i]);
}

static void make_room(struct db *db)
{
    struct db_stmt *oldest = NULL;
    if (db->stmt_count < DB_STATEMENTS_MAX)
        return;
    for (size_t i = 0; i < DB_BUCKETS; i++)
        for (struct db_stmt *s = db->buckets[i]; s; s = s->next)
            if (!oldest || s->last_used < oldest->last_used)
                oldest = s;
    db_stmt_forget(db, oldest);
}

/* One block holds the statement and its arrays. */
static struct db_stmt *stmt_new(const struct stmt_def *def)
{
    size_t params = strlen(def->params), columns = strlen(def->columns), cells = params + columns;
    struct db_stmt *stmt = calloc(1, sizeof *stmt + cells * (sizeof(struct db_cell) + sizeof(MYSQL_BIND)));
    if (!stmt)
        return NULL;
    stmt->def = def;
    stmt->param_count = params;
    stmt->column_count = columns;
    stmt->params = (struct db_cell *)(void *)(stmt + 1);
    stmt->columns = stmt->params + params;
    stmt->param_binds = (MYSQL_BIND *)(void *)(stmt->columns + columns);
    stmt->column_binds = stmt->param_binds + params;
    return stmt;
}

static bool bad_definition(const struct stmt_def *def, const char *what, struct err *err)
{
    err_set(err, ERR_INTERNAL, "A database statement is not as it was declared.");
    return err_cause(err, "%s: %s", def->name, what);
}

/* Where the value of a kind lies in its cell; false for a letter that is no kind. A text column gets no buffer:
   row_text fetches it, with its length known, straight into the arena. */
static bool bind_kind(MYSQL_BIND *bind, struct db_cell *cell, char kind)
{
    bind->is_null = &cell->is_null;
    bind->error = &cell->error;
    bind->length = &cell->length;
    switch (kind) {
    case 'i':
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        bind->buffer = &cell->number;
        return true;
    case 't': bind->buffer_type = MYSQL_TYPE_STRING; return true;
    case 'd':
        bind->buffer_type = MYSQL_TYPE_DATE;
        bind->buffer = &cell->time;
        return true;
    case 'm':
        bind->buffer_type = MYSQL_TYPE_DATETIME;
        bind->buffer = &cell->time;
        return true;
    default: return false;
    }
}

static bool bind_all(struct db_stmt *stmt, struct err *err)
{
    const struct stmt_def *def = stmt->def;
    if (mysql_stmt_param_count(stmt->handle) != stmt->param_count)
        return bad_definition(def, "the SQL has another number of parameters", err);
    if (mysql_stmt_field_count(stmt->handle) != stmt->column_count)
        return bad_definition(def, "the SQL has another number of columns", err);
    for (size_t i = 0; i < stmt->param_count; i++)
        if (!bind_kind(&stmt->param_binds[i], &stmt->params[i], def->params[i]))
            return bad_definition(def, "unknown kind of parameter", err);
    for (size_t i = 0; i < stmt->column_count; i++)
        if (!bind_kind(&stmt->column_binds[i], &stmt->columns[i], def->columns[i]))
            return bad_definition(def, "unknown kind of column", err);
    if (stmt->column_count && mysql_stmt_bind_result(stmt->handle, stmt->column_binds))
        return bad_definition(def, mysql_stmt_error(stmt->handle), err);
    return true;
}

static bool prepare(struct db *db, struct db_stmt *stmt, struct err *err)
{
    const struct stmt_def *def = stmt->def;
    stmt->handle = mysql_stmt_init(db->my);
    if (!stmt->handle)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
    if (mysql_stmt_prepare(stmt->handle, def->sql, strlen(def->sql)))
        return db_fault(db, def->name, mysql_stmt_errno(stmt->handle), mysql_stmt_error(stmt->handle), err);
    return bind_all(stmt, err);
}

struct db_stmt *db_stmt_get(struct db *db, const struct stmt_def *def, struct err *err)
{
    struct db_stmt **bucket = bucket_of(db, def), *stmt = *bucket;
    while (stmt && stmt->def != def)
        stmt = stmt->next;
    if (!stmt) {
        make_room(db);
        stmt = stmt_new(def);
        if (!stmt) {
            err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
            return NULL;
        }
        if (!prepare(db, stmt, err)) {
            stmt_free(stmt);
            return NULL;
        }
        stmt->next = *bucket;
        *bucket = stmt;
        db->stmt_count++;
    }
    stmt->last_used = ++db->uses;
    return stmt;
}
