#include "service/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xlsxwriter.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cell.h"
#include "base/date.h"

enum {
    CELL_TEXT_MAX = 32 * 1024, /* bytes; the format's limit is 32,767 characters */
    EPOCH_SERIAL = 25569,      /* 1970-01-01 as a spreadsheet counts days */
    NAME_MAX_TEXT = 64
};
/* Beyond it a whole number has no exact double. */
#define EXACT_MAX (INT64_C(1) << 53)

struct formats {
    lxw_format *title, *money, *date, *number, *bold, *bold_money;
};

struct book {
    lxw_workbook *workbook;
    lxw_worksheet *sheet;
    const struct currency *currency;
    struct formats formats;
    struct buf text; /* the cell in hand, with its closing NUL */
    char sheet_name[NAME_MAX_TEXT];
    int64_t row; /* the next one, from 0 */
    int sheets;
};

static bool failed(struct err *err, lxw_error code)
{
    if (code == LXW_ERROR_MEMORY_MALLOC_FAILED)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for a spreadsheet");
    if (code == LXW_ERROR_CREATING_TMPFILE || code == LXW_ERROR_CREATING_XLSX_FILE || code == LXW_ERROR_ZIP_CLOSE ||
        code == LXW_ERROR_ZIP_FILE_ADD || code == LXW_ERROR_ZIP_FILE_OPERATION)
        err_set(err, ERR_UNAVAILABLE, "There is no room for files at the moment");
    else
        err_set(err, ERR_INTERNAL, "A spreadsheet could not be made");
    return err_cause(err, "libxlsxwriter: %s", lxw_strerror(code));
}

static lxw_format *format(struct book *b, bool bold, const char *number)
{
    lxw_format *f = workbook_add_format(b->workbook);
    if (!f)
        return NULL;
    if (bold)
        format_set_bold(f);
    if (number)
        format_set_num_format(f, number);
    return f;
}

static bool make_formats(struct book *b)
{
    static const char *const MONEY[] = {"#,##0", "#,##0.0", "#,##0.00", "#,##0.000"};
    const char *money = MONEY[b->currency->exponent];
    struct formats *f = &b->formats;
    f->title = format(b, true, NULL);
    f->bold = format(b, true, NULL);
    f->money = format(b, false, money);
    f->bold_money = format(b, true, money);
    f->date = format(b, false, "dd/mm/yyyy");
    f->number = format(b, false, "0");
    if (!f->title || !f->bold || !f->money || !f->bold_money || !f->date || !f->number)
        return false;
    format_set_bg_color(f->title, 0xDDE7F3);
    format_set_bottom(f->title, LXW_BORDER_THIN);
    return true;
}

/* An unlinked file has no name but this one. */
static lxw_workbook *open_workbook(const struct book_options *opts)
{
    char path[64], dir[4096];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", opts->fd);
    snprintf(dir, sizeof(dir), "%s", opts->tmp_dir);
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = dir};
    return workbook_new_opt(path, &options);
}

struct book *book_open(const struct book_options *opts, struct err *err)
{
    struct book *b = calloc(1, sizeof(*b));
    if (b) {
        b->currency = opts->currency;
        buf_init(&b->text, CELL_TEXT_MAX);
        b->workbook = open_workbook(opts);
        char title[256];
        snprintf(title, sizeof(title), "%s", opts->title);
        lxw_doc_properties properties = {.title = title};
        if (b->workbook && make_formats(b) && workbook_set_properties(b->workbook, &properties) == LXW_NO_ERROR)
            return b;
    }
    book_free(b);
    err_set(err, ERR_NO_MEMORY, "Not enough memory for a spreadsheet");
    return NULL;
}

/* The library closes the files of its sheets only when it writes the book. */
static void close_files(lxw_workbook *workbook)
{
    lxw_worksheet *sheet;
    STAILQ_FOREACH(sheet, workbook->worksheets, list_pointers)
    {
        if (sheet->optimize_tmpfile)
            fclose(sheet->optimize_tmpfile);
        sheet->optimize_tmpfile = NULL;
    }
}

void book_free(struct book *b)
{
    if (!b)
        return;
    if (b->workbook) {
        close_files(b->workbook);
        lxw_workbook_free(b->workbook);
    }
    buf_release(&b->text);
    free(b);
}

/* ---- cells ---- */

static lxw_row_t here(const struct book *b)
{
    return (lxw_row_t)b->row;
}

static bool hold(struct book *b, struct text t, struct err *err)
{
    buf_reset(&b->text);
    b->text.failed = false;
    if (cell_is_formula(t))
        buf_char(&b->text, '\'');
    buf_text(&b->text, t);
    return !b->text.failed || err_set(err, ERR_NO_MEMORY, "A text is too long for a cell");
}

static lxw_error put_text(struct book *b, lxw_col_t col, lxw_format *f)
{
    return b->text.n ? worksheet_write_string(b->sheet, here(b), col, b->text.p, f) : LXW_NO_ERROR;
}

static bool is_exact(int64_t minor)
{
    return minor > -EXACT_MAX && minor < EXACT_MAX;
}

/* The double nearest to a decimal of at most 15 digits gives that decimal again when it is shown. */
static double as_double(int64_t minor, const struct currency *cur)
{
    static const double UNITS[] = {1, 10, 100, 1000};
    return (double)minor / UNITS[cur->exponent];
}

static bool hold_money(struct book *b, int64_t minor, struct err *err)
{
    char amount[MONEY_TEXT_MAX];
    size_t n = money_format(minor, b->currency, amount);
    buf_reset(&b->text);
    buf_text(&b->text, (struct text){amount, n});
    return !b->text.failed || err_set(err, ERR_NO_MEMORY, "Not enough memory for a spreadsheet");
}

