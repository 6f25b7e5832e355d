/* The whole ledger: all kinds, filters, keyset pages, undo. New endpoints: unknown fields are refused. */
#ifndef HANDLERS_TRANSACTION_H
#define HANDLERS_TRANSACTION_H

#include "http/route.h"

extern const struct body_def TRANSACTION_BODY;
extern const struct query_def TRANSACTIONS_QUERY;

handler_fn transactions_get, transaction_get, transaction_put, transaction_delete, transaction_undelete;

#endif
