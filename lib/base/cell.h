/* Cells of spreadsheets and CSV files: a text that a spreadsheet program would take for a formula is told apart, since
 * what a user wrote must never be run by whoever opens the file (OWASP, CSV injection). */
#ifndef BASE_CELL_H
#define BASE_CELL_H

#include <stdbool.h>

#include "base/text.h"

/* True for what begins with = + - @, tab, CR or LF, or with the full-width forms that some programs treat alike: such a
 * text is written with an apostrophe before it. */
bool cell_is_formula(struct text t);

#endif
