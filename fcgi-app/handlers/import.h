/* Bank statements: upload, preview, confirmation, undo. */
#ifndef HANDLERS_IMPORT_H
#define HANDLERS_IMPORT_H

#include "http/call.h"
#include "http/route.h"
#include "http/upload.h"

extern const struct upload_def IMPORT_UPLOAD;
extern const struct query_def IMPORTS_QUERY, IMPORT_ROWS_QUERY;
extern const struct body_def IMPORT_MAPPING_BODY, IMPORT_ROW_BODY, IMPORT_CONFIRM_BODY;

bool import_post(struct call *call, struct response *res, struct err *err);
bool imports_get(struct call *call, struct response *res, struct err *err);
bool import_get(struct call *call, struct response *res, struct err *err);
bool import_rows_get(struct call *call, struct response *res, struct err *err);
bool import_row_put(struct call *call, struct response *res, struct err *err);
bool import_mapping_put(struct call *call, struct response *res, struct err *err);
bool import_confirm_post(struct call *call, struct response *res, struct err *err);
bool import_delete(struct call *call, struct response *res, struct err *err);

#endif
