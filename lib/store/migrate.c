#include "store/migrate.h"

#include <string.h>

#include "service/digest.h"

static const char LOCK_NAME[] = "moneymanager_migrate";
static const char CREATE_TABLE[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    " version INT NOT NULL, step INT NOT NULL, checksum CHAR(64) CHARACTER SET ascii NOT NULL,"
    " started_at DATETIME(3) NOT NULL, done_at DATETIME(3) NULL, PRIMARY KEY (version, step)) ENGINE=InnoDB";

static const struct stmt_def TABLE_EXISTS = {
    "migrate.table_exists",
    "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = "
    "'schema_migrations'",
    "", "i"};
static const struct stmt_def LIST = {"migrate.list", "SELECT version, step, checksum, done_at FROM schema_migrations",
                                     "", "iitm"};
static const struct stmt_def START = {"migrate.start",
                                      "INSERT INTO schema_migrations (version, step, checksum, started_at)"
                                      " VALUES (?, ?, ?, ?)",
                                      "iitm", ""};
static const struct stmt_def DONE = {
    "migrate.done", "UPDATE schema_migrations SET done_at = ?, checksum = ? WHERE version = ? AND step = ?", "mtii",
    ""};

enum { STEPS_MAX = 1000 };

struct step {
    int64_t version, number;
    struct text sql;
    char checksum[DIGEST_TEXT];
    bool started, done;
    char done_checksum[DIGEST_TEXT];
};

struct plan {
    struct step *steps;
    size_t count;
};

int64_t migrate_version(const char *file_name)
{
    size_t digits = strspn(file_name, "0123456789");
    int64_t version = 0;
    return text_to_int64((struct text){file_name, digits}, &version) ? version : 0;
}

/* Copies from *rest up to the end of the statement, which begins outside quotes. */
static size_t copy_statement(struct text *rest, char *out)
{
    size_t n = 0, i = 0;
    char quote = 0;
    for (; i < rest->n; i++) {
        char c = rest->p[i];
        if (quote) {
            if (c == '\\' && quote != '`' && i + 1 < rest->n)
                out[n++] = rest->p[i++];
            else if (c == quote)
                quote = 0; /* a doubled quote opens again at once */
        } else if (c == '\'' || c == '"' || c == '`') {
            quote = c;
        } else if (c == '-' && i + 1 < rest->n && rest->p[i + 1] == '-') {
            while (i < rest->n && rest->p[i] != '\n')
                i++;
            i--; /* the line break stays, as white space */
            continue;
        } else if (c == ';') {
            i++;
            break;
        }
        out[n++] = rest->p[i];
    }
    *rest = text_slice(*rest, i, rest->n);
    return n;
}

bool migrate_next_statement(struct text *rest, char *out, struct text *statement)
{
    while (rest->n) {
        struct text found = text_trim((struct text){out, copy_statement(rest, out)});
        if (found.n) {
            *statement = found;
            return true;
        }
    }
    return false;
}

static bool add_file(const struct embedded_file *file, struct arena *mem, struct plan *plan, struct err *err)
{
    struct text rest = {file->data, file->size}, statement;
    int64_t version = migrate_version(file->name), number = 0;
    if (version == 0)
        return err_set(err, ERR_INTERNAL, "A migration's name does not begin with a number: %s", file->name);
    for (;;) {
        char *out = arena_alloc(mem, rest.n + 1);
        if (!out)
            return err_set(err, ERR_NO_MEMORY, "Not enough memory for the migrations");
        if (!migrate_next_statement(&rest, out, &statement))
            return true;
        if (plan->count == STEPS_MAX)
            return err_set(err, ERR_INTERNAL, "There are more migration steps than this program can hold");
        struct step *step = &plan->steps[plan->count++];
        *step = (struct step){.version = version, .number = ++number, .sql = statement};
        digest_hex(statement, step->checksum);
    }
}

static bool make_plan(const struct embedded_file *files, struct arena *mem, struct plan *plan, struct err *err)
{
    *plan = (struct plan){.steps = arena_array(mem, STEPS_MAX, sizeof(struct step))};
    if (!plan->steps)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the migrations");
    for (size_t i = 0; files[i].name; i++)
        if (!add_file(&files[i], mem, plan, err))
            return false;
    return true;
}

static bool note_row(struct db_row *row, void *to, struct err *err)
{
    struct plan *plan = to;
    (void)err;
    for (size_t i = 0; i < plan->count; i++) {
        struct step *step = &plan->steps[i];
        if (step->version != row_int(row, 0) || step->number != row_int(row, 1))
            continue;
        struct text checksum = row_text(row, 2);
        step->started = true;
        step->done = !row_is_null(row, 3);
        if (checksum.p && checksum.n < sizeof(step->done_checksum))
            memcpy(step->done_checksum, checksum.p, checksum.n + 1);
    }
    return true;
}

static bool note_flag(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(bool *)to = row_int(row, 0) > 0;
    return true;
}

/* Marks the steps that ran. A database without the table has none. */
static bool read_done(struct db *db, struct arena *mem, struct plan *plan, struct err *err)
{
    bool exists = false;
    return db_one(db, &TABLE_EXISTS, DB_NO_ARGS, mem, note_flag, &exists, err) &&
           (!exists || db_query(db, &LIST, DB_NO_ARGS, mem, note_row, plan, NULL, err));
}

static bool plan_is_done(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->steps[i].done)
            return false;
    return true;
}

