#include "database.h"

#include "check.h"

#include "base/arena.h"
#include "store/migrate.h"
#include "store/user.h"

static struct db_pool *open_pool(const struct server *server, const char *name, size_t connections)
{
    struct err err = {0};
    struct db_options opts = {.socket = server->socket,
                              .user = "root",
                              .password = "",
                              .name = name,
                              .pool_size = connections,
                              .pool_wait_ms = 2000,
                              .connect_timeout_s = 5,
                              .io_timeout_s = 30,
                              .lock_wait_s = 5};
    struct db_pool *pool = db_pool_open(&opts, &err);
    if (!pool)
        fail_msg("pool: %s [%s]", err.detail, err.cause);
    return pool;
}

static struct db *take(struct db_pool *pool)
{
    struct err err = {0};
    struct db *db = db_take(pool, &err);
    if (!db)
        fail_msg("connection: %s [%s]", err.detail, err.cause);
    return db;
}

void database_run(struct db_pool *pool, const char *sql)
{
    struct err err = {0};
    struct db *db = take(pool);
    if (!db_run_sql(db, text_of(sql), &err))
        fail_msg("%s: %s [%s]", sql, err.detail, err.cause);
    db_give(db);
}

struct db_pool *database_start(struct server *server, size_t connections)
{
    struct err err = {0};
    size_t steps;
    server_start_mariadb(server);
    struct db_pool *bare = open_pool(server, NULL, 1);
    database_run(bare, "CREATE DATABASE test CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    db_pool_close(bare);
    struct db_pool *pool = open_pool(server, "test", connections);
    struct arena *mem = arena_new(65536, 16 * 1024 * 1024);
    struct db *db = take(pool);
    if (!migrate_run(db, migration_files, INT64_C(1790000000000), mem, &steps, &err))
        fail_msg("migrations: %s [%s]", err.detail, err.cause);
    db_give(db);
    arena_free(mem);
    return pool;
}

static bool read_number(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

static bool read_text(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct text t = row_text(row, 0);
    snprintf(to, 1024, "%.*s", TEXT_ARG(t));
    return true;
}

/* A statement is known by its definition's address, so each text gets a definition that stays. */
static void ask(struct db_pool *pool, const char *sql, const char *columns, db_row_fn *each, void *to)
{
    enum { QUESTIONS_MAX = 64 };
    static struct stmt_def defs[QUESTIONS_MAX];
    static size_t count;
    size_t i = 0;
    struct err err = {0};
    while (i < count && (strcmp(defs[i].sql, sql) != 0 || strcmp(defs[i].columns, columns) != 0))
        i++;
    if (i == QUESTIONS_MAX)
        fail_msg("more than %d different questions", QUESTIONS_MAX);
    if (i == count)
        defs[count++] = (struct stmt_def){"test.ask", strdup(sql), "", columns};
    struct arena *mem = arena_new(4096, 1024 * 1024);
    struct db *db = take(pool);
    if (!db_one(db, &defs[i], DB_NO_ARGS, mem, each, to, &err))
        fail_msg("%s: %s [%s]", sql, err.detail, err.cause);
    db_give(db);
    arena_free(mem);
}

int64_t database_number(struct db_pool *pool, const char *sql)
{
    int64_t number = 0;
    ask(pool, sql, "i", read_number, &number);
    return number;
}

const char *database_text(struct db_pool *pool, const char *sql)
{
    static char text[1024];
    ask(pool, sql, "t", read_text, text);
    return text;
}

void database_user(struct db_pool *pool, const char *email, int64_t *user, int64_t *household)
{
    struct err err = {0};
    struct db *db = take(pool);
    struct user_new row = {.email = text_of(email), .full_name = TEXT("Nguyễn An")};
    if (!user_insert_pending(db, &row, currency_find(TEXT("VND")), INT64_C(1790000000000), user, household, &err))
        fail_msg("user: %s [%s]", err.detail, err.cause);
    db_give(db);
}
