/* Which columns of a CSV are what: by the words of its header, in Vietnamese and English, and without a header by what
 * stands in them. Pure. */
#ifndef FINANCE_STATEMENT_CSV_COLUMNS_H
#define FINANCE_STATEMENT_CSV_COLUMNS_H

#include "finance/statement/csv_record.h"

/* True when the record names a date and an amount: *out tells the columns. */
bool csv_columns_by_words(const struct csv *record, struct arena *mem, struct statement_mapping *out);
/* By the first records from here on; what is not found stays 0. */
void csv_columns_by_content(struct csv records, struct statement_mapping *out);
/* No field of it is a date or an amount. */
bool csv_is_header(const struct csv *record);

#endif
