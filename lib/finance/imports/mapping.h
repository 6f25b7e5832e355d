/* A CSV's mapping as JSON, kept with an import and for later files of the same header. */
#ifndef FINANCE_IMPORTS_MAPPING_H
#define FINANCE_IMPORTS_MAPPING_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "finance/statement/statement.h"
#include "service/digest.h"

/* {dateColumn, amountColumn, debitColumn, creditColumn, textColumn, idColumn, dayFirst, decimal}; null: none. */
void mapping_write_json(struct json_out *j, const struct statement_mapping *m);
/* What cannot be read is 0. */
void mapping_read_json(struct text json, struct statement_mapping *out);
bool mapping_is_empty(const struct statement_mapping *m);
/* Of the names of the columns: equal for files of one shape. */
bool mapping_fingerprint(const struct statement_info *info, char out[DIGEST_TEXT], struct err *err) MUST_CHECK;

#endif
