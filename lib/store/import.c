#include "store/import.h"

const char *const IMPORT_STATES[] = {"reading", "preview", "confirming", "confirmed",
                                     "undoing", "undone",  "failed",     NULL};

#define COLUMNS                                                                                                        \
    "id, user_id, state, file_name, format, account, header, mapping, fingerprint, ask_columns, ask_day_first,"        \
    " row_count, first_on, last_on, with_probable, allocate, done_row, added, removed, created_at, confirmed_at,"      \
    " undone_at"
#define COLUMN_TYPES                                                                                                   \
    "iittttttt"                                                                                                        \
    "iiiddiiiiimmm"

static const struct stmt_def INSERT = {
    "import.insert",
    "INSERT INTO imports (household_id, user_id, file_name, format, account, state, header, mapping, created_at)"
    " VALUES (?, ?, ?, ?, ?, 'reading', '[]', '{}', ?)",
    "iitttm", ""};

static const struct stmt_def READ = {
    "import.read",
    "UPDATE imports SET state = 'preview', account = ?, header = ?, mapping = ?, fingerprint = ?, ask_columns = ?,"
    " ask_day_first = ?, row_count = ?, first_on = ?, last_on = ? WHERE household_id = ? AND id = ? AND state = 'reading'",
    "ttttiiiddii", ""};

static const struct stmt_def MOVE = {
    "import.move", "UPDATE imports SET state = ? WHERE household_id = ? AND id = ? AND state = ?", "tiit", ""};

static const struct stmt_def UPDATE = {
    "import.update",
    "UPDATE imports SET state = ?, with_probable = ?, allocate = ?, done_row = ?, added = ?, removed = ?,"
    " confirmed_at = ?, undone_at = ? WHERE household_id = ? AND id = ?",
    "tiiiiimmii", ""};

static const struct stmt_def FIND = {"import.find", "SELECT " COLUMNS " FROM imports WHERE household_id = ? AND id = ?",
                                     "ii", COLUMN_TYPES};

static const struct stmt_def LIST = {
    "import.list", "SELECT " COLUMNS " FROM imports WHERE household_id = ? AND id < ? ORDER BY id DESC LIMIT ?", "iii",
    COLUMN_TYPES};

static const struct stmt_def REMOVE = {"import.remove", "DELETE FROM imports WHERE household_id = ? AND id = ?", "ii",
                                       ""};
static const struct stmt_def REMOVE_ROWS = {
    "import.remove_rows", "DELETE FROM import_rows WHERE household_id = ? AND import_id = ?", "ii", ""};
static const struct stmt_def FILE_ADD = {
    "import.file_add",
    "INSERT INTO import_files (household_id, import_id, piece, bytes, created_at) VALUES (?, ?, ?, ?, ?)", "iiitm", ""};
static const struct stmt_def FILE_PIECE = {
    "import.file_piece", "SELECT bytes FROM import_files WHERE household_id = ? AND import_id = ? AND piece = ?", "iii",
    "t"};
static const struct stmt_def FILE_REMOVE = {
    "import.file_remove", "DELETE FROM import_files WHERE household_id = ? AND import_id = ?", "ii", ""};

static const struct stmt_def MAPPING_FIND = {
    "import.mapping_find", "SELECT mapping FROM import_mappings WHERE household_id = ? AND fingerprint = ?", "it", "t"};
static const struct stmt_def MAPPING_SAVE = {
    "import.mapping_save",
    "INSERT INTO import_mappings (household_id, fingerprint, mapping, saved_at) VALUES (?, ?, ?, ?)"
    " ON DUPLICATE KEY UPDATE mapping = VALUES(mapping), saved_at = VALUES(saved_at)",
    "ittm", ""};

static int64_t state_of(struct text word)
{
    int64_t i = 0;
    while (IMPORT_STATES[i + 1] && !text_eq(word, text_of(IMPORT_STATES[i])))
        i++;
    return i;
}

static struct import import_from_row(struct db_row *row)
{
    return (struct import){.id = row_int(row, 0),
                           .user_id = row_int(row, 1),
                           .state = state_of(row_text(row, 2)),
                           .file_name = row_text(row, 3),
                           .format = row_text(row, 4),
                           .account = row_text(row, 5),
                           .header = row_text(row, 6),
                           .mapping = row_text(row, 7),
                           .fingerprint = row_text(row, 8),
                           .ask_columns = row_int(row, 9) != 0,
                           .ask_day_first = row_int(row, 10) != 0,
                           .row_count = row_int(row, 11),
                           .first_on = row_date(row, 12),
                           .last_on = row_date(row, 13),
                           .with_probable = row_int(row, 14) != 0,
                           .allocate = row_int(row, 15) != 0,
                           .done_row = row_int(row, 16),
                           .added = row_int(row, 17),
                           .removed = row_int(row, 18),
                           .created_at_ms = row_instant(row, 19),
                           .confirmed_at_ms = row_instant(row, 20),
                           .undone_at_ms = row_instant(row, 21)};
}

