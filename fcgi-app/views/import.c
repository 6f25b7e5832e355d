#include "views/import.h"

#include <unistd.h>

#include "finance/statement/charset.h"
#include "http/upload.h"

static void write_counts(struct json_out *j, const struct import *i, const struct import_facts *facts)
{
    json_key(j, "counts");
    if (!facts) {
        json_null(j);
        return;
    }
    json_begin_object(j);
    json_put_int(j, "total", i->row_count);
    for (size_t k = 0; IMPORT_VERDICTS[k]; k++)
        json_put_int(j, IMPORT_VERDICTS[k], facts->counts.by_verdict[k]);
    json_put_int(j, "included", facts->counts.included);
    json_put_int(j, "added", i->added);
    json_put_int(j, "removed", i->removed);
    json_put_int(j, "kept", facts->kept);
    json_end_object(j);
}

static void write_kept(struct json_out *j, const struct import_facts *facts)
{
    json_key(j, "keptTransactionIds");
    json_begin_array(j);
    for (int64_t i = 0; facts && i < facts->kept && i < IMPORT_KEPT_MAX; i++)
        json_int(j, facts->kept_ids[i]);
    json_end_array(j);
}

static void write_questions(struct json_out *j, const struct import *i)
{
    json_key(j, "questions");
    json_begin_array(j);
    if (i->ask_columns)
        json_text(j, TEXT("columns"));
    if (i->ask_day_first)
        json_text(j, TEXT("dayFirst"));
    json_end_array(j);
}

void import_write_json(struct json_out *j, const struct import *i, const struct import_facts *facts)
{
    json_begin_object(j);
    json_put_int(j, "id", i->id);
    json_put_text(j, "fileName", i->file_name);
    json_put_text(j, "format", i->format);
    json_put_text(j, "account", i->account);
    json_put_str(j, "status", IMPORT_STATES[i->state]);
    write_counts(j, i, facts);
    write_questions(j, i);
    json_key(j, "columns");
    json_raw(j, i->header.p ? i->header : TEXT("[]"));
    json_key(j, "mapping");
    json_raw(j, i->mapping.p ? i->mapping : TEXT("{}"));
    json_put_date(j, "firstDate", i->first_on);
    json_put_date(j, "lastDate", i->last_on);
    write_kept(j, facts);
    json_put_instant(j, "createdAt", i->created_at_ms);
    json_put_instant(j, "confirmedAt", i->confirmed_at_ms);
    json_put_instant(j, "undoneAt", i->undone_at_ms);
    json_end_object(j);
}

void import_row_write_json(struct json_out *j, const struct import_row *r, const struct currency *cur)
{
    json_begin_object(j);
    json_put_int(j, "row", r->row_no);
    json_put_int(j, "line", r->line);
    json_put_date(j, "date", r->occurred_on);
    json_put_money(j, "amount", r->amount, cur);
    json_put_text(j, "text", r->text);
    json_put_text(j, "bankId", r->bank_id.n ? r->bank_id : TEXT_NONE);
    json_put_str(j, "verdict", IMPORT_VERDICTS[r->verdict]);
    json_put_id(j, "duplicateOf", r->duplicate_of);
    json_put_text(j, "reason", r->reason);
    json_put_id(j, "categoryId", r->category_id);
    json_put_id(j, "jarId", r->jar_id);
    json_put_text(j, "name", r->name);
    json_put_bool(j, "include", r->include == 1 || (r->include < 0 && r->verdict == VERDICT_NEW));
    json_put_id(j, "transactionId", r->transaction_id);
    json_end_object(j);
}

/* ---- the text of a file ---- */

struct spool {
    int fd;
    int64_t size;
};

static bool spool_piece(void *to, struct text piece, struct err *err)
{
    struct spool *spool = to;
    spool->size += (int64_t)piece.n;
    return spool_write(spool->fd, piece.p, piece.n, err);
}

/* The converted text takes the original's place. */
static bool convert(const struct config *config, const char *charset, struct file_map *map, struct err *err)
{
    struct spool spool = {.fd = spool_open(config, err)};
    if (spool.fd < 0)
        return false;
    bool ok = charset_convert(charset, file_map_text(map), spool_piece, &spool, err);
    file_map_close(map);
    ok = ok && (spool.size || err_field(err, "file", "Tệp không có nội dung")) &&
         file_map_open(map, spool.fd, spool.size, err);
    close(spool.fd);
    return ok;
}

bool statement_text(const struct config *config, int fd, int64_t size, struct file_map *map, struct text *text,
                    struct err *err)
{
    if (!file_map_open(map, fd, size, err))
        return false;
    const char *charset = charset_of(file_map_text(map));
    if (!text_eq(text_of(charset), TEXT("UTF-8")) && !convert(config, charset, map, err))
        return false;
    file_map_let_go(map);
    *text = charset_past_mark(file_map_text(map));
    return true;
}
