/*
 * Bank statements read from the bytes of a file: CSV, OFX 1.x/2.x (and QFX), QIF, CAMT.052/053, MT940. A reader walks
 * the text once and calls back for each row, good or bad; it keeps one row at a time, so memory does not grow with the
 * file. Pure: no files, no network, no clock.
 */
#ifndef FINANCE_STATEMENT_STATEMENT_H
#define FINANCE_STATEMENT_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/money.h"
#include "base/text.h"

enum {
    STATEMENT_TEXT_MAX = 500,   /* bytes of a row's text */
    STATEMENT_ID_MAX = 128,     /* bytes of the bank's id; a longer one is cut */
    STATEMENT_ACCOUNT_MAX = 64, /* bytes */
    STATEMENT_COLUMNS_MAX = 64, /* of a CSV */
    STATEMENT_ROWS_MAX = 100000
};

struct statement_row {
    int64_t line; /* of the file, from 1, where the row begins */
    int32_t occurred_on;
    int64_t amount;            /* signed minor units of the options' currency; below 0 is spent */
    struct text text, bank_id; /* valid UTF-8, one line; alive during the callback */
    const char *bad; /* NULL, or why the row cannot be taken (Vietnamese constant); then only line and text hold */
};

/* False with *err set ends the reading. */
typedef bool statement_row_fn(void *to, const struct statement_row *row, struct err *err);

/* Which columns a CSV has, from 1; 0: none, or not known. */
struct statement_mapping {
    int64_t date, amount, debit, credit, text, id;
    int64_t day_first; /* 0 unknown, 1 day before month, 2 month before day */
    int64_t decimal;   /* 0 unknown, else ',' or '.' */
};

struct statement_options {
    const struct currency *currency; /* the household's; rows of another one are bad */
    struct statement_mapping mapping;
    struct arena *mem; /* for what describes the file */
};

struct statement_info {
    char account[STATEMENT_ACCOUNT_MAX + 1];    /* "" when the file does not tell */
    struct text columns[STATEMENT_COLUMNS_MAX]; /* a CSV's header, each name cut, or its first row when there is none */
    size_t column_count;
    bool has_header;
    struct statement_mapping mapping; /* as used */
    bool ask_day_first;               /* every date of the file can be read both ways */
    bool ask_columns;                 /* date or amount was not found: there are no rows */
};

struct statement_format {
    const char *name;
    bool (*detect)(struct text file);
    /* What the file says of itself; before the rows, so that a saved mapping can be taken instead. */
    bool (*inspect)(struct text file, const struct statement_options *o, struct statement_info *info, struct err *err);
    bool (*read)(struct text file, const struct statement_options *o, struct statement_info *info,
                 statement_row_fn *each, void *to, struct err *err);
};

/* "csv", "ofx", "qif", "camt", "mt940", NULL: the words of a FIELD_CHOICE, in the order of the table. */
extern const char *const STATEMENT_FORMATS[];
/* By the file's content; UTF-8. ERR_VALIDATION for `file` when it is none of them (a zip, a picture, binary data). */
const struct statement_format *statement_detect(struct text file, struct err *err) MUST_CHECK;
const struct statement_format *statement_format(int64_t index);

#endif
