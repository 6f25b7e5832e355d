/* Files of a household: receipts of transactions, pictures, papers; and what is shown without sign-in to who has its
 * key (contract 3.19). New endpoints but /files: unknown fields are refused. */
#ifndef HANDLERS_DOCUMENT_H
#define HANDLERS_DOCUMENT_H

#include "http/route.h"
#include "store/document.h"

extern const struct upload_def DOCUMENT_UPLOAD, PICTURE_UPLOAD;
extern const struct query_def DOCUMENTS_QUERY;
extern const struct body_def OFFICE_UPLOAD_BODY, TRANSACTION_RECEIPT_BODY;

handler_fn document_post, picture_post, documents_get, document_get, document_content, document_delete, document_office,
    transaction_receipt_put, file_get;

/* A Document without the braces. */
struct call;
bool document_write_members(struct call *call, struct json_out *j, const struct document *d,
                            struct err *err) MUST_CHECK;

#endif
