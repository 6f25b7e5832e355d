/* Codes by mail before a write, and the authorizations that they are traded for (contract 3.6). */
#ifndef HANDLERS_TRANSACTION_CODE_H
#define HANDLERS_TRANSACTION_CODE_H

#include "http/route.h"

extern const struct body_def CODE_REQUEST_BODY, CODE_VERIFY_BODY;

handler_fn transaction_code_request, transaction_code_check;

#endif
