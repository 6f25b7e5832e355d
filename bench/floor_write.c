/* Floor of POST /expenses (without a jar): the same statements in one transaction, in a plain loop over many
 * households. */
#include "floor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const SQL[] = {
    "UPDATE households SET change_seq = change_seq + 1 WHERE id = ?",
    "SELECT c.id, c.name, c.type, j.id, j.name, u.large_transaction_amount FROM household_members m JOIN users u ON u.id = m.user_id"
    " LEFT JOIN categories c ON c.household_id = m.household_id AND c.type = 'expense' AND c.active = 1"
    " LEFT JOIN jars j ON j.household_id = m.household_id AND j.id = 0 AND j.active = 1 WHERE m.household_id = ? LIMIT 1",
    "INSERT INTO transactions (household_id, kind, amount, occurred_on, category_id, jar_id, to_jar_id, name, icon, note, receipt_location,"
    " receipt_image_url, created_by, created_at, updated_at)"
    " VALUES (?, 'expense', 1000, CURDATE(), 1, NULL, NULL, 'Floor', NULL, NULL, NULL, NULL, 1, NOW(3), NOW(3))",
    "UPDATE households SET unassigned = unassigned - 1000 WHERE id = ?",
    "INSERT INTO audit_log (request_id, household_id, user_id, action, at) VALUES (UUID(), ?, 1, 'POST /expenses', NOW(3))",
};

enum { STATEMENTS = sizeof SQL / sizeof *SQL, THREADS_MAX = 256 };

static MYSQL_STMT *statements[THREADS_MAX][STATEMENTS];

static bool prepare(struct floor_thread *t)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (!(statements[t->number][i] = floor_statement(t->mysql, SQL[i])))
            return false;
    return true;
}

static bool run(MYSQL_STMT *stmt, int64_t *household)
{
    MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = household};
    if (mysql_stmt_bind_param(stmt, &in) || mysql_stmt_execute(stmt))
        return floor_fail("write", mysql_stmt_error(stmt));
    if (mysql_stmt_field_count(stmt) && (mysql_stmt_store_result(stmt) || mysql_stmt_free_result(stmt)))
        return floor_fail("write", mysql_stmt_error(stmt));
    return true;
}

static bool step(struct floor_thread *t, int64_t household)
{
    if (mysql_query(t->mysql, "START TRANSACTION"))
        return floor_fail("begin", mysql_error(t->mysql));
    for (int i = 0; i < STATEMENTS; i++)
        if (!run(statements[t->number][i], &household))
            return false;
    return mysql_query(t->mysql, "COMMIT") ? floor_fail("commit", mysql_error(t->mysql)) : true;
}

int main(int argc, char **argv)
{
    return floor_main(argc, argv, prepare, step);
}
