/* Table import_rules: what a row of a statement with a certain text is. */
#ifndef STORE_IMPORT_RULE_H
#define STORE_IMPORT_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"
#include "store/import_row.h"

enum { IMPORT_RULE_MAX = 100 /* of one household */, IMPORTED_SET_MAX = 1000 };

struct import_rule {
    int64_t id, priority;
    bool is_regex;
    struct text pattern, name;
    int64_t kind;                /* enum transaction_kind, income or expense; -1: both */
    int64_t category_id, jar_id; /* 0: none */
    int64_t version, created_at_ms, updated_at_ms;
};

struct import_rule_list {
    struct import_rule *items;
    size_t count;
};

/* By priority, then by age. */
bool import_rule_list(struct db *db, int64_t household, struct arena *mem, struct import_rule_list *out,
                      struct err *err) MUST_CHECK;
bool import_rule_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct import_rule *out,
                      struct err *err) MUST_CHECK;
/* Sets id, version, instants. */
bool import_rule_insert(struct db *db, int64_t household, struct import_rule *r, int64_t now_ms,
                        struct err *err) MUST_CHECK;
/* version + 1 also in *r. ERR_NOT_FOUND. */
bool import_rule_update(struct db *db, int64_t household, struct import_rule *r, int64_t now_ms,
                        struct err *err) MUST_CHECK;
bool import_rule_remove(struct db *db, int64_t household, int64_t id, struct err *err) MUST_CHECK;

/* Transactions that an import made and nobody edited or deleted since, in order of day and id after the given ones. */
struct imported {
    int64_t id, import_id, row_no, amount, category_id, jar_id;
    bool income;
    int32_t occurred_on;
    struct text name, text; /* the transaction's; the statement's */
};
struct imported_list {
    struct imported *items;
    size_t count;
};
/* limit <= IMPORTED_SET_MAX */
bool imported_list(struct db *db, int64_t household, int32_t after_day, int64_t after_id, int64_t limit,
                   struct arena *mem, struct imported_list *out, struct err *err) MUST_CHECK;
/* Category and name of each as given (jar_id is not looked at), all in two statements; they stay unedited. */
bool imported_update_set(struct db *db, int64_t household, const struct imported *items, size_t count, int64_t now_ms,
                         struct err *err) MUST_CHECK;
/* What another statement changed stays unedited. */
bool imported_keep(struct db *db, int64_t household, const struct imported *one, struct err *err) MUST_CHECK;

#endif
