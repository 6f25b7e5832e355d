/* A forgotten password, by code or by link. */
#ifndef HANDLERS_PASSWORD_RESET_H
#define HANDLERS_PASSWORD_RESET_H

#include "http/call.h"
#include "http/route.h"

extern const struct body_def FORGOT_BODY, RESET_CODE_BODY, RESET_BODY;

/* POST /forgot-password   200 Message, always */
bool password_reset_request(struct call *call, struct response *res, struct err *err);
/* POST /verify-reset-otp   200 Message; the code stays usable   errors: 422 wrong_code */
bool password_reset_verify(struct call *call, struct response *res, struct err *err);
/* POST /reset-password   200 Message; every session of the account ends   errors: 422 wrong_code */
bool password_reset_apply(struct call *call, struct response *res, struct err *err);

#endif