bool import_insert(struct db *db, int64_t household, int64_t user, struct import *i, int64_t now_ms, struct err *err)
{
    struct db_result res;
    if (!db_exec(db, &INSERT,
                 DB_ARGS(db_int(household), db_int(user), db_text(i->file_name), db_text(i->format),
                         db_text(i->account), db_instant(now_ms)),
                 &res, err))
        return false;
    i->id = res.insert_id;
    i->state = IMPORT_READING;
    i->created_at_ms = now_ms;
    return true;
}

static bool changed_one(bool done, const struct db_result *res, struct err *err)
{
    return done && (res->affected || err_set(err, ERR_CONFLICT, "The import is not in the state for this"));
}

bool import_read(struct db *db, int64_t household, const struct import *i, struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &READ,
                        DB_ARGS(db_text(i->account), db_text(i->header), db_text(i->mapping), db_text(i->fingerprint),
                                db_int(i->ask_columns), db_int(i->ask_day_first), db_int(i->row_count),
                                db_date(i->first_on), db_date(i->last_on), db_int(household), db_int(i->id)),
                        &res, err);
    return changed_one(done, &res, err);
}

bool import_move(struct db *db, int64_t household, int64_t id, enum import_state from, enum import_state to,
                 struct err *err)
{
    struct db_result res;
    bool done = db_exec(db, &MOVE,
                        DB_ARGS(db_str(IMPORT_STATES[to]), db_int(household), db_int(id), db_str(IMPORT_STATES[from])),
                        &res, err);
    return changed_one(done, &res, err);
}

bool import_update(struct db *db, int64_t household, const struct import *i, struct err *err)
{
    return db_exec(db, &UPDATE,
                   DB_ARGS(db_str(IMPORT_STATES[i->state]), db_int(i->with_probable), db_int(i->allocate),
                           db_int(i->done_row), db_int(i->added), db_int(i->removed), db_instant(i->confirmed_at_ms),
                           db_instant(i->undone_at_ms), db_int(household), db_int(i->id)),
                   NULL, err);
}

static bool take_import(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct import *)to = import_from_row(row);
    return true;
}

bool import_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct import *out, struct err *err)
{
    return db_one(db, &FIND, DB_ARGS(db_int(household), db_int(id)), mem, take_import, out, err);
}

static bool append_import(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    struct import_list *list = to;
    if (list->count < IMPORT_PAGE_MAX)
        list->items[list->count++] = import_from_row(row);
    return true;
}

bool import_list(struct db *db, int64_t household, int64_t before_id, int64_t limit, struct arena *mem,
                 struct import_list *out, struct err *err)
{
    struct import_list list = {.items = arena_array(mem, IMPORT_PAGE_MAX, sizeof(struct import))};
    int64_t n = limit < IMPORT_PAGE_MAX ? limit : IMPORT_PAGE_MAX;
    if (!list.items)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!db_query(db, &LIST, DB_ARGS(db_int(household), db_int(before_id ? before_id : INT64_MAX), db_int(n)), mem,
                  append_import, &list, NULL, err))
        return false;
    *out = list;
    return true;
}

bool import_remove(struct db *db, int64_t household, int64_t id, struct err *err)
{
    struct db_args args = DB_ARGS(db_int(household), db_int(id));
    return db_exec(db, &REMOVE_ROWS, args, NULL, err) && db_exec(db, &FILE_REMOVE, args, NULL, err) &&
           db_exec(db, &REMOVE, args, NULL, err);
}

bool import_file_add(struct db *db, int64_t household, int64_t id, int64_t piece, struct text bytes, int64_t now_ms,
                     struct err *err)
{
    return db_exec(db, &FILE_ADD,
                   DB_ARGS(db_int(household), db_int(id), db_int(piece), db_text(bytes), db_instant(now_ms)), NULL,
                   err);
}

static bool take_text(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct text *)to = row_text(row, 0);
    return true;
}

bool import_file_piece(struct db *db, int64_t household, int64_t id, int64_t piece, struct arena *mem,
                       struct text *bytes, struct err *err)
{
    return db_one(db, &FILE_PIECE, DB_ARGS(db_int(household), db_int(id), db_int(piece)), mem, take_text, bytes, err);
}

bool import_file_remove(struct db *db, int64_t household, int64_t id, struct err *err)
{
    return db_exec(db, &FILE_REMOVE, DB_ARGS(db_int(household), db_int(id)), NULL, err);
}

bool import_mapping_find(struct db *db, int64_t household, struct text fingerprint, struct arena *mem,
                         struct text *mapping, struct err *err)
{
    *mapping = TEXT_NONE;
    return db_query(db, &MAPPING_FIND, DB_ARGS(db_int(household), db_text(fingerprint)), mem, take_text, mapping, NULL,
                    err);
}

bool import_mapping_save(struct db *db, int64_t household, struct text fingerprint, struct text mapping, int64_t now_ms,
                         struct err *err)
{
    return db_exec(db, &MAPPING_SAVE,
                   DB_ARGS(db_int(household), db_text(fingerprint), db_text(mapping), db_instant(now_ms)), NULL, err);
}
