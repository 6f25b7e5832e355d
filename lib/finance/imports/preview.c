#include "finance/imports/preview.h"

#include <string.h>

#include "finance/imports/dedup.h"
#include "finance/imports/mapping.h"
#include "finance/imports/probable.h"
#include "finance/imports/rules.h"
#include "store/import_row.h"

enum { ROW_FIRST = 16 * 1024, ROW_MAX = 256 * 1024 };
enum { SCRATCH_FIRST = 256 * 1024, SCRATCH_MAX = 16 * 1024 * 1024, MAPPING_JSON_MAX = 500, HEADER_JSON_MAX = 60000 };

static const char REPEATED[] = "Trùng mã giao dịch với một dòng khác trong tệp";

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Out of memory");
}

static void scratch_auto(struct arena **mem)
{
    arena_free(*mem);
}

/* ---- rows ---- */

struct reading {
    struct scope *s;
    struct import *import;
    const struct preview_source *source;
    struct dedup *dedup;
    struct rules *rules;
    struct arena *scratch; /* of one batch */
    struct arena *row_mem; /* of one row */
    struct import_row *rows;
    size_t count;
};

static bool flush(struct reading *r, struct err *err)
{
    bool ok = import_rows_insert(r->s->db, r->s->household_id, r->import->id, r->rows, r->count, err);
    arena_reset(r->scratch);
    r->count = 0;
    if (r->source->let_go)
        r->source->let_go(r->source->let_go_of);
    return ok;
}

static bool judge(struct reading *r, const struct statement_row *row, struct import_row *out, struct err *err)
{
    char key[DIGEST_TEXT];
    bool repeated;
    if (!dedup_key(r->dedup, row, r->row_mem, key, &repeated, err))
        return false;
    out->dedup_key = arena_text(r->scratch, text_of(key));
    if (repeated) {
        out->verdict = VERDICT_DUPLICATE;
        out->reason = text_of(REPEATED);
    }
    return out->dedup_key.p || no_memory(err);
}

static bool apply_rules(struct reading *r, const struct statement_row *row, struct import_row *out, struct err *err)
{
    const struct import_rule *rule;
    if (!rules_pick(r->rules, row->text, row->amount > 0, r->row_mem, &rule, err))
        return false;
    if (rule) {
        out->category_id = rule->category_id;
        out->jar_id = rule->jar_id;
        out->name = rule->name;
    }
    return true;
}

static void widen_days(struct import *i, int32_t day)
{
    i->first_on = !i->first_on || day < i->first_on ? day : i->first_on;
    i->last_on = day > i->last_on ? day : i->last_on;
}

static bool take_row(void *to, const struct statement_row *row, struct err *err)
{
    struct reading *r = to;
    struct import *i = r->import;
    if (i->row_count == STATEMENT_ROWS_MAX)
        return err_field(err, "file", "Tối đa %d dòng trong một tệp", STATEMENT_ROWS_MAX);
    struct import_row out = {.row_no = ++i->row_count,
                             .line = row->line,
                             .text = arena_text(r->scratch, row->text),
                             .bank_id = arena_text(r->scratch, row->bank_id),
                             .dedup_key = TEXT(""),
                             .include = -1};
    if (row->bad) {
        out.verdict = VERDICT_BAD;
        out.reason = text_of(row->bad);
    } else {
        out.occurred_on = row->occurred_on;
        out.amount = row->amount;
        widen_days(i, row->occurred_on);
        if (!judge(r, row, &out, err) || !apply_rules(r, row, &out, err))
            return false;
    }
    if (!out.text.p || !out.bank_id.p)
        return no_memory(err);
    arena_reset(r->row_mem);
    r->rows[r->count++] = out;
    return r->count < IMPORT_ROW_SET_MAX || flush(r, err);
}

static bool read_rows(struct reading *r, const struct statement_options *o, struct statement_info *info,
                      struct err *err)
{
    r->rows = arena_array(r->s->mem, IMPORT_ROW_SET_MAX, sizeof *r->rows);
    if (!r->rows || !r->scratch || !r->row_mem || !r->dedup)
        return no_memory(err);
    return r->source->format->read(r->source->file, o, info, take_row, r, err) && flush(r, err);
}

/* ---- what the file is ---- */

bool preview_can_ask(struct text format)
{
    return text_eq(format, TEXT("csv")) || text_eq(format, TEXT("qif"));
}

static bool keep_text(struct scope *s, const struct preview_source *source, const struct import *import,
                      struct err *err)
{
    struct text rest = source->file;
    for (int64_t piece = 0; rest.n && preview_can_ask(import->format); piece++) {
        struct text bytes = text_slice(rest, 0, rest.n < IMPORT_PIECE ? rest.n : IMPORT_PIECE);
        if (!import_file_add(s->db, s->household_id, import->id, piece, bytes, s->now_ms, err))
            return false;
        rest = text_slice(rest, bytes.n, rest.n);
    }
    return true;
}

static bool as_text(struct scope *s, const struct buf *buf, struct text *out, struct err *err)
{
    *out = buf->failed ? TEXT_NONE : arena_text(s->mem, buf_view(buf));
    return out->p || no_memory(err);
}

