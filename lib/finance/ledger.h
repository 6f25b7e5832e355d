/*
 * Posting to the jars. A command collects its entries in a batch and posts it once: entries, balances, months and the
 * unassigned amount move together, so always: sum of balances = sum of entries, and jars + unassigned = incomes -
 * expenses. Nothing is updated in place: a correction reverses the old entries and posts new ones.
 */
#ifndef FINANCE_LEDGER_H
#define FINANCE_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/jar_entry.h"

struct ledger_batch {
    struct jar_entry entries[ENTRY_SET_MAX];
    size_t count;
    struct entry_sum *sums; /* set-based changes whose entries are inserted elsewhere (deleting a category) */
    size_t sum_count;
    bool quiet;  /* written by a recalculation itself: records no further one */
    bool later;  /* records no recalculation: the caller does, once for many batches */
    int64_t net; /* change of incomes - expenses by this command, minor units */
};

/* An empty batch in the scope's arena; NULL without memory. */
struct ledger_batch *ledger_batch_new(struct scope *s, struct err *err) MUST_CHECK;
/* Adds one entry; an amount of 0 adds nothing. */
bool ledger_add(struct ledger_batch *b, struct jar_entry entry, struct err *err) MUST_CHECK;
bool ledger_add_net(struct ledger_batch *b, int64_t change, struct err *err) MUST_CHECK;
/* Adds the reversal of every live entry of a transaction. What a deleted jar held went to unassigned, so its reversal
 * is balanced there. */
bool ledger_reverse(struct scope *s, struct ledger_batch *b, int64_t transaction, struct err *err) MUST_CHECK;
/* Writes the batch. What it posts to an ended month of a jar that resets goes on to unassigned with it; an entry in a
 * month before the current one also records jars.recalculate from that month. */
bool ledger_post(struct scope *s, struct ledger_batch *b, struct err *err) MUST_CHECK;
/* Posts sums whose entries are inserted elsewhere, however many there are, with the change of incomes - expenses.
 * take_back: the sums are what stands and is reversed; what a deleted jar held is balanced as in ledger_reverse. The
 * sums are used up. Records no recalculation: the caller does. */
bool ledger_post_sums(struct scope *s, struct entry_sum *sums, size_t count, bool take_back, int64_t net,
                      struct err *err) MUST_CHECK;
/* Turns the sums of what stands into what takes it back, with the counterpart for jars that are gone. */
bool ledger_take_back(struct ledger_batch *b, struct entry_sum *sums, size_t count, struct err *err) MUST_CHECK;
/* Records the recalculation event for a month. */
bool ledger_recalculate_later(struct scope *s, int32_t from_month, struct err *err) MUST_CHECK;

#endif