static bool put_cell(struct book *b, lxw_col_t col, const struct cell *cell, bool bold, struct err *err)
{
    struct formats *f = &b->formats;
    lxw_format *money = bold ? f->bold_money : f->money, *plain = bold ? f->bold : NULL;
    lxw_error code = LXW_NO_ERROR;
    switch (cell->kind) {
    case CELL_EMPTY: break;
    case CELL_TEXT:
        if (!hold(b, cell->text, err))
            return false;
        code = put_text(b, col, plain);
        break;
    case CELL_NUMBER:
        code = worksheet_write_number(b->sheet, here(b), col, (double)cell->number, bold ? f->bold : f->number);
        break;
    case CELL_DATE:
        code = worksheet_write_number(b->sheet, here(b), col, date_days((int32_t)cell->number) + EPOCH_SERIAL, f->date);
        break;
    case CELL_MONEY:
        if (is_exact(cell->number)) {
            code = worksheet_write_number(b->sheet, here(b), col, as_double(cell->number, b->currency), money);
            break;
        }
        if (!hold_money(b, cell->number, err))
            return false;
        code = put_text(b, col, plain);
        break;
    }
    return code == LXW_NO_ERROR || failed(err, code);
}

/* ---- rows ---- */

bool book_sheet(struct book *b, const char *name, const struct sheet_column *columns, size_t n, struct err *err)
{
    if (b->sheets == SHEETS_MAX)
        return err_set(err, ERR_INTERNAL, "A spreadsheet has too many sheets");
    snprintf(b->sheet_name, sizeof(b->sheet_name), "%s", name);
    b->sheet = workbook_add_worksheet(b->workbook, b->sheet_name);
    if (!b->sheet)
        return err_set(err, ERR_UNAVAILABLE, "There is no room for files at the moment");
    b->sheets++;
    b->row = 0;
    for (size_t i = 0; i < n; i++) {
        lxw_error code = worksheet_set_column(b->sheet, (lxw_col_t)i, (lxw_col_t)i, columns[i].width, NULL);
        if (code == LXW_NO_ERROR)
            code = worksheet_write_string(b->sheet, 0, (lxw_col_t)i, columns[i].title, b->formats.title);
        if (code != LXW_NO_ERROR)
            return failed(err, code);
    }
    worksheet_freeze_panes(b->sheet, 1, 0);
    b->row = 1;
    return true;
}

bool book_row(struct book *b, const struct cell *cells, size_t n, bool bold, struct err *err)
{
    if (b->row > SHEET_ROWS_MAX)
        return err_set(err, ERR_UNAVAILABLE, "A spreadsheet holds at most %d rows a sheet", SHEET_ROWS_MAX);
    for (size_t i = 0; i < n; i++)
        if (!put_cell(b, (lxw_col_t)i, &cells[i], bold, err))
            return false;
    b->row++;
    return true;
}

static bool put_sum(struct book *b, lxw_col_t col, const struct cell *cell, struct err *err)
{
    char formula[64];
    if (cell->kind != CELL_MONEY || !is_exact(cell->number) || b->row < 2)
        return put_cell(b, col, cell, true, err);
    snprintf(formula, sizeof(formula), "=SUM(%c2:%c%lld)", 'A' + col, 'A' + col, (long long)b->row);
    lxw_error code = worksheet_write_formula_num(b->sheet, here(b), col, formula, b->formats.bold_money,
                                                 as_double(cell->number, b->currency));
    return code == LXW_NO_ERROR || failed(err, code);
}

bool book_totals(struct book *b, const struct cell *sums, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!put_sum(b, (lxw_col_t)i, &sums[i], err))
            return false;
    b->row++;
    return true;
}

int64_t book_next_row(const struct book *b)
{
    return b->row + 1;
}

/* ---- charts ---- */

static bool add_series(struct book *b, lxw_chart *c, const struct chart *chart, size_t i)
{
    lxw_row_t first = (lxw_row_t)chart->first - 1, last = (lxw_row_t)chart->last - 1;
    lxw_chart_series *series = chart_add_series(c, NULL, NULL);
    if (!series)
        return false;
    chart_series_set_categories(series, b->sheet_name, first, (lxw_col_t)chart->names, last, (lxw_col_t)chart->names);
    chart_series_set_values(series, b->sheet_name, first, (lxw_col_t)chart->values[i], last,
                            (lxw_col_t)chart->values[i]);
    chart_series_set_name(series, chart->series[i]);
    return true;
}

bool book_chart(struct book *b, const struct chart *chart, struct err *err)
{
    lxw_chart *c = workbook_add_chart(b->workbook, chart->kind == CHART_PIE ? LXW_CHART_PIE : LXW_CHART_COLUMN);
    if (!c)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for a spreadsheet");
    for (size_t i = 0; i < chart->series_count; i++)
        if (!add_series(b, c, chart, i))
            return err_set(err, ERR_NO_MEMORY, "Not enough memory for a spreadsheet");
    chart_title_set_name(c, chart->title);
    lxw_error code = worksheet_insert_chart(b->sheet, (lxw_row_t)chart->at_row - 1, (lxw_col_t)chart->at_column, c);
    return code == LXW_NO_ERROR || failed(err, code);
}

bool book_end(struct book *b, struct err *err)
{
    lxw_workbook *workbook = b->workbook;
    b->workbook = NULL;
    b->sheet = NULL;
    lxw_error code = workbook_close(workbook);
    return code == LXW_NO_ERROR || failed(err, code);
}
