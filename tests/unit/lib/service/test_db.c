/* The database client against a real MariaDB. */
/* link: -Wl,--wrap=mysql_real_query -Wl,--wrap=mysql_errno */
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "lib/service/server.h"
#include "service/db.h"

struct st_mysql; /* of the driver */

static struct server server;
/* The next COMMIT meets a server that has just turned read-only. (The account of these tests may write to one.) */
static bool commit_is_refused, refused;

int __real_mysql_real_query(struct st_mysql *my, const char *sql, unsigned long length);
int __wrap_mysql_real_query(struct st_mysql *my, const char *sql, unsigned long length);
unsigned __real_mysql_errno(struct st_mysql *my);
unsigned __wrap_mysql_errno(struct st_mysql *my);

int __wrap_mysql_real_query(struct st_mysql *my, const char *sql, unsigned long length)
{
    refused = commit_is_refused && length == 6 && memcmp(sql, "COMMIT", 6) == 0;
    commit_is_refused = commit_is_refused && !refused;
    return __real_mysql_real_query(my, refused ? "ROLLBACK" : sql, refused ? 8 : length) || refused;
}

unsigned __wrap_mysql_errno(struct st_mysql *my)
{
    return refused ? 1290 : __real_mysql_errno(my);
}
static struct db_pool *pool;
static struct arena *mem;

static const struct stmt_def INSERT = {"item.insert", "INSERT INTO items (id, name, day, at) VALUES (?, ?, ?, ?)",
                                       "itdm", ""};
static const struct stmt_def INSERT_AUTO = {"item.insert_auto", "INSERT INTO items (name) VALUES (?)", "t", ""};
static const struct stmt_def FIND = {"item.find", "SELECT id, name, day, at FROM items WHERE id = ?", "i", "itdm"};
static const struct stmt_def LIST = {"item.list", "SELECT id, name, day, at FROM items ORDER BY id", "", "itdm"};
static const struct stmt_def COUNT = {"item.count", "SELECT COUNT(*) FROM items", "", "i"};
static const struct stmt_def TOUCH = {"item.touch", "UPDATE items SET name = name WHERE id = ?", "i", ""};
static const struct stmt_def RENAME = {"item.rename", "UPDATE items SET name = ? WHERE id = ?", "ti", ""};

struct item {
    int64_t id, at;
    struct text name;
    int32_t day;
    bool name_is_null;
};

struct items {
    struct item v[64];
    size_t n;
};

static bool read_item(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct item *)to = (struct item){.id = row_int(row, 0),
                                       .name = row_text(row, 1),
                                       .day = row_date(row, 2),
                                       .at = row_instant(row, 3),
                                       .name_is_null = row_is_null(row, 1)};
    return true;
}

static bool add_item(struct db_row *row, void *to, struct err *err)
{
    struct items *items = to;
    return read_item(row, &items->v[items->n++], err);
}

