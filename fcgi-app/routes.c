#include "http/route.h"

#include "base/attr.h"
#include "handlers/health.h"

/*
 * Sorted by path. A row: method, path, handler, who may call, how it meets the database, which limit; then by name what applies:
 * .idempotent, .body, .query, .body_limit, .cached.
 */
const struct route ROUTES[] = {
    {METHOD_GET, "/health", health, AUTH_PUBLIC, NO_DB, RATE_NONE, .body = NULL},
    {METHOD_GET, "/status", status, AUTH_OPTIONAL, NO_DB, RATE_NONE, .body = NULL},
};

const size_t ROUTE_COUNT = ARRAY_LEN(ROUTES);
