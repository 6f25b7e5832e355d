#include "handlers/import.h"

#include <unistd.h>

#include "finance/imports/post.h"
#include "finance/imports/preview.h"
#include "http/own_tx.h"
#include "store/category.h"
#include "store/household.h"
#include "store/import_post.h"
#include "store/import_row.h"
#include "views/import.h"
#include "views/money_body.h"

enum { LIMIT_DEFAULT = 50, UPLOAD_MAX = 32 * 1024 * 1024, PIECE_ARENA_MAX = 2 * IMPORT_PIECE };

/* What may be said of a file's columns: on upload, and afterwards. */
struct mapping_input {
    int64_t date, amount, debit, credit, text, id, decimal;
    bool day_first, day_first_given, decimal_given;
};

struct upload_input {
    struct mapping_input mapping;
    struct text account;
    int64_t format;
    bool format_given;
};

static const char *const DECIMALS[] = {".", ",", NULL};

#define COLUMN(n, type, member) FIELD_INT(n, type, member, 0, 1, STATEMENT_COLUMNS_MAX)
#define MAPPING_ROWS(type, prefix)                                                                                     \
    COLUMN("dateColumn", type, prefix date), COLUMN("amountColumn", type, prefix amount),                              \
        COLUMN("debitColumn", type, prefix debit), COLUMN("creditColumn", type, prefix credit),                        \
        COLUMN("textColumn", type, prefix text), COLUMN("idColumn", type, prefix id),                                  \
        {.name = "dayFirst",                                                                                           \
         .kind = FK_BOOL,                                                                                              \
         .offset = offsetof(type, prefix day_first),                                                                   \
         .given_offset = offsetof(type, prefix day_first_given)},                                                      \
    {                                                                                                                  \
        .name = "decimal", .kind = FK_CHOICE, .offset = offsetof(type, prefix decimal),                                \
        .given_offset = offsetof(type, prefix decimal_given), .choices = DECIMALS                                      \
    }

static const struct field UPLOAD_FIELDS[] = {
    MAPPING_ROWS(struct upload_input, mapping.),
    FIELD_TEXT("account", struct upload_input, account, 0, 0, STATEMENT_ACCOUNT_MAX),
    {.name = "format",
     .kind = FK_CHOICE,
     .offset = offsetof(struct upload_input, format),
     .given_offset = offsetof(struct upload_input, format_given),
     .choices = STATEMENT_FORMATS},
    FIELD_END,
};

static const struct field MAPPING_FIELDS[] = {
    MAPPING_ROWS(struct mapping_input, ),
    FIELD_END,
};

struct imports_query {
    int64_t limit;
    struct text cursor;
};

static const struct field IMPORTS_QUERY_FIELDS[] = {
    FIELD_INT("limit", struct imports_query, limit, 0, 1, IMPORT_PAGE_MAX),
    FIELD_TEXT("cursor", struct imports_query, cursor, 0, 1, 64),
    FIELD_END,
};

struct rows_query {
    int64_t limit, verdict;
    bool verdict_given;
    struct text cursor;
};

static const struct field ROWS_QUERY_FIELDS[] = {
    FIELD_INT("limit", struct rows_query, limit, 0, 1, IMPORT_ROW_PAGE_MAX),
    FIELD_TEXT("cursor", struct rows_query, cursor, 0, 1, 64),
    {.name = "verdict",
     .kind = FK_CHOICE,
     .offset = offsetof(struct rows_query, verdict),
     .given_offset = offsetof(struct rows_query, verdict_given),
     .choices = IMPORT_VERDICTS},
    FIELD_END,
};

struct row_body {
    int64_t category_id, jar_id;
    struct text name;
    bool category_given, jar_given, name_given, include, include_given;
};

static const struct field ROW_FIELDS[] = {
    FIELD_ID_GIVEN("categoryId", struct row_body, category_id, category_given, 0),
    FIELD_ID_GIVEN("jarId", struct row_body, jar_id, jar_given, 0),
    FIELD_TEXT_GIVEN("name", struct row_body, name, name_given, 0, 255),
    {.name = "include",
     .kind = FK_BOOL,
     .offset = offsetof(struct row_body, include),
     .given_offset = offsetof(struct row_body, include_given)},
    FIELD_END,
};

struct confirm_body {
    bool with_probable, allocate, allocate_given;
};

