/* Records of a CSV (RFC 4180, tolerantly): quotes, line breaks within them, any delimiter. Pure. */
#ifndef FINANCE_STATEMENT_CSV_RECORD_H
#define FINANCE_STATEMENT_CSV_RECORD_H

#include "finance/statement/statement.h"

enum { CSV_RECORD_MAX = 16 * 1024 };

struct csv {
    struct text rest;
    char delimiter;
    int64_t line;  /* of the record at hand */
    int64_t lines; /* read so far */
    struct text fields[STATEMENT_COLUMNS_MAX];
    size_t count;
    bool broken; /* too long, too many fields, or a quote that is not closed: only its first line is left out */
    char space[CSV_RECORD_MAX];
};

void csv_init(struct csv *c, struct text file, char delimiter);
/* The next record that is not empty; false at the end. */
bool csv_next(struct csv *c);
/* The field of a column from 1; an empty text when the record has none. */
struct text csv_field(const struct csv *c, int64_t column);
/* The delimiter that the first records agree about; 0 when none makes two columns. */
char csv_delimiter(struct text file);

#endif
