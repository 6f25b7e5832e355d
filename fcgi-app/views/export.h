/* Exports as clients see them, and the period that all of them are asked for by: month, year, all. */
#ifndef VIEWS_EXPORT_H
#define VIEWS_EXPORT_H

#include "http/call.h"
#include "store/exports.h"

struct export_period {
    int64_t month, year;
    bool all;
};

/* A month alone is of this year, a year alone is the whole year, neither is this month; all: from the first day to the
 * last. p NULL: neither. */
void export_period_dates(const struct call *call, const struct export_period *p, int32_t *from, int32_t *to);

/* {id, status, progress, kind, format, from, to, email, createdAt, finishedAt, documentId, downloadUrl, error} */
void export_write_json(struct json_out *j, const struct export *e);

#endif