static const struct field CONFIRM_FIELDS[] = {
    FIELD_BOOL("includeProbable", struct confirm_body, with_probable, 0),
    {.name = "allocate",
     .kind = FK_BOOL,
     .offset = offsetof(struct confirm_body, allocate),
     .given_offset = offsetof(struct confirm_body, allocate_given)},
    FIELD_END,
};

const struct upload_def IMPORT_UPLOAD = {
    .fields = UPLOAD_FIELDS, .size = sizeof(struct upload_input), .strict = true, .max_bytes = UPLOAD_MAX};
const struct query_def IMPORTS_QUERY = {.fields = IMPORTS_QUERY_FIELDS, .size = sizeof(struct imports_query)};
const struct query_def IMPORT_ROWS_QUERY = {.fields = ROWS_QUERY_FIELDS, .size = sizeof(struct rows_query)};
const struct body_def IMPORT_MAPPING_BODY = {
    .fields = MAPPING_FIELDS, .size = sizeof(struct mapping_input), .strict = true};
const struct body_def IMPORT_ROW_BODY = {.fields = ROW_FIELDS, .size = sizeof(struct row_body), .strict = true};
const struct body_def IMPORT_CONFIRM_BODY = {
    .fields = CONFIRM_FIELDS, .size = sizeof(struct confirm_body), .strict = true, .optional = true};

static struct statement_mapping mapping_of(const struct mapping_input *in)
{
    return (struct statement_mapping){.date = in->date,
                                      .amount = in->amount,
                                      .debit = in->debit,
                                      .credit = in->credit,
                                      .text = in->text,
                                      .id = in->id,
                                      .day_first = !in->day_first_given ? 0
                                                   : in->day_first      ? 1
                                                                        : 2,
                                      .decimal = in->decimal_given ? DECIMALS[in->decimal][0] : 0};
}

static bool facts_of(struct scope *s, const struct import *i, struct import_facts *facts, struct err *err)
{
    bool undone = i->state == IMPORT_UNDONE || i->state == IMPORT_UNDOING;
    *facts = (struct import_facts){0};
    return import_rows_count(s->db, s->household_id, i->id, s->mem, &facts->counts, err) &&
           (!undone || import_kept(s->db, s->household_id, i->id, facts->kept_ids, IMPORT_KEPT_MAX, &facts->kept, err));
}

/* 202 while the worker still has steps to do. */
static bool answer(struct call *call, struct response *res, const struct import *i, struct err *err)
{
    struct import_facts facts;
    if (!facts_of(&call->scope, i, &facts, err))
        return false;
    if (i->state == IMPORT_CONFIRMING || i->state == IMPORT_UNDOING)
        res->status = 202;
    import_write_json(&res->json, i, &facts);
    return true;
}

static void let_go(void *map)
{
    file_map_let_go(map);
}

/* ---- reading a file ---- */

static const struct statement_format *format_of(const struct upload_input *in, struct text file, struct err *err)
{
    const struct statement_format *found = statement_detect(file, err);
    if (!found || !in->format_given || found == statement_format(in->format))
        return found;
    if (statement_format(in->format)->detect(file))
        return statement_format(in->format);
    err_field(err, "format", "Tệp không phải định dạng này");
    return NULL;
}

/* POST /imports   multipart: file, account?, format?, the mapping's fields?   201: Import with its questions and counts
 * errors: 413, 415, 422 */
bool import_post(struct call *call, struct response *res, struct err *err)
{
    const struct upload_input *in = call->body;
    struct statement_mapping wanted = mapping_of(&in->mapping);
    struct import i = {.file_name = call->upload->name, .account = in->account.p ? in->account : TEXT("")};
    AUTO(file_map) struct file_map map = {0};
    struct preview_source source = {.wanted = &wanted, .let_go = let_go, .let_go_of = &map};
    if (!statement_text(&call->app->config, call->upload->fd, call->upload->size, &map, &source.file, err))
        return false;
    source.format = format_of(in, source.file, err);
    if (!source.format || !call_db(call, err) || !preview_make(&call->scope, &source, &i, err))
        return false;
    res->status = 201;
    return answer(call, res, &i, err) && response_created(call, res, "imports", i.id, err);
}

