/*
 * PDF pages (A4) that flow from top to bottom: headings, lines, tables and bars, by cairo and pango, so that Vietnamese
 * comes out as it should. Texts that are too long for their place end in an ellipsis. Needs a font with Vietnamese
 * letters on the machine (DejaVu Sans).
 */
#ifndef SERVICE_PDF_H
#define SERVICE_PDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct pdf;
/* fd: an empty file, the caller's. title: of the document. */
struct pdf *pdf_open(int fd, const char *title, struct err *err) MUST_CHECK;
void pdf_free(struct pdf *p); /* NULL is fine */
static inline void pdf_auto(struct pdf **p)
{
    pdf_free(*p);
}

void pdf_heading(struct pdf *p, struct text t, int level); /* 1: of the document, 2: of a part */
void pdf_line(struct pdf *p, struct text t);
void pdf_space(struct pdf *p);

/* One row of a table: a text and up to PDF_VALUES_MAX values to the right, the last one at the margin. */
enum { PDF_VALUES_MAX = 3 };
void pdf_row(struct pdf *p, struct text label, const struct text *values, size_t n, bool bold);

/* A bar of share/whole of the width, with a text before and one after it. `tone` picks its colour. */
enum pdf_tone { PDF_GREEN, PDF_RED, PDF_BLUE };
void pdf_bar(struct pdf *p, struct text label, struct text value, int64_t share, int64_t whole, enum pdf_tone tone);

/* What failed on the way is told here. ERR_UNAVAILABLE when there is no room for the file. */
bool pdf_end(struct pdf *p, struct err *err) MUST_CHECK;

#endif
