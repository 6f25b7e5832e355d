/*
 * From rows of an import to transactions and back, in sets: one range of rows is a handful of statements, however many
 * there are. Inside a command, so the household's lock makes each look-up and what follows it one step. Entries are
 * posted by finance/ledger.h from what these tell.
 */
#ifndef STORE_IMPORT_POST_H
#define STORE_IMPORT_POST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"
#include "store/import_row.h"
#include "store/jar_entry.h"

struct import_range {
    int64_t household, import;
    int64_t after, to; /* row_no: after < row_no <= to */
};

/* Which rows are taken and what they become. */
struct import_posting {
    int64_t user;
    bool with_probable;
    int64_t income_category, expense_category; /* of rows without one of their own */
    int64_t now_ms;
};

/* Takes the rows' keys; a row whose key was taken by another becomes a duplicate. */
bool import_post_claim(struct db *db, const struct import_range *r, bool with_probable, struct err *err) MUST_CHECK;
/* Whether rows that are taken need the categories that stand for none, by kind. */
bool import_post_needs(struct db *db, const struct import_range *r, bool with_probable, bool *income, bool *expense,
                       struct err *err) MUST_CHECK;
/* Makes the transactions; *after_tx is an id below all of them. */
bool import_post_insert(struct db *db, const struct import_range *r, const struct import_posting *p, int64_t *after_tx,
                        int64_t *added, struct err *err) MUST_CHECK;
/* Calls back for each new transaction with import_posted_from_row(). */
struct import_posted {
    int64_t id, row_no, amount, jar_id;
    bool income;
    int32_t occurred_on;
};
bool import_post_list(struct db *db, const struct import_range *r, int64_t after_tx, db_row_fn *each, void *to,
                      struct err *err) MUST_CHECK;
struct import_posted import_posted_from_row(struct db_row *row);
/* The range's rows and keys learn their transactions. */
bool import_post_link(struct db *db, const struct import_range *r, const struct import_match *links, size_t count,
                      struct err *err) MUST_CHECK;

/* Undo: only transactions that nobody edited or deleted since. Sums of their live entries by jar, month and kind, and
 * incomes minus expenses; the reversal of each entry; the deletion; the keys of what is deleted become free. */
bool import_undo_sums(struct db *db, const struct import_range *r, struct arena *mem, struct entry_sum **out,
                      size_t *count, int64_t *net, struct err *err) MUST_CHECK;
bool import_undo_reverse(struct db *db, const struct import_range *r, int64_t now_ms, struct err *err) MUST_CHECK;
bool import_undo_delete(struct db *db, const struct import_range *r, int64_t now_ms, int64_t *removed,
                        struct err *err) MUST_CHECK;
bool import_undo_free_keys(struct db *db, const struct import_range *r, struct err *err) MUST_CHECK;
/* Transactions of the import that are still there; ids takes the first `max`. */
bool import_kept(struct db *db, int64_t household, int64_t import, int64_t *ids, size_t max, int64_t *count,
                 struct err *err) MUST_CHECK;

#endif