/* The kept text of a file, in an unlinked file. */
static bool restore_file(struct call *call, int64_t id, int fd, int64_t *size, struct err *err)
{
    struct scope *s = &call->scope;
    struct arena *piece_mem = arena_new(IMPORT_PIECE, PIECE_ARENA_MAX);
    struct text bytes;
    bool ok = piece_mem || err_set(err, ERR_NO_MEMORY, "Out of memory");
    *size = 0;
    for (int64_t piece = 0; ok; piece++) {
        ok = import_file_piece(s->db, s->household_id, id, piece, piece_mem, &bytes, err) &&
             spool_write(fd, bytes.p, bytes.n, err);
        if (ok)
            *size += (int64_t)bytes.n;
        if (piece_mem)
            arena_reset(piece_mem);
    }
    arena_free(piece_mem);
    if (err->code != ERR_NOT_FOUND || !*size)
        return false;
    err_clear(err);
    return true;
}

static const struct statement_format *format_named(struct text name)
{
    for (int64_t i = 0; STATEMENT_FORMATS[i]; i++)
        if (text_eq(name, text_of(STATEMENT_FORMATS[i])))
            return statement_format(i);
    return NULL;
}

struct rereading {
    struct call *call;
    struct response *res;
    struct statement_mapping wanted;
    struct import import;
};

static bool read_again(struct rereading *r, struct err *err)
{
    AUTO(file_map) struct file_map map = {0};
    struct preview_source source = {
        .format = format_named(r->import.format), .wanted = &r->wanted, .let_go = let_go, .let_go_of = &map};
    int64_t size;
    if (!source.format)
        return err_set(err, ERR_INTERNAL, "An import has an unknown format");
    int fd = spool_open(&r->call->app->config, err);
    if (fd < 0)
        return false;
    bool ok = restore_file(r->call, r->import.id, fd, &size, err) && file_map_open(&map, fd, size, err);
    close(fd);
    source.file = file_map_text(&map);
    return ok && preview_again(&r->call->scope, &source, &r->import, err);
}

/* Under the household's lock, so that no confirmation comes between; what fails leaves the preview as it was. */
static bool reread(struct scope *s, void *arg, struct err *err)
{
    struct rereading *r = arg;
    if (!household_lock(s->db, s->household_id, err) ||
        !import_find(s->db, s->household_id, r->call->ids[0], s->mem, &r->import, err))
        return false;
    if (!preview_can_ask(r->import.format))
        return err_set(err, ERR_CONFLICT, "A file of this format is read in one way only");
    response_reset(r->res);
    return import_move(s->db, s->household_id, r->import.id, IMPORT_PREVIEW, IMPORT_READING, err) &&
           read_again(r, err) && answer(r->call, r->res, &r->import, err);
}

/* PUT /imports/{id}/mapping   body: the mapping's fields; what is absent is found out anew   200: Import   errors: 404,
 * 409 not a preview, or of a format that has no columns, 422. Saved for later files of the same header. */
bool import_mapping_put(struct call *call, struct response *res, struct err *err)
{
    struct rereading r = {.call = call, .res = res, .wanted = mapping_of(call->body)};
    return own_tx(call, reread, &r, err);
}

/* ---- looking ---- */

/* GET /imports   q: limit?, cursor?   200: Import[], newest first, without counts */
bool imports_get(struct call *call, struct response *res, struct err *err)
{
    const struct imports_query *q = call->query;
    struct scope *s = &call->scope;
    struct import_list list;
    int64_t before = 0, unused, limit = q->limit ? q->limit : LIMIT_DEFAULT;
    if ((q->cursor.n && !cursor_read(q->cursor, &before, &unused, err)) ||
        !import_list(s->db, s->household_id, before, limit, s->mem, &list, err))
        return false;
    json_begin_array(&res->json);
    for (size_t i = 0; i < list.count; i++)
        import_write_json(&res->json, &list.items[i], NULL);
    json_end_array(&res->json);
    return (int64_t)list.count < limit || response_next_page(call, res, list.items[list.count - 1].id, 0, err);
}

/* GET /imports/{id}   200: Import   errors: 404 */
bool import_get(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct import i;
    if (!import_find(s->db, s->household_id, call->ids[0], s->mem, &i, err) || !answer(call, res, &i, err))
        return false;
    res->status = 200;
    return true;
}

