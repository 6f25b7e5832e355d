/* CSV as RFC 4180 has it, with a UTF-8 mark at the beginning, by which spreadsheet programs know the encoding. Texts
 * that a program would take for a formula get an apostrophe before them (base/cell.h). */
#ifndef SERVICE_CSV_OUT_H
#define SERVICE_CSV_OUT_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

struct csv_out {
    int fd;         /* the caller's */
    struct buf buf; /* what is to be written yet */
    bool inside;    /* a field of this row was written */
};

/* With the mark; csv_end releases. */
void csv_begin(struct csv_out *c, int fd);
void csv_text(struct csv_out *c, struct text t);
/* Numbers and dates that are our own: as they are. */
void csv_plain(struct csv_out *c, struct text t);
/* ERR_UNAVAILABLE when there is no room for the file. */
bool csv_row_end(struct csv_out *c, struct err *err) MUST_CHECK;
/* Writes the rest (when `ok`) and releases. */
bool csv_end(struct csv_out *c, bool ok, struct err *err) MUST_CHECK;

#endif
