/* Table transactions: one ledger for incomes, expenses and transfers, soft-deleted. Every list is one index range,
 * walked by key (occurred_on, id). */
#ifndef STORE_TRANSACTION_H
#define STORE_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum transaction_kind { KIND_INCOME, KIND_EXPENSE, KIND_TRANSFER };
/* "income", "expense", "transfer", NULL: also the words of a FIELD_CHOICE. */
extern const char *const TRANSACTION_KINDS[];

struct transaction {
    int64_t id, kind, amount;
    int32_t occurred_on;
    int64_t category_id, jar_id, to_jar_id; /* 0: none; a jar that was deleted reads as none */
    struct text category_name, jar_name, to_jar_name;
    bool category_deleted;
    struct text name, icon, note, receipt_location, receipt_image_url;
    int64_t receipt_document_id; /* whose address receipt_image_url is; 0: a client's own, or none */
    int64_t version, deleted_at_ms, created_at_ms, updated_at_ms;
    /* one live allocation, in lists of incomes with their allocations (0: none); rows of one income follow each other
     */
    int64_t entry_id, entry_jar_id, entry_amount;
    struct text entry_jar_name;
};

/* What a list may ask for; 0, -1 or TEXT_NONE: not asked. */
struct transaction_filter {
    int64_t kind;     /* -1: all */
    int32_t from, to; /* ymd, inclusive; 0: open */
    int64_t category_id, jar_id;
    struct text keyword; /* in the name, without regard to case; plain text */
    int64_t min_amount, max_amount;
    int32_t before_date; /* keyset: rows after this one in the order newest first; 0: from the start */
    int64_t before_id;
    int64_t limit; /* rows at most */
};

bool transaction_list(struct db *db, int64_t household, const struct transaction_filter *f, struct arena *mem,
                      db_row_fn *each, void *to, struct err *err) MUST_CHECK;
/* Incomes, each row once for each of its live allocations (at least once), newest first. */
bool transaction_income_list(struct db *db, int64_t household, const struct transaction_filter *f, struct arena *mem,
                             db_row_fn *each, void *to, struct err *err) MUST_CHECK;
/* The row that a callback of the two above reads. */
struct transaction transaction_from_row(struct db_row *row);
struct transaction transaction_income_from_row(struct db_row *row);

/* Deleted ones too: look at deleted_at_ms. */
bool transaction_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct transaction *out,
                      struct err *err) MUST_CHECK;
bool transaction_insert(struct db *db, int64_t household, int64_t user, struct transaction *t, int64_t now_ms,
                        struct err *err) MUST_CHECK;
/* Many at once, in their order and in two round trips (transaction_set.c); fills id, version and instants. Kinds but
 * transfers; inside a command. */
bool transaction_insert_set(struct db *db, int64_t household, int64_t user, struct transaction *rows, size_t count,
                            int64_t now_ms, struct err *err) MUST_CHECK;
/* All fields but kind; version + 1 and updated_at also in *t. */
bool transaction_update(struct db *db, int64_t household, struct transaction *t, int64_t now_ms,
                        struct err *err) MUST_CHECK;
/* What it shows as its receipt: the document (0: none) and its address. ERR_NOT_FOUND for a deleted one. */
bool transaction_set_receipt(struct db *db, int64_t household, int64_t id, int64_t document, struct text url,
                             int64_t now_ms, struct err *err) MUST_CHECK;
/* Shows none any more, if it is this document that it shows; else ERR_NOT_FOUND. */
bool transaction_clear_receipt(struct db *db, int64_t household, int64_t id, int64_t document, int64_t now_ms,
                               struct err *err) MUST_CHECK;
bool transaction_set_deleted(struct db *db, int64_t household, int64_t id, int64_t deleted_at_ms, int64_t now_ms,
                             struct err *err) MUST_CHECK;

/* Sums of a category's live rows: incomes minus expenses. */
bool transaction_category_net(struct db *db, int64_t household, int64_t category, int64_t *net,
                              struct err *err) MUST_CHECK;
bool transaction_delete_category(struct db *db, int64_t household, int64_t category, int64_t now_ms,
                                 struct err *err) MUST_CHECK;

/* What a write names, checked in one round trip. */
struct transaction_refs {
    struct text category_name, jar_name;
    int64_t category_type; /* enum category_type; -1: no such category */
    bool jar_found;
    int64_t large_amount; /* the user's own threshold; 0: none */
};
bool transaction_refs(struct db *db, int64_t household, int64_t user, int64_t category, int64_t jar, struct arena *mem,
                      struct transaction_refs *out, struct err *err) MUST_CHECK;

#endif