/* GET /imports/{id}/rows   q: verdict?, limit?, cursor?   200: ImportRow[] in the file's order   errors: 404 */
bool import_rows_get(struct call *call, struct response *res, struct err *err)
{
    const struct rows_query *q = call->query;
    struct scope *s = &call->scope;
    struct import i;
    struct import_row_list list;
    int64_t after = 0, unused, limit = q->limit ? q->limit : LIMIT_DEFAULT;
    if (!import_find(s->db, s->household_id, call->ids[0], s->mem, &i, err) ||
        (q->cursor.n && !cursor_read(q->cursor, &after, &unused, err)) ||
        !import_rows_list(s->db, s->household_id, i.id, q->verdict_given ? q->verdict : -1, after, limit, s->mem, &list,
                          err))
        return false;
    json_begin_array(&res->json);
    for (size_t k = 0; k < list.count; k++)
        import_row_write_json(&res->json, &list.items[k], s->currency);
    json_end_array(&res->json);
    return (int64_t)list.count < limit || response_next_page(call, res, list.items[list.count - 1].row_no, 0, err);
}

/* ---- deciding ---- */

static bool check_refs(struct scope *s, const struct row_body *body, const struct import_row *row, struct err *err)
{
    struct transaction_refs refs;
    bool income = row->amount > 0;
    if (!transaction_refs(s->db, s->household_id, s->user_id, body->category_id, body->jar_id, s->mem, &refs, err))
        return false;
    if (body->category_id && refs.category_type < 0)
        return err_set(err, ERR_NOT_FOUND, "There is no such category");
    if (body->jar_id && !refs.jar_found)
        return err_set(err, ERR_NOT_FOUND, "There is no such jar");
    if (body->category_id && refs.category_type != (income ? CATEGORY_INCOME : CATEGORY_EXPENSE))
        return err_field(err, "categoryId", income ? "Phải là danh mục thu nhập" : "Phải là danh mục chi tiêu");
    if (body->jar_id && income)
        return err_field(err, "jarId", "Chỉ khoản chi mới có hũ chi trả");
    return true;
}

/* PUT /imports/{id}/rows/{row}   body: categoryId?, jarId?, name?, include? (null: by the verdict)   200: ImportRow
 * errors: 404, 409 not a preview any more, 422 */
bool import_row_put(struct call *call, struct response *res, struct err *err)
{
    const struct row_body *body = call->body;
    struct scope *s = &call->scope;
    struct import i;
    struct import_row row;
    if (!import_find(s->db, s->household_id, call->ids[0], s->mem, &i, err) ||
        !import_row_find(s->db, s->household_id, i.id, call->ids[1], s->mem, &row, err))
        return false;
    if (i.state != IMPORT_PREVIEW)
        return err_set(err, ERR_CONFLICT, "The import is no preview any more");
    if (row.verdict == VERDICT_BAD && body->include)
        return err_field(err, "include", "Dòng này không đọc được");
    if (!check_refs(s, body, &row, err))
        return false;
    row.category_id = body->category_given ? body->category_id : row.category_id;
    row.jar_id = body->jar_given ? body->jar_id : row.jar_id;
    row.name = body->name_given ? body->name : row.name;
    row.include = body->include_given ? body->include : row.include;
    if (!import_row_update(s->db, s->household_id, i.id, &row, err))
        return false;
    import_row_write_json(&res->json, &row, s->currency);
    return true;
}

/* POST /imports/{id}/confirm   body: includeProbable?, allocate? (true)   200: Import; 202 while a long one still goes
 * on errors: 404, 409 open questions, or undone */
bool import_confirm_post(struct call *call, struct response *res, struct err *err)
{
    const struct confirm_body *body = call->body;
    struct import_choice choice = {.with_probable = body && body->with_probable,
                                   .allocate = !body || !body->allocate_given || body->allocate};
    struct import i;
    return import_confirm(&call->scope, call->ids[0], &choice, &i, err) && answer(call, res, &i, err);
}

/* DELETE /imports/{id}   200: Import as undone, with what was kept because it was edited since; 202 while it goes on;
 * 204 when it was only a preview   errors: 404, 409 being confirmed */
bool import_delete(struct call *call, struct response *res, struct err *err)
{
    struct import i;
    bool gone;
    if (!import_undo(&call->scope, call->ids[0], &i, &gone, err))
        return false;
    if (gone) {
        response_no_content(res);
        return true;
    }
    return answer(call, res, &i, err);
}
