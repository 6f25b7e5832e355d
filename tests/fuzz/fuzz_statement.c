/* Bank statements of every format: whatever comes, rows are whole and in range, and looking first tells as much. */
#include "fuzz.h"

#include "base/buf.h"
#include "base/date.h"
#include "finance/statement/charset.h"
#include "finance/statement/statement.h"

struct seen {
    size_t rows, bytes;
    int64_t line;
    const struct currency *currency;
};

static bool check_row(void *to, const struct statement_row *row, struct err *err)
{
    struct seen *seen = to;
    (void)err;
    CHECK(++seen->rows <= seen->bytes);
    CHECK(row->line >= seen->line);
    seen->line = row->line;
    CHECK(text_is_utf8(row->text) && !text_has_control(row->text, false) && row->text.n <= STATEMENT_TEXT_MAX);
    if (row->bad)
        return true;
    CHECK(text_is_utf8(row->bank_id) && row->bank_id.n <= STATEMENT_ID_MAX);
    CHECK(row->amount != 0 && row->amount <= money_max(seen->currency) && row->amount >= -money_max(seen->currency));
    CHECK(date_from_days(date_days(row->occurred_on)) == row->occurred_on);
    return true;
}

static bool keep(void *to, struct text piece, struct err *err)
{
    (void)err;
    buf_text(to, piece);
    return true;
}

static void read_as(const struct statement_format *f, struct text file, const struct currency *currency)
{
    struct statement_options o = {.currency = currency, .mem = fuzz_arena()};
    struct statement_info *looked = arena_new_of(o.mem, struct statement_info),
                          *read = arena_new_of(o.mem, struct statement_info);
    struct err err = {0};
    struct seen seen = {.bytes = file.n, .currency = currency};
    CHECK(looked && read);
    bool ok = f->inspect(file, &o, looked, &err);
    CHECK(ok || err.code != ERR_NONE);
    CHECK(looked->column_count <= STATEMENT_COLUMNS_MAX);
    err_clear(&err);
    ok = f->read(file, &o, read, check_row, &seen, &err);
    CHECK(ok || err.code == ERR_VALIDATION);
    CHECK(read->ask_columns == looked->ask_columns || !ok);
    CHECK(!read->ask_columns || !seen.rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = fuzz_copy(data, size), whole = rest;
    const struct currency *currency = currency_find(fuzz_choice(&rest, 2) ? TEXT("USD") : TEXT("VND"));
    struct err err = {0};
    struct buf utf8;
    buf_init(&utf8, 4 * size + 16);
    if (charset_convert(charset_of(rest), rest, keep, &utf8, &err)) {
        struct text exact = fuzz_copy(utf8.p, utf8.n), file = charset_past_mark(exact);
        const struct statement_format *f = statement_detect(file, &err);
        if (f)
            read_as(f, file, currency);
        fuzz_free(exact);
    }
    buf_release(&utf8);
    fuzz_free(whole);
    return 0;
}
