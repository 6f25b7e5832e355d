/* Tables jars and jar_months. Balances and months change only through finance/ledger.h. */
#ifndef STORE_JAR_H
#define STORE_JAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum { JAR_MAX = 200 }; /* jars of one household: the split's arrays and the lists are bounded by it */

struct jar_month {
    int32_t month; /* ym; 0: no row */
    int64_t carried, allocated, moved, spent;
};

static inline int64_t jar_month_limit(const struct jar_month *m)
{
    return m->carried + m->allocated + m->moved;
}
static inline int64_t jar_month_available(const struct jar_month *m)
{
    return jar_month_limit(m) - m->spent;
}

struct jar {
    int64_t id;
    struct text name, icon, color;
    int32_t target_bp;
    bool reset;         /* rollover: reset, else carry */
    int32_t reset_from; /* of a jar that resets: ym from which ended months are closed; 0: all */
    int64_t balance, version, created_at_ms, updated_at_ms;
    struct jar_month latest; /* the latest row at or before the month asked for */
};

struct jar_list {
    struct jar *items;
    size_t count;
};

/* All jars in order of creation, each with its latest row at or before `month`; at most JAR_MAX. */
bool jar_list(struct db *db, int64_t household, int32_t month, struct arena *mem, struct jar_list *out,
              struct err *err) MUST_CHECK;
bool jar_find(struct db *db, int64_t household, int64_t id, int32_t month, struct arena *mem, struct jar *out,
              struct err *err) MUST_CHECK;
/* True in *any when the household ever had a jar, deleted ones too. */
bool jar_ever(struct db *db, int64_t household, bool *any, struct err *err) MUST_CHECK;
/* Several at once in one statement, in order; their ids are read from the list afterwards. ERR_NAME_IN_USE: none is
 * made. */
bool jar_insert_set(struct db *db, int64_t household, const struct jar *jars, size_t count, int64_t now_ms,
                    struct arena *mem, struct err *err) MUST_CHECK;
/* Name, icon, colour, target, rollover; version + 1. ERR_NAME_IN_USE, ERR_NOT_FOUND. */
bool jar_update(struct db *db, int64_t household, const struct jar *jar, int64_t now_ms, struct err *err) MUST_CHECK;
bool jar_deactivate(struct db *db, int64_t household, int64_t id, int64_t now_ms, struct err *err) MUST_CHECK;

/* Rows of all jars, deleted ones too, from the latest before `from` on, in order of jar and month; and the writing of
 * such rows as given. */
struct jar_month_row {
    int64_t jar_id;
    bool jar_active, jar_reset;
    int32_t reset_from;
    struct jar_month m;
};
bool jar_month_rows(struct db *db, int64_t household, int32_t from, struct arena *mem, struct jar_month_row **out,
                    size_t *count, struct err *err) MUST_CHECK;
bool jar_month_put_set(struct db *db, int64_t household, const struct jar_month_row *rows, size_t count,
                       struct arena *mem, struct err *err) MUST_CHECK;
/* Makes the row of a month where it is missing, carrying what is available before it. */
bool jar_month_ensure(struct db *db, int64_t household, int64_t jar, int32_t month, struct err *err) MUST_CHECK;
/* Households that own a jar that resets, in order of id, after `after`. */
bool jar_reset_households(struct db *db, int64_t after, int64_t *ids, size_t max, size_t *count,
                          struct err *err) MUST_CHECK;
/* Tells a threshold once a month: *first is false when it was told before. */
bool jar_threshold_tell(struct db *db, int64_t household, int64_t jar, int32_t month, int threshold, int64_t now_ms,
                        bool *first, struct err *err) MUST_CHECK;

struct jar_month_list {
    struct jar_month *items;
    size_t count;
};

/* Rows of one jar from the latest one before `from` up to `to`. ERR_NOT_FOUND when the jar is not there; *reset and
 * reset_from are the jar's. */
bool jar_month_list(struct db *db, int64_t household, int64_t jar, int32_t from, int32_t to, struct arena *mem,
                    struct jar *owner, struct jar_month_list *out, struct err *err) MUST_CHECK;

#endif
