/* Sign-in and its end. */
#ifndef HANDLERS_SESSION_H
#define HANDLERS_SESSION_H

#include "http/call.h"
#include "http/route.h"

extern const struct body_def LOGIN_BODY, GOOGLE_BODY;

/* POST /login   200 {message, token, user} and the cookie   errors: 400 invalid_credentials, 403 not_activated */
bool session_login(struct call *call, struct response *res, struct err *err);
/* POST /auth/google   503 while no Google client is configured */
bool session_google(struct call *call, struct response *res, struct err *err);
/* POST /logout   200 Message: the presented token's session ends, the cookie is cleared */
bool session_logout(struct call *call, struct response *res, struct err *err);

#endif
