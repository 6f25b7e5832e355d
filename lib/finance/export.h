/*
 * Files of a household's books: xlsx and CSV of single transactions, a PDF statement of a period. Rows come page by
 * page and go out at once, so memory does not grow with them; no connection is held between two pages. The sums in a
 * file are those of the rows in it.
 */
#ifndef FINANCE_EXPORT_H
#define FINANCE_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/money.h"
#include "service/config.h"
#include "service/db.h"
#include "store/exports.h"
#include "store/transaction_feed.h"

/* By format. */
const char *export_content_type(int64_t format);

/* Days that stand for "from the first" and "to the last". */
enum { EXPORT_FIRST_DAY = 19700101, EXPORT_LAST_DAY = 21001231 };

struct export_source {
    struct db_pool *pool;
    int64_t household_id;
    const struct currency *currency;
    bool vietnamese;
    int64_t kind, format; /* enums */
    int32_t from, to;     /* ymd, inclusive */
    const struct config *config;
    int fd; /* an empty file */
    /* After each page with the number of rows so far; false (with *err) ends it. May be NULL. */
    bool (*progress)(void *to, int64_t rows, struct err *err);
    void *progress_to;
};

enum { EXPORT_ROWS_MAX = 1000 * 1000 };

/* ERR_UNAVAILABLE, ERR_NO_MEMORY, ERR_PAYLOAD_TOO_LARGE beyond EXPORT_ROWS_MAX rows, or what progress said. */
bool export_sheet(const struct export_source *s, struct err *err) MUST_CHECK;
bool export_csv(const struct export_source *s, struct err *err) MUST_CHECK;
bool export_statement(const struct export_source *s, struct err *err) MUST_CHECK;
/* One of them by s->format; a statement is always a PDF, and only it. */
bool export_make(const struct export_source *s, struct err *err) MUST_CHECK;

/* ---- what the formats share ---- */

/* All rows of the source's kind and period, oldest first. */
bool export_rows(const struct export_source *s, feed_fn *each, void *to, struct err *err) MUST_CHECK;
/* How many there are, for a progress in percent. */
bool export_count(struct db *db, const struct export_source *s, int64_t *rows, struct err *err) MUST_CHECK;

enum export_field {
    FIELD_OF_NUMBER,
    FIELD_OF_NAME,
    FIELD_OF_CATEGORY,
    FIELD_OF_JAR,
    FIELD_OF_AMOUNT,
    FIELD_OF_INCOME,
    FIELD_OF_EXPENSE,
    FIELD_OF_TRANSFER,
    FIELD_OF_DATE,
    FIELD_OF_NOTE
};
struct export_column {
    enum export_field field;
    const char *vietnamese, *english;
    int width; /* in characters */
};
struct export_layout {
    const struct export_column *columns;
    size_t count;
};
struct export_layout export_layout(int64_t kind);
const char *export_title(const struct export_column *column, bool vietnamese);

/* "income-2026-03.xlsx", "all-2026-01-02-2026-03-04.csv", "expense-all.xlsx" */
enum { EXPORT_NAME_MAX = 64 };
void export_name(int64_t kind, int64_t format, int32_t from, int32_t to, char out[EXPORT_NAME_MAX]);

#endif
