/* Language of the mails, and from which amount on a transaction is large. */
#ifndef HANDLERS_PREFERENCES_H
#define HANDLERS_PREFERENCES_H

#include "http/call.h"
#include "http/route.h"

extern const struct body_def PREFERENCES_BODY;

/* GET /profile/preferences   200 {language, largeTransactionAmount} */
bool preferences_show(struct call *call, struct response *res, struct err *err);
/* PUT /profile/preferences   body: language, largeTransactionAmount? (null: the installation's)   200 as GET */
bool preferences_change(struct call *call, struct response *res, struct err *err);

#endif
