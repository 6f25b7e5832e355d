/*
 * Table jar_entries (append-only) and what follows from it: jars.balance and jar_months. Written in sets: a whole
 * command's entries go in one statement, its balances in one, its months in two, however many jars it touches. Only
 * finance/ledger.c writes here.
 */
#ifndef STORE_JAR_ENTRY_H
#define STORE_JAR_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum entry_kind { ENTRY_ALLOCATION, ENTRY_SPEND, ENTRY_REFUND, ENTRY_TRANSFER, ENTRY_ADJUSTMENT };
extern const char *const ENTRY_KINDS[];

struct jar_entry {
    int64_t id, jar_id;
    enum entry_kind kind;
    const char *reason; /* adjustments: "opening", "reset", "jar_deleted"; else NULL */
    int64_t amount;     /* signed minor units */
    int32_t occurred_on;
    int64_t transaction_id, reverses_id; /* 0: none */
    bool jar_deleted;                    /* read only */
    struct text jar_name;
};

/* Sums of entries of one jar, month and kind. */
struct entry_sum {
    int64_t jar_id;
    int32_t month; /* ym */
    enum entry_kind kind;
    int64_t amount;
    bool jar_deleted;
};

enum { ENTRY_SET_MAX = 2 * 256 + 2 }; /* one command: every jar reversed and posted anew */

bool entry_insert_set(struct db *db, int64_t household, const struct jar_entry *entries, size_t count, int64_t now_ms,
                      struct arena *mem, struct err *err) MUST_CHECK;
/* Adds the sums to balances and months (rows are made where missing, later months' carried is shifted). */
bool entry_apply_sums(struct db *db, int64_t household, const struct entry_sum *sums, size_t count, struct arena *mem,
                      struct err *err) MUST_CHECK;

/* Entries of a transaction that no entry reverses, in order of id. */
bool entry_live(struct db *db, int64_t household, int64_t transaction, struct arena *mem, struct jar_entry *out,
                size_t max, size_t *count, struct err *err) MUST_CHECK;
/* Entries that were reversed when the transaction was deleted at that instant. */
bool entry_undone_at(struct db *db, int64_t household, int64_t transaction, int64_t deleted_at_ms, struct arena *mem,
                     struct jar_entry *out, size_t max, size_t *count, struct err *err) MUST_CHECK;

/* All live entries of a category's live transactions: their sums by jar, month and kind; and the reversal of every one,
 * set-based. */
bool entry_category_sums(struct db *db, int64_t household, int64_t category, struct arena *mem, struct entry_sum **out,
                         size_t *count, struct err *err) MUST_CHECK;
bool entry_reverse_category(struct db *db, int64_t household, int64_t category, int64_t now_ms,
                            struct err *err) MUST_CHECK;

/* For the recalculation: sums from a day forward in order of jar and month; and each jar's whole sum with the balance
 * that stands. */
bool entry_sums_from(struct db *db, int64_t household, int32_t from_day, struct arena *mem, struct entry_sum **out,
                     size_t *count, struct err *err) MUST_CHECK;
struct jar_balance {
    int64_t jar_id, balance, entries;
};
bool entry_balances(struct db *db, int64_t household, struct arena *mem, struct jar_balance **out, size_t *count,
                    struct err *err) MUST_CHECK;
bool jar_set_balance(struct db *db, int64_t household, int64_t jar, int64_t balance, struct err *err) MUST_CHECK;

#endif