static bool check_unchanged(const struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->done && strcmp(step->checksum, step->done_checksum) != 0)
            return err_set(err, ERR_INTERNAL, "Migration %03d was changed after its step %d ran", (int)step->version,
                           (int)step->number);
    }
    return true;
}

/* What a step says that was killed between its end and its record: duplicate column, duplicate key name, nothing to
 * drop, table exists. */
static bool says_already_done(const struct err *err)
{
    static const char *const CODES[] = {": 1060 ", ": 1061 ", ": 1091 ", ": 1050 "};
    for (size_t i = 0; i < ARRAY_LEN(CODES); i++)
        if (strstr(err->cause, CODES[i]))
            return true;
    return false;
}

static bool run_step(struct db *db, const struct step *step, int64_t now_ms, struct err *err)
{
    struct db_value version = db_int(step->version), number = db_int(step->number);
    struct db_value checksum = db_str(step->checksum), now = db_instant(now_ms);
    if (!step->started && !db_exec(db, &START, DB_ARGS(version, number, checksum, now), NULL, err))
        return false;
    struct err fault = {0};
    if (!db_run_sql(db, step->sql, &fault) && !(step->started && says_already_done(&fault))) {
        if (err_is_transient(&fault)) {
            *err = fault;
            return false;
        }
        err_set(err, ERR_INTERNAL, "Step %d of migration %03d failed", (int)step->number, (int)step->version);
        return err_cause(err, "%s", fault.cause);
    }
    return db_exec(db, &DONE, DB_ARGS(now, checksum, version, number), NULL, err);
}

static bool run_locked(struct db *db, struct plan *plan, int64_t now_ms, struct arena *mem, size_t *steps,
                       struct err *err)
{
    if (!db_run_sql(db, text_of(CREATE_TABLE), err) || !read_done(db, mem, plan, err))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->steps[i].done)
            continue;
        if (!run_step(db, &plan->steps[i], now_ms, err))
            return false;
        plan->steps[i].done = true;
        memcpy(plan->steps[i].done_checksum, plan->steps[i].checksum, DIGEST_TEXT);
        (*steps)++;
    }
    return true;
}

bool migrate_run(struct db *db, const struct embedded_file *files, int64_t now_ms, struct arena *mem, size_t *steps,
                 struct err *err)
{
    struct plan plan;
    *steps = 0;
    if (!make_plan(files, mem, &plan, err) || !read_done(db, mem, &plan, err))
        return false;
    if (!plan_is_done(&plan)) {
        if (!db_lock(db, LOCK_NAME, MIGRATE_LOCK_WAIT_S, err))
            return false;
        bool ok = run_locked(db, &plan, now_ms, mem, steps, err);
        db_unlock(db, LOCK_NAME);
        if (!ok)
            return false;
    }
    return check_unchanged(&plan, err);
}