static bool describe(struct scope *s, const struct statement_info *info, struct import *i, struct err *err)
{
    AUTO(buf) struct buf header;
    AUTO(buf) struct buf mapping;
    struct json_out j;
    buf_init(&header, HEADER_JSON_MAX);
    buf_init(&mapping, MAPPING_JSON_MAX);
    json_out_init(&j, &header);
    json_begin_array(&j);
    for (size_t k = 0; k < info->column_count; k++)
        json_text(&j, info->columns[k]);
    json_end_array(&j);
    json_out_init(&j, &mapping);
    mapping_write_json(&j, &info->mapping);
    i->ask_columns = info->ask_columns;
    i->ask_day_first = info->ask_day_first;
    return as_text(s, &header, &i->header, err) && as_text(s, &mapping, &i->mapping, err);
}

/* The user's word goes before what was saved for files of this header. */
static bool settle_mapping(struct scope *s, const struct preview_source *source, struct statement_options *o,
                           struct statement_info *info, struct import *i, struct err *err)
{
    char fingerprint[DIGEST_TEXT];
    struct text saved;
    if (source->wanted)
        o->mapping = *source->wanted;
    if (!source->format->inspect(source->file, o, info, err))
        return false;
    if (!info->column_count)
        return true;
    if (!mapping_fingerprint(info, fingerprint, err) || !(i->fingerprint = arena_text(s->mem, text_of(fingerprint))).p)
        return no_memory(err);
    if (!mapping_is_empty(&o->mapping))
        return true;
    if (!import_mapping_find(s->db, s->household_id, i->fingerprint, s->mem, &saved, err))
        return false;
    mapping_read_json(saved, &o->mapping);
    return true;
}

static bool save_mapping(struct scope *s, const struct preview_source *source, const struct import *i, struct err *err)
{
    if (!i->fingerprint.p || !source->wanted || mapping_is_empty(source->wanted) || i->ask_columns)
        return true;
    return import_mapping_save(s->db, s->household_id, i->fingerprint, i->mapping, s->now_ms, err);
}

static bool read_all(struct scope *s, const struct preview_source *source, struct statement_options *o,
                     struct statement_info *info, struct import *i, struct err *err)
{
    __attribute__((cleanup(scratch_auto))) struct arena *scratch = arena_new(SCRATCH_FIRST, SCRATCH_MAX);
    __attribute__((cleanup(scratch_auto))) struct arena *row_mem = arena_new(ROW_FIRST, ROW_MAX);
    AUTO(dedup) struct dedup *dedup = dedup_new(i->account);
    AUTO(rules) struct rules *rules = rules_load(s, err);
    struct reading r = {
        .row_mem = row_mem, .rules = rules, .s = s, .import = i, .source = source, .dedup = dedup, .scratch = scratch};
    i->row_count = 0;
    i->first_on = i->last_on = 0;
    if (!rules || !read_rows(&r, o, info, err) || !describe(s, info, i, err))
        return false;
    if (!i->row_count && !i->ask_columns)
        return err_field(err, "file", "Tệp không có giao dịch nào");
    return probable_mark(s, i, err) && save_mapping(s, source, i, err) && import_read(s->db, s->household_id, i, err);
}

static bool fill(struct scope *s, const struct preview_source *source, struct statement_options *o,
                 struct statement_info *info, struct import *i, struct err *err)
{
    struct err unused = {0};
    if (keep_text(s, source, i, err) && read_all(s, source, o, info, i, err))
        return true;
    /* What broke off is no preview; when not even this works, it stays as one that is being read, and can be removed.
     */
    if (!import_remove(s->db, s->household_id, i->id, &unused))
        err_cause(err, "%.300s; and the import %lld stays", err->cause, (long long)i->id);
    return false;
}

bool preview_make(struct scope *s, const struct preview_source *source, struct import *i, struct err *err)
{
    struct statement_options o = {.currency = s->currency, .mem = s->mem};
    struct statement_info *info = arena_new_of(s->mem, struct statement_info);
    if (!info)
        return no_memory(err);
    i->format = text_of(source->format->name);
    i->allocate = true;
    if (!settle_mapping(s, source, &o, info, i, err))
        return false;
    if (!i->account.n)
        i->account = text_of(info->account);
    if (!import_insert(s->db, s->household_id, s->user_id, i, s->now_ms, err) || !fill(s, source, &o, info, i, err))
        return false;
    i->state = IMPORT_PREVIEW;
    return true;
}

bool preview_again(struct scope *s, const struct preview_source *source, struct import *i, struct err *err)
{
    struct statement_options o = {.currency = s->currency, .mem = s->mem};
    struct statement_info *info = arena_new_of(s->mem, struct statement_info);
    if (!info)
        return no_memory(err);
    if (!settle_mapping(s, source, &o, info, i, err) || !import_rows_clear(s->db, s->household_id, i->id, err) ||
        !read_all(s, source, &o, info, i, err))
        return false;
    i->state = IMPORT_PREVIEW;
    return true;
}
