/*
 * Spreadsheets (xlsx) over libxlsxwriter, in memory that does not grow with the rows: sheets come one after the other,
 * each row once, from the top. Amounts are exact: a cell is a number while the number has an exact form there, else a
 * text. Texts that a program would take for a formula get an apostrophe before them (base/cell.h).
 */
#ifndef SERVICE_SHEET_H
#define SERVICE_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/money.h"
#include "base/text.h"

enum cell_kind { CELL_EMPTY, CELL_TEXT, CELL_NUMBER, CELL_MONEY, CELL_DATE };

struct cell {
    enum cell_kind kind;
    int64_t number; /* minor units, or ymd */
    struct text text;
};

struct sheet_column {
    const char *title;
    int width; /* in characters */
};

enum {
    SHEET_ROWS_MAX = 1000 * 1000, /* of one sheet; the format ends at 1,048,576 */
    SHEET_COLUMNS_MAX = 16,
    SHEETS_MAX = 160 /* of one book: each keeps a file open until the end */
};

struct book_options {
    int fd;              /* of an empty file; written when the book ends, and still the caller's */
    const char *tmp_dir; /* for the sheets on their way */
    const struct currency *currency;
    const char *title;
};

struct book;
struct book *book_open(const struct book_options *opts, struct err *err) MUST_CHECK;
/* Releases it, ended or not. NULL is fine. */
void book_free(struct book *book);
static inline void book_auto(struct book **book)
{
    book_free(*book);
}

/* A new sheet with a row of titles; the one before it is done. Its name must have no : \ / ? * [ ] and at most 31
 * characters. */
bool book_sheet(struct book *book, const char *name, const struct sheet_column *columns, size_t n,
                struct err *err) MUST_CHECK;
/* `n` cells from the first column on. ERR_UNAVAILABLE beyond SHEET_ROWS_MAX. */
bool book_row(struct book *book, const struct cell *cells, size_t n, bool bold, struct err *err) MUST_CHECK;
/* A row of sums of this sheet: `sums` has an entry for each column, of which those of CELL_MONEY become =SUM(...) over
 * the rows so far with the value as it is, and texts labels. */
bool book_totals(struct book *book, const struct cell *sums, size_t n, struct err *err) MUST_CHECK;
/* The next row's number, from 1; row 1 has the titles. */
int64_t book_next_row(const struct book *book);

/* A chart beside the rows first..last of this sheet (numbers as of book_next_row), its names from the column
 * `names`, one series for each of the columns `values`. */
enum chart_kind { CHART_COLUMNS, CHART_PIE };
struct chart {
    enum chart_kind kind;
    const char *title;
    int64_t first, last;
    int names;
    int values[2];
    const char *series[2];
    size_t series_count;
    int64_t at_row; /* where its upper left corner is */
    int at_column;
};
bool book_chart(struct book *book, const struct chart *chart, struct err *err) MUST_CHECK;

/* Writes the file. ERR_UNAVAILABLE when there is no room for it. */
bool book_end(struct book *book, struct err *err) MUST_CHECK;

#endif
