#include "snapshot.h"

#include "check.h"
#include "database.h"

#include "base/buf.h"

enum { CHECKSUMS_MAX = 4095 };

/* The formatter does not settle on a layout for this. */
/* clang-format off */
#define TABLES(X) \
    X(households) \
    X(users) \
    X(household_members) \
    X(sessions) \
    X(otp_codes) \
    X(transaction_codes) \
    X(documents) \
    X(exports) \
    X(categories) \
    X(jars) \
    X(transactions) \
    X(imports) \
    X(import_rows) \
    X(import_keys) \
    X(import_files) \
    X(import_mappings) \
    X(import_rules) \
    X(jar_entries) \
    X(jar_months) \
    X(threshold_alerts) \
    X(idempotency_keys) \
    X(audit_log) \
    X(outbox) \
    X(parked_messages) \
    X(mail_ledger) \
    X(notifications)
/* clang-format on */

static char taken[CHECKSUMS_MAX + 1];

static bool read_checksum(struct db_row *row, void *to, struct err *err)
{
    struct buf *out = to;
    (void)err;
    buf_text(out, row_text(row, 0));
    buf_printf(out, " %lld\n", (long long)row_int(row, 1));
    return true;
}

static void checksums(struct db_pool *pool, char out[CHECKSUMS_MAX + 1])
{
#define LIST(t) #t ", "
    static const struct stmt_def CHECKSUM = {"test.checksum", "CHECKSUM TABLE " TABLES(LIST) "schema_migrations", "",
                                             "ti"};
    struct err err = {0};
    struct buf text;
    AUTO(db) struct db *db = db_take(pool, &err);
    struct arena *mem = arena_new(4096, 65536);
    buf_init(&text, CHECKSUMS_MAX);
    if (!db || !db_query(db, &CHECKSUM, DB_NO_ARGS, mem, read_checksum, &text, NULL, &err))
        fail_msg("%s [%s]", err.detail, err.cause);
    memcpy(out, text.p, text.n + 1);
    buf_release(&text);
    arena_free(mem);
}

void snapshot_take(struct db_pool *pool)
{
#define SAVE(t)                                                                                                        \
    database_run(pool, "CREATE TABLE saved_" #t " LIKE " #t);                                                          \
    database_run(pool, "INSERT INTO saved_" #t " SELECT * FROM " #t);
    TABLES(SAVE)
    checksums(pool, taken);
}

void snapshot_restore(struct db_pool *pool)
{
    database_run(pool, "SET foreign_key_checks = 0");
#define RESTORE(t)                                                                                                     \
    database_run(pool, "DELETE FROM " #t);                                                                             \
    database_run(pool, "INSERT INTO " #t " SELECT * FROM saved_" #t);
    TABLES(RESTORE)
}

bool snapshot_differs(struct db_pool *pool)
{
    char now[CHECKSUMS_MAX + 1];
    checksums(pool, now);
    return strcmp(now, taken) != 0;
}

const char *snapshot_counts(struct db_pool *pool)
{
#define COUNT(t) "(SELECT COUNT(*) FROM " #t "), "
    return database_text(
        pool, "SELECT CONCAT_WS(' ', " TABLES(
                  COUNT) "(SELECT SUM(change_seq) FROM households), "
                         "(SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL), "
                         "(SELECT CONCAT(SUM(balance), '/', SUM(version)) FROM jars), "
                         "(SELECT CONCAT(SUM(amount), '/', SUM(version)) FROM transactions WHERE deleted_at IS NULL), "
                         "(SELECT CONCAT(SUM(version), '/', SUM(status = 'active')) FROM users), "
                         "(SELECT CONCAT(COUNT(code_hash), '/', COUNT(used_at)) FROM otp_codes), "
                         "(SELECT GROUP_CONCAT(state ORDER BY id) FROM mail_ledger), "
                         "(SELECT COUNT(*) FROM outbox WHERE processed_at IS NULL))");
}
