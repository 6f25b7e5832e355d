/* One route is one row: what the dispatcher checks and prepares before the handler runs. routes.c holds the table,
 * sorted by path. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/fields.h"
#include "http/call.h"

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER
};

enum method method_read(struct text name); /* METHOD_OTHER for what is not served */
const char *method_name(enum method method);

enum auth {
    AUTH_PUBLIC,   /* a token is not looked at */
    AUTH_OPTIONAL, /* public, too; a good token is taken (call->signed_in), a bad one ignored */
    AUTH_USER,
    AUTH_ADMIN
};

/* How the handler meets the database. */
enum access {
    NO_DB, /* touches nothing, or takes a connection itself by call_db() and opens its own transactions (account routes)
            */
    READS, /* a connection is there, outside any transaction */
    WRITES /* inside one transaction that holds the household's lock; the dispatcher does idempotency, audit row,
              COMMIT, deadlock retries (the handler may run again on a fresh arena mark), look-up after a lost COMMIT,
              cache move and relay wake */
};

enum rate {
    RATE_NONE,
    /* by the account */
    RATE_API,
    RATE_AI,   /* the assistant's other routes, each for itself */
    RATE_CHAT, /* those that think: by the day too */
    RATE_GEMINI_CHAT,
    RATE_TIPS,
    RATE_EXPORTS, /* one too many shuts them for a while */
    /* by the address and what the body names */
    RATE_SIGN_IN,
    RATE_CODE_RESEND
};

/* Who runs the handler: what may wait long for others has threads of its own, so that it never holds up the rest. */
enum lane { LANE_REQUEST, LANE_CHAT, LANE_HISTORY, LANE_FILES, LANE_RECEIPTS, LANE_EXPORTS, LANE_COUNT };

enum { BODY_LIMIT_DEFAULT = 256 * 1024 };

struct body_def {
    const struct field *fields;
    size_t size;  /* of the struct that the fields fill */
    bool is_list; /* a bare array; call->body_list */
    int64_t list_min, list_max;
    bool strict;            /* new endpoints refuse unknown fields */
    bool optional;          /* an empty body is fine */
    const char *rate_field; /* for sign-in limits: the body field (e-mail) that names the account */
};

struct upload_def;

struct query_def {
    const struct field *fields;
    size_t size;
};

typedef bool handler_fn(struct call *call, struct response *res, struct err *err);

struct route {
    enum method method;
    const char *path; /* below /api/v1.0: "/jars/{id}/months" */
    handler_fn *handler;
    enum auth auth;
    enum access access;
    enum rate rate;
    bool idempotent; /* Idempotency-Key counts */
    const struct body_def *body;
    const struct query_def *query;
    const struct upload_def *upload; /* multipart/form-data with one file instead of a JSON body; of a lane */
    size_t body_limit;               /* 0: BODY_LIMIT_DEFAULT */
    enum lane lane; /* but LANE_REQUEST: of access NO_DB, and the handler gives its connection back before it waits */
    bool cached; /* GET of the household's own rows: the whole body is kept in Redis under the household's generation,
                    by path and query, and brought by the same round trip as the session */
};

extern const struct route ROUTES[];
extern const size_t ROUTE_COUNT;

struct route_match {
    const struct route *route;
    bool path_known; /* some method of this path exists: 405 */
    char allow[64];  /* for 405: "GET, POST, OPTIONS" */
    int64_t ids[CALL_PATH_IDS_MAX];
    struct text word;
};

/* path without base path and query. {id} matches decimal digits that fit int64, {word} anything without '/'. A literal
 * segment goes before a {…}. HEAD matches GET rows. */
void route_find(enum method method, struct text path, struct route_match *out);

#endif
