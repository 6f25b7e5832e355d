/* From an address to an active account. */
#ifndef HANDLERS_REGISTRATION_H
#define HANDLERS_REGISTRATION_H

#include "http/call.h"
#include "http/route.h"

extern const struct body_def REGISTER_BODY, VERIFY_BODY, RESEND_BODY, COMPLETE_BODY;
extern const struct query_def CANCEL_QUERY, ACTIVATE_QUERY;

/* POST /register   201 {message, user}, whether or not the address has an account */
bool registration_register(struct call *call, struct response *res, struct err *err);
/* POST /register/cancel?email=   200 Message, always */
bool registration_cancel(struct call *call, struct response *res, struct err *err);
/* GET /activate?token=   200 or 404, text/plain; also applies a new address. HEAD changes nothing. */
bool registration_open_link(struct call *call, struct response *res, struct err *err);
/* POST /verify-activation   200 Message   errors: 422 wrong_code */
bool registration_verify(struct call *call, struct response *res, struct err *err);
/* POST /otp/resend   200 Message, always */
bool registration_resend(struct call *call, struct response *res, struct err *err);
/* PUT /complete-profile   200 Message   errors: 422 */
bool registration_complete(struct call *call, struct response *res, struct err *err);
/* Pages that older mails link to: 410 */
bool registration_gone(struct call *call, struct response *res, struct err *err);

#endif
