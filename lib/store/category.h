/* Table categories. A deleted one stays as a row (active NULL) so that history keeps its name. */
#ifndef STORE_CATEGORY_H
#define STORE_CATEGORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum { CATEGORY_MAX = 1000 }; /* of one household */

enum category_type { CATEGORY_INCOME, CATEGORY_EXPENSE };
/* "income", "expense", NULL: also the words of a FIELD_CHOICE. */
extern const char *const CATEGORY_TYPES[];

struct category {
    int64_t id;
    struct text name, icon;
    int64_t type; /* enum category_type */
    int64_t version, created_at_ms, updated_at_ms;
};

struct category_list {
    struct category *items;
    size_t count;
};

/* In order of creation. */
bool category_list(struct db *db, int64_t household, struct arena *mem, struct category_list *out,
                   struct err *err) MUST_CHECK;
bool category_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct category *out,
                   struct err *err) MUST_CHECK;
/* ERR_NAME_IN_USE; sets id, version and instants. */
bool category_insert(struct db *db, int64_t household, struct category *c, int64_t now_ms, struct err *err) MUST_CHECK;
bool category_update(struct db *db, int64_t household, const struct category *c, int64_t now_ms,
                     struct err *err) MUST_CHECK;
bool category_deactivate(struct db *db, int64_t household, int64_t id, int64_t now_ms, struct err *err) MUST_CHECK;
/* Whether live transactions use it. */
bool category_in_use(struct db *db, int64_t household, int64_t id, bool *used, struct err *err) MUST_CHECK;
bool category_count(struct db *db, int64_t household, int64_t *count, struct err *err) MUST_CHECK;

#endif
