/*
 * What stands on a receipt, from whatever could be read of it: the text of a PDF, the XML of a Vietnamese e-invoice,
 * the JSON of a vision model. Pure; all of it is untrusted. Amounts are minor units, exact; texts live in the arena.
 */
#ifndef FINANCE_RECEIPT_H
#define FINANCE_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/money.h"
#include "base/text.h"
#include "store/category.h"

enum {
    RECEIPT_ITEMS_MAX = 100, /* the contract: what confirm takes */
    RECEIPT_NAME_MAX = 255,  /* code points of names */
    RECEIPT_PLACE_MAX = 500
};

struct receipt_item {
    struct text name;
    int64_t amount;            /* of the whole line, > 0 */
    int32_t date;              /* ymd; 0: as the receipt */
    int64_t category_id;       /* the user's own; 0: none fits */
    struct text category_hint; /* what it is about, when that is known */
    struct text icon;          /* the category's */
};

struct receipt {
    struct text merchant, location; /* TEXT_NONE: not found */
    int32_t date;                   /* ymd; 0: not found */
    int64_t total;                  /* 0: not found */
    struct receipt_item items[RECEIPT_ITEMS_MAX];
    size_t count;
    bool starved; /* some text found no memory: what was read is not all */
};

/* What the readers need to know. */
struct receipt_context {
    const struct currency *currency;
    int32_t today; /* a receipt is not from the future */
    struct arena *mem;
};

/* Each leaves ERR_RECEIPT_UNREADABLE when nothing in it is an amount with a name, ERR_VALIDATION when it is in another
 * currency; else the items add up to the total
 * wherever one is told: taxes and charges are items or are shared out, discounts are shared out. */

/* UTF-8 as pdftotext -layout writes it: columns by blanks, one line a line. Vietnamese or English. */
bool receipt_read_text(struct text text, const struct receipt_context *ctx, struct receipt *out,
                       struct err *err) MUST_CHECK;
/* An e-invoice by the scheme of decision 1450/QD-TCT of the General Department of Taxation: HDon/DLHDon. */
bool receipt_read_invoice(struct text xml, const struct receipt_context *ctx, struct receipt *out,
                          struct err *err) MUST_CHECK;
/* {merchant, location, receiptDate, total, items[{name, amount, category, date}]} as a model was asked to write it;
 * items that do not fit are left out. */
bool receipt_read_json(const struct json_node *v, const struct receipt_context *ctx, struct receipt *out,
                       struct err *err) MUST_CHECK;

/* Finds each item's category among the household's by its own name or by what its words are about. */
bool receipt_categorize(struct receipt *r, const struct category_list *categories, const struct receipt_context *ctx,
                        struct err *err) MUST_CHECK;

/* ---- shared by the readers ---- */

/* Cuts to `max` code points, takes control characters out and trims; TEXT_NONE when nothing is left. */
struct text receipt_clean(struct text t, size_t max, struct receipt *r, const struct receipt_context *ctx);
/* False, and nothing is added, for an amount that is none, no name, or one item too many. */
bool receipt_add(struct receipt *r, struct text name, int64_t amount, int32_t date, const struct receipt_context *ctx);
/* Brings the items to the total where taxes or discounts explain the difference. ERR_RECEIPT_UNREADABLE without items.
 */
bool receipt_settle(struct receipt *r, struct err *err) MUST_CHECK;
/* A bad field `file`: amounts of one currency must not become those of another. Returns false. */
bool receipt_foreign(struct err *err);
bool receipt_date_plausible(int32_t date, int32_t today);

#endif
