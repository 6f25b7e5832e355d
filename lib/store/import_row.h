/* Table import_rows: the rows of a statement with what is thought of each. Written and judged in sets. */
#ifndef STORE_IMPORT_ROW_H
#define STORE_IMPORT_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum { IMPORT_ROW_PAGE_MAX = 500, IMPORT_ROW_SET_MAX = 1000, IMPORT_KEY = 65 };

enum import_verdict { VERDICT_NEW, VERDICT_DUPLICATE, VERDICT_PROBABLE, VERDICT_BAD };
/* "new", "duplicate", "probable", "bad", NULL: also the words of a FIELD_CHOICE. */
extern const char *const IMPORT_VERDICTS[];

struct import_row {
    int64_t row_no, line;
    int32_t occurred_on;
    int64_t amount; /* signed minor units */
    struct text text, bank_id, dedup_key;
    int64_t verdict;
    int64_t duplicate_of; /* a transaction; 0: none */
    struct text reason;
    int64_t category_id, jar_id; /* 0: by default; none */
    struct text name;
    int64_t include; /* -1: by the verdict */
    int64_t transaction_id;
};

struct import_row_list {
    struct import_row *items;
    size_t count;
};

/* At most IMPORT_ROW_SET_MAX in one statement. New ones whose key was taken before become duplicates of what took it.
 */
bool import_rows_insert(struct db *db, int64_t household, int64_t import, const struct import_row *rows, size_t count,
                        struct err *err) MUST_CHECK;
bool import_rows_clear(struct db *db, int64_t household, int64_t import, struct err *err) MUST_CHECK;

/* For finding what was probably entered by hand. Rows of verdict new in order of amount, day, row; transactions that
 * no import made, in a range of days, at most `limit`. */
struct import_candidate {
    int64_t id; /* row_no, or the transaction */
    int64_t amount;
    int32_t day;
};
bool import_rows_candidates(struct db *db, int64_t household, int64_t import, db_row_fn *each, void *to,
                            struct err *err) MUST_CHECK;
bool import_manual_transactions(struct db *db, int64_t household, int32_t from, int32_t to, int64_t limit,
                                db_row_fn *each, void *arg, struct err *err) MUST_CHECK;
/* The row that both call back with. */
struct import_candidate import_candidate_from_row(struct db_row *row);

struct import_match {
    int64_t row_no, transaction_id;
};
/* [{"no": ..., "tx": ...}], as the statements take them. */
void import_matches_write(struct buf *out, const struct import_match *matches, size_t count);
bool import_rows_mark_probable(struct db *db, int64_t household, int64_t import, const struct import_match *matches,
                               size_t count, struct err *err) MUST_CHECK;

struct import_counts {
    int64_t by_verdict[4], included;
};
bool import_rows_count(struct db *db, int64_t household, int64_t import, struct arena *mem, struct import_counts *out,
                       struct err *err) MUST_CHECK;

/* In order, after row after_no; verdict -1: all. limit <= IMPORT_ROW_PAGE_MAX. */
bool import_rows_list(struct db *db, int64_t household, int64_t import, int64_t verdict, int64_t after_no,
                      int64_t limit, struct arena *mem, struct import_row_list *out, struct err *err) MUST_CHECK;
bool import_row_find(struct db *db, int64_t household, int64_t import, int64_t row_no, struct arena *mem,
                     struct import_row *out, struct err *err) MUST_CHECK;
/* Category, jar, name, include. */
bool import_row_update(struct db *db, int64_t household, int64_t import, const struct import_row *row,
                       struct err *err) MUST_CHECK;

#endif