static bool read_number(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

static struct db_options options(void)
{
    return (struct db_options){.socket = server.socket,
                               .name = "test",
                               .user = "root",
                               .pool_size = 3,
                               .pool_wait_ms = 50,
                               .connect_timeout_s = 2,
                               .io_timeout_s = 5,
                               .lock_wait_s = 1};
}

static struct db_pool *open_pool(struct db_options opts)
{
    struct err err = {0};
    struct db_pool *p = db_pool_open(&opts, &err);
    assert_non_null(p);
    return p;
}

static struct db *take(struct db_pool *p)
{
    struct err err = {0};
    struct db *db = db_take(p, &err);
    if (!db)
        fail_msg("db_take: %s [%s]", err.detail, err.cause);
    return db;
}

static void sql(struct db *db, const char *text)
{
    struct err err = {0};
    if (!db_run_sql(db, text_of(text), &err))
        fail_msg("%s: %s [%s]", text, err.detail, err.cause);
}

static int64_t number(struct db *db, const struct stmt_def *def)
{
    struct err err = {0};
    int64_t n = -1;
    if (!db_one(db, def, DB_NO_ARGS, mem, read_number, &n, &err))
        fail_msg("%s: %s [%s]", def->name, err.detail, err.cause);
    return n;
}

static void insert(struct db *db, int64_t id, const char *name)
{
    struct err err = {0};
    if (!db_exec(db, &INSERT, DB_ARGS(db_int(id), db_str(name), db_null(), db_null()), NULL, &err))
        fail_msg("insert: %s [%s]", err.detail, err.cause);
}

static int set_up_all(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    server_start_mariadb(&server);
    struct db_options opts = options();
    opts.name = NULL;
    struct db_pool *p = open_pool(opts);
    struct db *db = take(p);
    sql(db, "CREATE DATABASE test");
    db_give(db);
    db_pool_close(p);
    mem = arena_new(4096, 1 << 24);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    arena_free(mem);
    server_remove(&server);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    pool = open_pool(options());
    struct db *db = take(pool);
    sql(db,
        "CREATE OR REPLACE TABLE items (id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(4000) CHARACTER SET utf8mb4, "
        "day DATE, at DATETIME(3), UNIQUE (day)) ENGINE=InnoDB");
    db_give(db);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    db_pool_close(pool);
    arena_reset(mem);
    return 0;
}

static void test_values_of_each_kind_come_back_as_they_went(void **state)
{
    (void)state;
    struct err err = {0};
    struct item item = {0};
    struct db *db = take(pool);
    int64_t at = INT64_C(1774664130123); /* 2026-03-28T02:15:30.123Z */
    struct text name = TEXT("Cà phê ☕ \xF0\x9F\x92\xB0 'quoted' \\ end");
    assert_true(
        db_exec(db, &INSERT, DB_ARGS(db_int(INT64_MAX), db_text(name), db_date(20240229), db_instant(at)), NULL, &err));
    assert_true(db_one(db, &FIND, DB_ARGS(db_int(INT64_MAX)), mem, read_item, &item, &err));
    assert_int_equal(item.id, INT64_MAX);
    assert_int_equal(item.name.n, name.n);
    assert_memory_equal(item.name.p, name.p, name.n + 1);
    assert_int_equal(item.day, 20240229);
    assert_int_equal(item.at, at);
    db_give(db);
}

static void test_null_differs_from_empty(void **state)
{
    (void)state;
    struct err err = {0};
    struct items items = {0};
    size_t n = 0;
    struct db *db = take(pool);
    insert(db, 1, "");
    insert(db, 2, NULL);
    assert_true(db_query(db, &LIST, DB_NO_ARGS, mem, add_item, &items, &n, &err));
    assert_int_equal(n, 2);
    assert_false(items.v[0].name_is_null);
    assert_non_null(items.v[0].name.p);
    assert_int_equal(items.v[0].name.n, 0);
    assert_true(items.v[1].name_is_null);
    assert_null(items.v[1].name.p);
    assert_int_equal(items.v[1].day, 0);
    assert_int_equal(items.v[1].at, 0);
    db_give(db);
}

static void test_a_statement_runs_again_with_other_values_and_lengths(void **state)
{
    (void)state;
    struct err err = {0};
    char longer[4001];
    memset(longer, 'x', 4000);
    longer[4000] = '\0';
    struct db *db = take(pool);
    const char *names[] = {"a", longer, "", "b", NULL, "c"};
    for (int i = 0; i < 6; i++)
        insert(db, i + 1, names[i]);
    for (int i = 0; i < 6; i++) {
        struct item item = {0};
        assert_true(db_one(db, &FIND, DB_ARGS(db_int(i + 1)), mem, read_item, &item, &err));
        assert_int_equal(item.name.n, names[i] ? strlen(names[i]) : 0);
        assert_int_equal(item.name_is_null, !names[i]);
        if (names[i])
            assert_string_equal(item.name.p, names[i]);
    }
    db_give(db);
}

static void test_bytes_that_are_no_text_pass_a_binary_column(void **state)
{
    (void)state;
    static const struct stmt_def PUT = {"bin.put", "INSERT INTO bin VALUES (?)", "t", ""};
    static const struct stmt_def GET = {"bin.get", "SELECT b FROM bin", "", "t"};
    struct err err = {0};
    struct text bytes = {"\xFF\x00\xFE\x01'", 5};
    struct db *db = take(pool);
    sql(db, "CREATE OR REPLACE TABLE bin (b VARBINARY(16))");
    assert_true(db_exec(db, &PUT, DB_ARGS(db_text(bytes)), NULL, &err));
    struct items items = {0};
    (void)items;
    static const struct stmt_def HEX = {"bin.hex", "SELECT COUNT(*) FROM bin WHERE HEX(b) = 'FF00FE0127'", "", "i"};
    assert_int_equal(number(db, &HEX), 1);
    assert_true(db_query(db, &GET, DB_NO_ARGS, mem, NULL, NULL, NULL, &err));
    db_give(db);
}

static void test_sums_and_counts_are_numbers(void **state)
{
    (void)state;
    static const struct stmt_def SUM = {"item.sum", "SELECT COALESCE(SUM(id), 0) FROM items", "", "i"};
    struct db *db = take(pool);
    assert_int_equal(number(db, &SUM), 0);
    insert(db, 40, "a");
    insert(db, 2, "b");
    assert_int_equal(number(db, &SUM), 42);
    assert_int_equal(number(db, &COUNT), 2);
    db_give(db);
}

static void test_a_number_that_does_not_fit_is_a_fault_and_not_another_number(void **state)
{
    (void)state;
    static const struct stmt_def HUGE = {"huge", "SELECT CAST('99999999999999999999' AS DECIMAL(30))", "", "i"};
    struct err err = {0};
    int64_t n = 7;
    struct db *db = take(pool);
    assert_false(db_one(db, &HUGE, DB_NO_ARGS, mem, read_number, &n, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_int_equal(n, 7);
    assert_int_equal(number(db, &COUNT), 0);
    db_give(db);
}

static void test_an_update_that_changes_nothing_counts_the_row_it_found(void **state)
{
    (void)state;
    struct err err = {0};
    struct db_result res = {0};
    struct db *db = take(pool);
    insert(db, 5, "same");
    assert_true(db_exec(db, &TOUCH, DB_ARGS(db_int(5)), &res, &err));
    assert_int_equal(res.affected, 1);
    assert_true(db_exec(db, &TOUCH, DB_ARGS(db_int(6)), &res, &err));
    assert_int_equal(res.affected, 0);
    assert_true(db_exec(db, &INSERT_AUTO, DB_ARGS(db_str("new")), &res, &err));
    assert_int_equal(res.insert_id, 6);
    db_give(db);
}

static void test_no_row_is_not_found_and_a_second_key_is_a_duplicate(void **state)
{
    (void)state;
    struct err err = {0};
    struct item item;
    struct db *db = take(pool);
    assert_false(db_one(db, &FIND, DB_ARGS(db_int(1)), mem, read_item, &item, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    insert(db, 1, "a");
    assert_false(db_exec(db, &INSERT, DB_ARGS(db_int(1), db_null(), db_null(), db_null()), NULL, &err));
    assert_int_equal(err.code, ERR_DUPLICATE);
    assert_non_null(strstr(err.cause, "item.insert: 1062"));
    db_give(db);
}

static void test_a_statement_that_differs_from_its_declaration_is_refused_by_name(void **state)
{
    (void)state;
    static const struct stmt_def BAD[] = {{"bad.columns", "SELECT id, name FROM items", "", "i"},
                                          {"bad.params", "SELECT id FROM items WHERE id = ?", "", "i"},
                                          {"bad.kind", "SELECT id FROM items", "", "x"},
                                          {"bad.sql", "SELEC id", "", "i"}};
    struct db *db = take(pool);
    for (size_t i = 0; i < 4; i++) {
        struct err err = {0};
        assert_false(db_prepare(db, &BAD[i], &err));
        assert_int_equal(err.code, ERR_INTERNAL);
        assert_non_null(strstr(err.cause, BAD[i].name));
    }
    struct err err = {0};
    assert_false(db_exec(db, &TOUCH, DB_ARGS(db_str("not a number")), NULL, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_true(db_prepare(db, &FIND, &err));
    db_give(db);
}

static void test_the_session_is_strict_utc_and_read_committed(void **state)
{
    (void)state;
    static const struct stmt_def SESSION = {
        "session",
        "SELECT @@session.sql_mode LIKE '%STRICT_ALL_TABLES%' AND @@session.time_zone = '+00:00' AND "
        "@@session.tx_isolation = 'READ-COMMITTED' AND @@session.innodb_lock_wait_timeout = 1 AND "
        "@@session.max_statement_time = 5 AND @@session.idle_transaction_timeout = 10 AND @@session.character_set_client = 'utf8mb4'",
        "", "i"};
    struct err err = {0};
    struct db *db = take(pool);
    assert_int_equal(number(db, &SESSION), 1);
    assert_false(db_run_sql(db, TEXT("SELECT 1; SELECT 2"), &err));
    db_give(db);
}

static void test_a_transaction_that_is_left_is_rolled_back(void **state)
{
    (void)state;
    struct err err = {0};
    struct db *db = take(pool);
    {
        AUTO(tx) struct tx *tx = tx_begin(db, &err);
        assert_non_null(tx);
        assert_ptr_equal(tx_db(tx), db);
        insert(db, 1, "lost");
        assert_null(tx_begin(db, &err));
        assert_int_equal(err.code, ERR_INTERNAL);
    }
    assert_int_equal(number(db, &COUNT), 0);
    {
        AUTO(tx) struct tx *tx = tx_begin(db, &err);
        insert(db, 2, "kept");
        assert_true(tx_commit(tx, &err));
    }
    struct tx *left_open = tx_begin(db, &err);
    assert_non_null(left_open);
    insert(db, 3, "given back");
    db_give(db);
    db = take(pool);
    assert_int_equal(number(db, &COUNT), 1);
    db_give(db);
}

static void test_a_lock_wait_is_a_deadlock_and_dooms_the_transaction(void **state)
{
    (void)state;
    struct err err = {0};
    struct db *a = take(pool), *b = take(pool);
    insert(a, 1, "x");
    struct tx *first = tx_begin(a, &err), *second = tx_begin(b, &err);
    assert_true(db_exec(a, &RENAME, DB_ARGS(db_str("a"), db_int(1)), NULL, &err));
    assert_false(db_exec(b, &RENAME, DB_ARGS(db_str("b"), db_int(1)), NULL, &err));
    assert_int_equal(err.code, ERR_DEADLOCK);
    assert_true(err_is_transient(&err));
    /* Anything further would be committed by itself if the server has ended the transaction. */
    err_clear(&err);
    assert_false(db_exec(b, &INSERT_AUTO, DB_ARGS(db_str("stray")), NULL, &err));
    assert_int_equal(err.code, ERR_DEADLOCK);
    assert_false(tx_commit(second, &err));
    assert_int_equal(err.code, ERR_DEADLOCK);
    tx_rollback(second);
    assert_true(tx_commit(first, &err));
    struct tx *again = tx_begin(b, &err);
    assert_true(db_exec(b, &RENAME, DB_ARGS(db_str("b"), db_int(1)), NULL, &err));
    assert_true(tx_commit(again, &err));
    assert_int_equal(number(a, &COUNT), 1);
    db_give(a);
    db_give(b);
}

static void test_the_pool_is_bounded_and_waits_only_so_long(void **state)
{
    (void)state;
    struct err err = {0};
    struct db_pool_stats stats;
    struct db *held[3];
    for (int i = 0; i < 3; i++)
        held[i] = take(pool);
    int64_t before = clock_monotonic_ms();
    assert_null(db_take(pool, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_true(err.retry_after_seconds > 0);
    assert_true(clock_monotonic_ms() - before >= 49);
    db_pool_stats(pool, &stats);
    assert_int_equal(stats.open, 3);
    assert_int_equal(stats.busy, 3);
    assert_int_equal(stats.waits, 1);
    assert_int_equal(stats.wait_timeouts, 1);
    struct db *last = held[1];
    db_give(last);
    assert_ptr_equal(take(pool), last);
    for (int i = 0; i < 3; i++)
        db_give(held[i]);
    db_pool_stats(pool, &stats);
    assert_int_equal(stats.open, 3);
    assert_int_equal(stats.busy, 0);
}

static void *give_back(void *db)
{
    db_give(db);
    return NULL;
}

static void test_a_waiting_thread_gets_the_connection_that_comes_free(void **state)
{
    (void)state;
    struct db_options opts = options();
    opts.pool_size = 1;
    opts.pool_wait_ms = 20000;
    struct db_pool *one = open_pool(opts);
    struct db *db = take(one);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, give_back, db), 0);
    struct db *same = take(one);
    pthread_join(thread, NULL);
    assert_ptr_equal(same, db);
    db_give(same);
    db_pool_close(one);
}

struct waited {
    struct db_pool *pool;
    struct db *db;
};

static void *give_when_waited_for(void *user)
{
    struct waited *w = user;
    struct db_pool_stats stats = {0};
    for (int i = 0; i < 5000 && !stats.waits; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
        db_pool_stats(w->pool, &stats);
    }
    db_give(w->db);
    return NULL;
}

static void test_a_server_without_a_connection_left_is_served_by_those_that_are_open(void **state)
{
    (void)state;
    /* The least that the server can be told, and one more for who may administrate it, as these tests may; two are
     * taken. */
    enum { MOST = 10, CONNECTIONS = MOST + 1 - 2 };
    struct err err = {0};
    struct db_options opts = options();
    opts.pool_size = MOST;
    opts.pool_wait_ms = 5000;
    struct db_pool *others = open_pool(opts), *ours = open_pool(opts);
    struct db *taken[CONNECTIONS], *mine = take(ours);
    sql(mine, "SET GLOBAL max_connections = 10");
    for (size_t i = 0; i < CONNECTIONS; i++)
        taken[i] = take(others);

    pthread_t thread;
    struct waited waited = {ours, mine};
    assert_int_equal(pthread_create(&thread, NULL, give_when_waited_for, &waited), 0);
    struct db *db = db_take(ours, &err);
    pthread_join(thread, NULL);
    assert_ptr_equal(db, mine);
    /* A process that has none does not refuse at once. */
    opts.pool_wait_ms = 300;
    struct db_pool *late = open_pool(opts);
    int64_t began = clock_monotonic_ms();
    assert_null(db_take(late, &err));
    assert_true(clock_monotonic_ms() - began >= 300);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.cause, "no free connection in time"));
    sql(db, "SET GLOBAL max_connections = 151");
    db_give(take(late));
    db_pool_close(late);
    db_give(db);
    for (size_t i = 0; i < CONNECTIONS; i++)
        db_give(taken[i]);
    db_pool_close(others);
    db_pool_close(ours);
}

static void test_a_read_survives_a_restart_of_the_server(void **state)
{
    (void)state;
    struct err err = {0};
    struct db *a = take(pool);
    insert(a, 1, "x");
    db_give(a);
    server_restart(&server);
    a = take(pool);
    assert_int_equal(number(a, &COUNT), 1);
    db_give(a);

    a = take(pool);
    server_restart(&server);
    /* Not the first statement on it any more: what was lost is told. */
    a = (db_give(a), take(pool));
    struct tx *tx = tx_begin(a, &err);
    assert_non_null(tx);
    insert(a, 2, "y");
    server_kill(&server);
    assert_false(db_exec(a, &TOUCH, DB_ARGS(db_int(2)), NULL, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_false(tx_commit(tx, &err));
    db_give(a);
    server_restart(&server);
}

static void test_a_commit_whose_answer_is_lost_is_told_as_unknown(void **state)
{
    (void)state;
    struct err err = {0};
    struct db *db = take(pool);
    struct tx *tx = tx_begin(db, &err);
    insert(db, 1, "x");
    server_kill(&server);
    assert_false(tx_commit(tx, &err));
    assert_int_equal(err.code, ERR_COMMIT_UNKNOWN);
    assert_non_null(strstr(err.cause, "commit: "));
    db_give(db);
    server_restart(&server);
}

static void test_a_dead_server_costs_one_attempt_and_then_answers_at_once(void **state)
{
    (void)state;
    struct err err = {0};
    server_kill(&server);
    assert_null(db_take(pool, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_int_equal(err.retry_after_seconds, 2);
    /* Of two calls in a row the second comes before the next attempt is due, unless the machine stalls. */
    for (int i = 0; i < 20 && !strstr(err.cause, "since the last attempt"); i++)
        assert_null(db_take(pool, &err));
    assert_non_null(strstr(err.cause, "since the last attempt"));
    server_restart(&server);
    struct db *db = NULL;
    int64_t until = clock_monotonic_ms() + 10000;
    while (!(db = db_take(pool, &err)) && clock_monotonic_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    assert_non_null(db);
    assert_int_equal(number(db, &COUNT), 0);
    db_give(db);
}

static void test_a_frozen_server_is_waited_for_only_so_long(void **state)
{
    (void)state;
    struct err err = {0};
    struct db_options opts = options();
    opts.io_timeout_s = 1;
    struct db_pool *impatient = open_pool(opts);
    struct db *db = take(impatient);
    assert_int_equal(number(db, &COUNT), 0);
    server_freeze(&server);
    int64_t n;
    assert_false(db_one(db, &COUNT, DB_NO_ARGS, mem, read_number, &n, &err));
    server_thaw(&server);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    db_give(db);
    db_pool_close(impatient);
}

static void test_a_statement_that_takes_too_long_is_ended_by_the_server(void **state)
{
    (void)state;
    static const struct stmt_def SLOW = {"slow", "SELECT SLEEP(30) FROM items", "", "i"};
    struct err err = {0};
    struct db *db = take(pool);
    insert(db, 1, "x");
    sql(db, "SET SESSION max_statement_time = 0.05");
    int64_t n;
    assert_false(db_one(db, &SLOW, DB_NO_ARGS, mem, read_number, &n, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    db_give(db);
}

static void test_a_read_only_server_drops_the_whole_pool(void **state)
{
    (void)state;
    struct err err = {0};
    struct db_pool_stats stats;
    struct db *a = take(pool), *b = take(pool);
    db_give(b);
    /* A server without accounts refuses this with the code of a read-only one (1290). */
    assert_false(db_run_sql(a, TEXT("CREATE USER nobody"), &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    db_give(a);
    db_give(take(pool));
    db_pool_stats(pool, &stats);
    assert_int_equal(stats.open, 1);

    a = take(pool);
    int64_t latency = -1;
    assert_true(db_ping(a, &latency, &err));
    assert_true(latency >= 0);
    sql(a, "SET GLOBAL read_only = 1");
    assert_false(db_ping(a, NULL, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    db_give(a);
    a = take(pool);
    sql(a, "SET GLOBAL read_only = 0");
    assert_true(db_ping(a, NULL, &err));
    db_give(a);
}

static void test_a_commit_that_a_read_only_server_refuses_has_not_happened(void **state)
{
    (void)state;
    struct err err = {0};
    struct db_pool_stats stats;
    struct db *db = take(pool);
    struct tx *tx = tx_begin(db, &err);
    insert(db, 1, "x");
    commit_is_refused = true;
    assert_false(tx_commit(tx, &err));
    refused = false;
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.cause, "commit: 1290"));
    db_give(db);
    db_pool_stats(pool, &stats);
    assert_int_equal(stats.open, 0);
    db = take(pool);
    assert_int_equal(number(db, &COUNT), 0);
    db_give(db);
}

static void test_a_named_lock_keeps_others_out(void **state)
{
    (void)state;
    struct err err = {0};
    struct db *a = take(pool), *b = take(pool);
    assert_true(db_lock(a, "migrate", 1, &err));
    assert_false(db_lock(b, "migrate", 0, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    db_unlock(a, "migrate");
    assert_true(db_lock(b, "migrate", 0, &err));
    db_unlock(b, "migrate");
    db_give(a);
    db_give(b);
}

static void test_more_statements_than_the_cache_holds_still_run(void **state)
{
    (void)state;
    static struct stmt_def many[250];
    static const struct stmt_def PREPARED = {
        "prepared",
        "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.GLOBAL_STATUS "
        "WHERE VARIABLE_NAME = 'PREPARED_STMT_COUNT'",
        "", "i"};
    struct db *db = take(pool);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < 250; i++) {
            many[i] = (struct stmt_def){"many", "SELECT COUNT(*) FROM items", "", "i"};
            assert_int_equal(number(db, &many[i]), 0);
        }
    assert_true(number(db, &PREPARED) <= 192);
    db_give(db);
}

static void test_one_execution_is_one_round_trip(void **state)
{
    (void)state;
    static const struct stmt_def QUESTIONS = {
        "questions",
        "SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) FROM information_schema.SESSION_STATUS "
        "WHERE VARIABLE_NAME IN ('COM_STMT_EXECUTE', 'COM_STMT_PREPARE', 'COM_STMT_RESET', 'COM_STMT_CLOSE', "
        "'COM_STMT_FETCH')",
        "", "i"};
    struct err err = {0};
    struct items items = {0};
    struct db *db = take(pool);
    for (int i = 1; i <= 20; i++)
        insert(db, i, "some name");
    assert_true(db_query(db, &LIST, DB_NO_ARGS, mem, add_item, &items, NULL, &err));
    int64_t before = number(db, &QUESTIONS);
    for (int i = 0; i < 10; i++) {
        items.n = 0;
        assert_true(db_query(db, &LIST, DB_NO_ARGS, mem, add_item, &items, NULL, &err));
        assert_int_equal(items.n, 20);
    }
    assert_int_equal(number(db, &QUESTIONS) - before, 11);
    db_give(db);
}

static bool stop_at_second(struct db_row *row, void *to, struct err *err)
{
    int64_t *n = to;
    *n = row_int(row, 0);
    return *n < 2 || err_set(err, ERR_OVERFLOW, "enough");
}

static void test_a_reader_can_stop_and_the_connection_stays_usable(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t last = 0;
    struct db *db = take(pool);
    for (int i = 1; i <= 5; i++)
        insert(db, i, "n");
    assert_false(db_query(db, &LIST, DB_NO_ARGS, mem, stop_at_second, &last, NULL, &err));
    assert_int_equal(err.code, ERR_OVERFLOW);
    assert_int_equal(last, 2);
    assert_int_equal(number(db, &COUNT), 5);
    db_give(db);
}

static void test_texts_beyond_the_arena_are_a_fault(void **state)
{
    (void)state;
    struct err err = {0};
    struct items items = {0};
    struct arena *tiny = arena_new(256, 256);
    char name[400];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct db *db = take(pool);
    insert(db, 1, name);
    assert_false(db_query(db, &LIST, DB_NO_ARGS, tiny, add_item, &items, NULL, &err));
    assert_int_equal(err.code, ERR_NO_MEMORY);
    arena_free(tiny);
    db_give(db);
}

enum { THREADS = 6, ROUNDS = 40 };
static atomic_int failures;

static void *count_up(void *unused)
{
    static const struct stmt_def ADD = {"item.add", "INSERT INTO items (name) VALUES (?)", "t", ""};
    struct err err = {0};
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        struct db *db = db_take(pool, &err);
        if (!db || !db_exec(db, &ADD, DB_ARGS(db_str("t")), NULL, &err))
            failures++;
        db_give(db);
    }
    return NULL;
}

static void test_many_threads_share_few_connections(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    db_pool_close(pool);
    struct db_options opts = options();
    opts.pool_size = 2;
    opts.pool_wait_ms = 20000;
    pool = open_pool(opts);
    failures = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failures, 0);
    struct db *db = take(pool);
    assert_int_equal(number(db, &COUNT), THREADS * ROUNDS);
    db_give(db);
}

static void *cut(void *arg)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000000};
    int64_t until = clock_monotonic_ms() + 10000;
    size_t n = 0;
    while (!n && clock_monotonic_ms() < until) {
        nanosleep(&pause, NULL);
        n = db_pool_cut(pool, clock_monotonic_ms());
    }
    *(size_t *)arg = n;
    return NULL;
}

static void test_a_statement_over_the_limit_is_cut_off(void **state)
{
    (void)state;
    static const struct stmt_def SLOW = {"slow", "SELECT SLEEP(4)", "", "i"};
    struct err err = {0};
    struct db *db = take(pool), *other = take(pool);
    pthread_t cutter;
    size_t n = 0;
    int64_t slept, began = clock_monotonic_ms();
    db_limit(other, began + 60000);
    db_limit(db, began + 200);
    assert_int_equal(pthread_create(&cutter, NULL, cut, &n), 0);
    assert_false(db_one(db, &SLOW, DB_NO_ARGS, mem, read_number, &slept, &err));
    pthread_join(cutter, NULL);
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_int_equal(n, 1);
    assert_true(clock_monotonic_ms() - began < 3900);
    assert_true(number(other, &COUNT) >= 0);
    db_give(other);
    db_give(db);
    db = take(pool);
    assert_true(number(db, &COUNT) >= 0);
    db_give(db);
}

static void test_nothing_begins_or_commits_after_the_limit(void **state)
{
    (void)state;
    struct err err = {0};
    struct db *db = take(pool);
    struct tx *tx = tx_begin(db, &err);
    assert_non_null(tx);
    assert_true(db_exec(db, &INSERT_AUTO, DB_ARGS(db_str("late")), NULL, &err));
    db_limit(db, clock_monotonic_ms());
    assert_false(db_exec(db, &INSERT_AUTO, DB_ARGS(db_str("later")), NULL, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    err_clear(&err);
    assert_false(tx_commit(tx, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    db_give(db);
    /* The limit was of that use only. */
    db = take(pool);
    assert_int_equal(number(db, &COUNT), 0);
    db_give(db);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_of_each_kind_come_back_as_they_went),
        TEST(test_null_differs_from_empty),
        TEST(test_a_statement_runs_again_with_other_values_and_lengths),
        TEST(test_bytes_that_are_no_text_pass_a_binary_column),
        TEST(test_sums_and_counts_are_numbers),
        TEST(test_a_number_that_does_not_fit_is_a_fault_and_not_another_number),
        TEST(test_an_update_that_changes_nothing_counts_the_row_it_found),
        TEST(test_no_row_is_not_found_and_a_second_key_is_a_duplicate),
        TEST(test_a_statement_that_differs_from_its_declaration_is_refused_by_name),
        TEST(test_the_session_is_strict_utc_and_read_committed),
        TEST(test_a_transaction_that_is_left_is_rolled_back),
        TEST(test_a_lock_wait_is_a_deadlock_and_dooms_the_transaction),
        TEST(test_the_pool_is_bounded_and_waits_only_so_long),
        TEST(test_a_waiting_thread_gets_the_connection_that_comes_free),
        TEST(test_a_server_without_a_connection_left_is_served_by_those_that_are_open),
        TEST(test_a_read_survives_a_restart_of_the_server),
        TEST(test_a_commit_whose_answer_is_lost_is_told_as_unknown),
        TEST(test_a_dead_server_costs_one_attempt_and_then_answers_at_once),
        TEST(test_a_frozen_server_is_waited_for_only_so_long),
        TEST(test_a_statement_that_takes_too_long_is_ended_by_the_server),
        TEST(test_a_read_only_server_drops_the_whole_pool),
        TEST(test_a_commit_that_a_read_only_server_refuses_has_not_happened),
        TEST(test_a_named_lock_keeps_others_out),
        TEST(test_more_statements_than_the_cache_holds_still_run),
        TEST(test_one_execution_is_one_round_trip),
        TEST(test_a_reader_can_stop_and_the_connection_stays_usable),
        TEST(test_texts_beyond_the_arena_are_a_fault),
        TEST(test_a_statement_over_the_limit_is_cut_off),
        TEST(test_nothing_begins_or_commits_after_the_limit),
        TEST(test_many_threads_share_few_connections),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
