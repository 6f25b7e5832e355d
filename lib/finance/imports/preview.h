/*
 * From the text of a statement to rows with a verdict each: new, duplicate (its key was taken before), probable (a
 * transaction entered by hand has the amount within two days; each stands for one row only), bad. Nothing of the books
 * changes, so each statement stands for itself: an import whose reading broke off stays as failed.
 */
#ifndef FINANCE_IMPORTS_PREVIEW_H
#define FINANCE_IMPORTS_PREVIEW_H

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "finance/statement/statement.h"
#include "store/import.h"

struct preview_source {
    struct text file; /* UTF-8 without a mark */
    const struct statement_format *format;
    const struct statement_mapping *wanted; /* what the user says of the columns; saved when it says anything */
    /* Called now and then: the file's pages that were read may be given back; may be NULL. */
    void (*let_go)(void *to);
    void *let_go_of;
};

/* A new import: file_name and account (may be empty: then the file's) are given, the rest becomes known. Its text is
 * kept when it may have to be read anew. ERR_VALIDATION for `file`: too many rows, or none at all. */
bool preview_make(struct scope *s, const struct preview_source *source, struct import *import,
                  struct err *err) MUST_CHECK;
/* The same file read anew; the import is IMPORT_READING. */
bool preview_again(struct scope *s, const struct preview_source *source, struct import *import,
                   struct err *err) MUST_CHECK;
/* Formats that ask: their text is kept. */
bool preview_can_ask(struct text format);

#endif
