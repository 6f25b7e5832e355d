/*
 * Calendar dates are int32_t yyyymmdd ("ymd"), months int32_t yyyymm ("ym"): they compare and index as integers, and
 * never pass for a count. Instants are int64_t milliseconds since 1970-01-01T00:00:00Z.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { DATE_TEXT_MAX = 16, INSTANT_TEXT_MAX = 32 };

/* Contract section 4 item 11: dates exist and lie in 1970..2100. */
bool date_parse(struct text t, int32_t *ymd); /* "2026-03-28" */
bool month_parse(struct text t, int32_t *ym); /* "2026-03" */
bool date_make(int year, int month, int day, int32_t *ymd);
size_t date_format(int32_t ymd, char out[DATE_TEXT_MAX]);
size_t month_format(int32_t ym, char out[DATE_TEXT_MAX]);
int days_in_month(int year, int month);
int32_t date_days(int32_t ymd); /* days since 1970-01-01 */
int32_t date_from_days(int32_t days);
static inline int32_t date_month(int32_t ymd)
{
    return ymd / 100;
}
int32_t month_add(int32_t ym, int months);
int32_t month_first_day(int32_t ym); /* ymd */
int32_t month_last_day(int32_t ym);

/* RFC 3339 in UTC with milliseconds: 2026-03-28T02:15:30.123Z */
size_t instant_format(int64_t ms, char out[INSTANT_TEXT_MAX]);
bool instant_parse(struct text t, int64_t *ms); /* RFC 3339, any offset, fraction optional */
/* Parts of an instant in UTC, for drivers. */
struct instant_parts {
    int year, month, day, hour, minute, second, millis;
};
struct instant_parts instant_split(int64_t ms);
int64_t instant_join(struct instant_parts p);

/* The calendar date of an instant in the configured zone. The zone's rules are read once by zone_load (TZif through
   tzset is process-wide, so a zone is loaded at start and then read-only). */
struct zone;
struct zone *zone_load(const char *name); /* NULL when the zone is unknown; zone_free releases */
void zone_free(struct zone *z);
int32_t zone_date(const struct zone *z, int64_t ms);
/* HH:MM:SS.mmm wall clock parts in the zone */
struct instant_parts zone_split(const struct zone *z, int64_t ms);

#endif
