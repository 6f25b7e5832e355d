/* Incomes (contract 3.5). */
#ifndef HANDLERS_INCOME_H
#define HANDLERS_INCOME_H

#include "http/route.h"

extern const struct body_def INCOME_BODY;

handler_fn incomes_get, income_post, income_put, income_delete;

#endif
