#include "http/route.h"

#include "base/attr.h"
#include "handlers/health.h"
#include "handlers/password_reset.h"
#include "handlers/preferences.h"
#include "handlers/profile.h"
#include "handlers/registration.h"
#include "handlers/session.h"

/*
 * Sorted by path. A row: method, path, handler, who may call, how it meets the database, which limit; then by name what applies:
 * .idempotent, .body, .query, .body_limit, .cached.
 */
const struct route ROUTES[] = {
    {METHOD_GET, "/activate", registration_open_link, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .query = &ACTIVATE_QUERY},
    {METHOD_POST, "/auth/google", session_google, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &GOOGLE_BODY},
    {METHOD_GET, "/complete-profile", registration_gone, AUTH_PUBLIC, NO_DB, RATE_NONE, .body = NULL},
    {METHOD_PUT, "/complete-profile", registration_complete, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &COMPLETE_BODY},
    {METHOD_POST, "/forgot-password", password_reset_request, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &FORGOT_BODY},
    {METHOD_GET, "/health", health, AUTH_PUBLIC, NO_DB, RATE_NONE, .body = NULL},
    {METHOD_POST, "/login", session_login, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &LOGIN_BODY},
    {METHOD_POST, "/logout", session_logout, AUTH_OPTIONAL, NO_DB, RATE_NONE, .body = NULL},
    {METHOD_POST, "/otp/resend", registration_resend, AUTH_PUBLIC, NO_DB, RATE_CODE_RESEND, .body = &RESEND_BODY},
    {METHOD_GET, "/payments", profile_payments, AUTH_USER, NO_DB, RATE_API, .body = NULL},
    {METHOD_GET, "/profile", profile_show, AUTH_USER, READS, RATE_API, .body = NULL},
    {METHOD_PUT, "/profile", profile_change, AUTH_USER, NO_DB, RATE_API, .body = &PROFILE_BODY},
    {METHOD_GET, "/profile/preferences", preferences_show, AUTH_USER, READS, RATE_API, .body = NULL},
    {METHOD_PUT, "/profile/preferences", preferences_change, AUTH_USER, WRITES, RATE_API, .body = &PREFERENCES_BODY},
    {METHOD_PUT, "/profile/subscription/auto-renew", profile_auto_renew, AUTH_USER, READS, RATE_API, .body = &AUTO_RENEW_BODY},
    {METHOD_POST, "/register", registration_register, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &REGISTER_BODY},
    {METHOD_POST, "/register/cancel", registration_cancel, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .query = &CANCEL_QUERY},
    {METHOD_GET, "/reset-password", registration_gone, AUTH_PUBLIC, NO_DB, RATE_NONE, .body = NULL},
    {METHOD_POST, "/reset-password", password_reset_apply, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &RESET_BODY},
    {METHOD_GET, "/status", status, AUTH_OPTIONAL, NO_DB, RATE_NONE, .body = NULL},
    {METHOD_GET, "/subscription-plans", profile_plans, AUTH_PUBLIC, NO_DB, RATE_NONE, .body = NULL},
    {METHOD_POST, "/verify-activation", registration_verify, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &VERIFY_BODY},
    {METHOD_POST, "/verify-reset-otp", password_reset_verify, AUTH_PUBLIC, NO_DB, RATE_SIGN_IN, .body = &RESET_CODE_BODY},
};

const size_t ROUTE_COUNT = ARRAY_LEN(ROUTES);
