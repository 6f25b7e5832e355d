/* Receipts become expenses (contract 3.7). */
#ifndef HANDLERS_RECEIPT_H
#define HANDLERS_RECEIPT_H

#include "http/route.h"

extern const struct upload_def RECEIPT_UPLOAD;
extern const struct body_def RECEIPT_BODY;
handler_fn receipt_analyze_post, receipt_confirm_post;

#endif
