/* What the handlers of incomes, expenses and transactions share: rows of their bodies, finding and deleting. */
#ifndef VIEWS_MONEY_BODY_H
#define VIEWS_MONEY_BODY_H

#include "http/call.h"
#include "http/route.h"
#include "store/transaction.h"

#define FIELD_TEXT_GIVEN(n, type, member, given, fl, hi)                                                               \
    {.name = (n),                                                                                                      \
     .kind = FK_TEXT,                                                                                                  \
     .flags = (fl),                                                                                                    \
     .offset = offsetof(type, member),                                                                                 \
     .given_offset = offsetof(type, given),                                                                            \
     .max = (hi)}
#define FIELD_ID_GIVEN(n, type, member, given, fl)                                                                     \
    {.name = (n), .kind = FK_ID, .flags = (fl), .offset = offsetof(type, member), .given_offset = offsetof(type, given)}

/* The row of {id}, not deleted; kind -1: any. ERR_NOT_FOUND. */
bool find_alive(struct call *call, int64_t kind, struct transaction *out, struct err *err) MUST_CHECK;
/* DELETE of {id} with If-Match honoured: 204. An authorization in the body of an income's or expense's is spent. */
bool delete_transaction(struct call *call, struct response *res, int64_t kind, struct err *err) MUST_CHECK;
/* Changes are no action of contract 3.6: no authorization is issued for one, so one that is sent is refused. */
bool authorization_none(struct text token, struct err *err) MUST_CHECK;
/* What a DELETE may carry: an authorization. */
extern const struct body_def DELETE_BODY;

#endif
