/*
 * Who can read a receipt: one analyzer is one row of the table in analyzer.c, asked in its order for what it is good
 * for. All run in the lane of receipts, hold no database connection, and trust nothing of the file.
 */
#ifndef RECEIPT_ANALYZER_H
#define RECEIPT_ANALYZER_H

#include "finance/receipt.h"
#include "http/call.h"

struct analyzer {
    const char *name;
    unsigned types;                            /* MEDIA_BIT()s */
    bool (*configured)(const struct app *app); /* NULL: always */
    /* ERR_RECEIPT_UNREADABLE: nothing that it can read; the next one is asked. */
    bool (*read)(struct call *call, const struct receipt_context *ctx, struct receipt *out, struct err *err);
};

/* Reads call->upload. ERR_RECEIPT_UNREADABLE, ERR_RECEIPT_UNSUPPORTED when only one that is not configured could,
 * ERR_UNAVAILABLE when a provider fails, ERR_VALIDATION for another currency. */
bool receipt_analyze(struct call *call, const struct receipt_context *ctx, struct receipt *out,
                     struct err *err) MUST_CHECK;

/* pdf.c: poppler's programs, with limits. */
bool pdf_read_invoice(struct call *call, const struct receipt_context *ctx, struct receipt *out,
                      struct err *err) MUST_CHECK;
bool pdf_read_text(struct call *call, const struct receipt_context *ctx, struct receipt *out,
                   struct err *err) MUST_CHECK;
/* The first page as a picture of PNG in a new spool file, to be closed by the caller; -1 with *err. */
int pdf_first_page(struct call *call, size_t *size, struct err *err) MUST_CHECK;

/* vision.c: the configured provider. */
bool vision_configured(const struct app *app);
bool vision_read_image(struct call *call, const struct receipt_context *ctx, struct receipt *out,
                       struct err *err) MUST_CHECK;
bool vision_read_page(struct call *call, const struct receipt_context *ctx, struct receipt *out,
                      struct err *err) MUST_CHECK;

#endif
