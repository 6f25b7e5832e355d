/* The signed-in user, and what the clients ask of plans. */
#ifndef HANDLERS_PROFILE_H
#define HANDLERS_PROFILE_H

#include "http/call.h"
#include "http/route.h"

extern const struct body_def PROFILE_BODY, AUTO_RENEW_BODY;

/* GET /profile   200 Profile */
bool profile_show(struct call *call, struct response *res, struct err *err);
/* PUT /profile   200 {token, user: Profile} and the cookie   errors: 422 currentPassword, newPassword */
bool profile_change(struct call *call, struct response *res, struct err *err);
/* PUT /profile/subscription/auto-renew   200 Profile */
bool profile_auto_renew(struct call *call, struct response *res, struct err *err);
/* GET /subscription-plans   200: the one plan that everybody has */
bool profile_plans(struct call *call, struct response *res, struct err *err);
/* GET /payments   200 [] */
bool profile_payments(struct call *call, struct response *res, struct err *err);

#endif
