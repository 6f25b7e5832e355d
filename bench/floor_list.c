/* Floor of GET /expenses: the same SELECT of a month's rows, in a plain loop. Every cell is brought to the program, as
 * a list needs it. */
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SQL[] =
    "SELECT t.id, t.kind, t.amount, t.occurred_on, t.category_id, c.name, c.active, j.id, j.name, k.id, k.name, t.name, t.icon, t.note,"
    " t.receipt_location, t.receipt_image_url, t.version, t.deleted_at, t.created_at, t.updated_at"
    " FROM transactions t FORCE INDEX (tx_kind)"
    " LEFT JOIN categories c ON c.household_id = t.household_id AND c.id = t.category_id"
    " LEFT JOIN jars j ON j.household_id = t.household_id AND j.id = t.jar_id AND j.active = 1"
    " LEFT JOIN jars k ON k.household_id = t.household_id AND k.id = t.to_jar_id AND k.active = 1"
    " WHERE t.household_id = ? AND t.kind = 'expense' AND t.deleted_at IS NULL AND t.occurred_on >= ? AND t.occurred_on <= ?"
    " ORDER BY t.occurred_on DESC, t.id DESC LIMIT 10001";

enum { COLUMNS = 20, CELL = 512, THREADS_MAX = 256 };

struct list {
    MYSQL_STMT *stmt;
    char cells[COLUMNS][CELL];
    unsigned long lengths[COLUMNS];
};

static struct list *lists[THREADS_MAX];

static bool prepare(struct floor_thread *t)
{
    MYSQL_BIND out[COLUMNS];
    struct list *l = calloc(1, sizeof *l);
    if (!l || t->number >= THREADS_MAX)
        return floor_fail("start", "no memory");
    lists[t->number] = l;
    l->stmt = floor_statement(t->mysql, SQL);
    if (!l->stmt)
        return false;
    memset(out, 0, sizeof out);
    for (int i = 0; i < COLUMNS; i++) {
        bool number = i == 0 || i == 2 || i == 4 || i == 6 || i == 7 || i == 9 || i == 16;
        bool time = i == 3 || i >= 17;
        out[i].buffer_type = number ? MYSQL_TYPE_LONGLONG : time ? MYSQL_TYPE_DATETIME : MYSQL_TYPE_STRING;
        out[i].buffer = l->cells[i];
        out[i].buffer_length = CELL;
        out[i].length = &l->lengths[i];
    }
    return mysql_stmt_bind_result(l->stmt, out) ? floor_fail("bind", mysql_stmt_error(l->stmt)) : true;
}

static bool step(struct floor_thread *t, int64_t household)
{
    struct list *l = lists[t->number];
    MYSQL_BIND in[3];
    unsigned long first = strlen(t->opts->month_first), last = strlen(t->opts->month_last);
    memset(in, 0, sizeof in);
    in[0].buffer_type = MYSQL_TYPE_LONGLONG;
    in[0].buffer = &household;
    in[1].buffer_type = in[2].buffer_type = MYSQL_TYPE_STRING;
    in[1].buffer = (void *)(uintptr_t)t->opts->month_first;
    in[1].buffer_length = first;
    in[2].buffer = (void *)(uintptr_t)t->opts->month_last;
    in[2].buffer_length = last;
    if (mysql_stmt_bind_param(l->stmt, in) || mysql_stmt_execute(l->stmt) || mysql_stmt_store_result(l->stmt))
        return floor_fail("list", mysql_stmt_error(l->stmt));
    int rows = 0;
    while (mysql_stmt_fetch(l->stmt) == 0)
        rows++;
    mysql_stmt_free_result(l->stmt);
    return rows > 0 || floor_fail("list", "no rows");
}

int main(int argc, char **argv)
{
    return floor_main(argc, argv, prepare, step);
}
