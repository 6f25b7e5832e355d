/* Expenses (contract 3.5). */
#ifndef HANDLERS_EXPENSE_H
#define HANDLERS_EXPENSE_H

#include "http/route.h"

extern const struct body_def EXPENSE_BODY;

handler_fn expenses_get, expense_post, expense_put, expense_delete;

#endif
