/*
 * One error vocabulary for both programs. A function that can fail takes `struct err *err` last, returns false (or
 * NULL) after err_set(), and leaves *err untouched on success. Every code is one row of the table in err.c: HTTP
 * status, stable machine name, and the Vietnamese text shown to users; the text given to err_set() is the English
 * detail (safe to send).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

enum err_code {
    ERR_NONE = 0,
    /* what cannot be read */
    ERR_MALFORMED_JSON,
    ERR_BAD_REQUEST,
    ERR_UNSUPPORTED_MEDIA_TYPE,
    ERR_PAYLOAD_TOO_LARGE,
    /* who may */
    ERR_UNAUTHORIZED,
    ERR_FORBIDDEN_ORIGIN,
    ERR_FORBIDDEN,
    ERR_NOT_ACTIVATED,
    ERR_INVALID_CREDENTIALS,
    /* what is there */
    ERR_NOT_FOUND,
    ERR_METHOD_NOT_ALLOWED,
    ERR_GONE,
    /* fields and rules */
    ERR_VALIDATION,
    ERR_WRONG_CODE,
    ERR_IDEMPOTENCY_MISMATCH,
    ERR_RECEIPT_UNREADABLE,  /* nothing in the file is a receipt that can be read */
    ERR_RECEIPT_UNSUPPORTED, /* readable only by a service that is not configured */
    ERR_QUOTA,               /* the household's files take all the room they may */
    /* conflicts with the present state */
    ERR_CONFLICT,
    ERR_NAME_IN_USE,
    ERR_INSUFFICIENT_BALANCE,
    ERR_CATEGORY_IN_USE,
    ERR_IDEMPOTENCY_IN_PROGRESS,
    ERR_VERSION_CONFLICT,
    /* limits and faults */
    ERR_RATE_LIMITED,
    ERR_UNAVAILABLE, /* something this needs is down; try again */
    ERR_TIMEOUT,     /* our own deadline passed */
    ERR_INTERNAL,    /* our fault */
    ERR_NO_MEMORY,
    ERR_OVERFLOW, /* an amount left the range of int64 */
    /* inside only: mapped before they reach a client */
    ERR_DUPLICATE,      /* unique key */
    ERR_DEADLOCK,       /* the whole transaction may be tried again */
    ERR_COMMIT_UNKNOWN, /* the connection died during COMMIT */
    ERR_PERMANENT,      /* a job that can never succeed: park it */
    ERR_CODE_COUNT
};

struct err_row {
    enum err_code code;
    int status;
    const char *name;    /* stable, machine-readable */
    const char *title;   /* English, short */
    const char *message; /* Vietnamese, shown by the clients */
};

enum { ERR_FIELDS_MAX = 32, ERR_FIELD_NAME_MAX = 64, ERR_TEXT_MAX = 160 };

struct err_field {
    char name[ERR_FIELD_NAME_MAX];
    char text[ERR_TEXT_MAX];
};

struct err {
    enum err_code code;
    char detail[256];        /* English, safe to send */
    char cause[384];         /* driver text, statement name: log only */
    int retry_after_seconds; /* 0: none */
    char extra[400];         /* further members of the problem object as JSON text without braces, or "" */
    size_t field_count;
    struct err_field fields[ERR_FIELDS_MAX];
};

/* Sets code and detail (printf form), clears what was there. Always returns false. */
bool err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Adds the cause for the log; never sent. Returns false. */
bool err_cause(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Adds one bad field; turns *err into ERR_VALIDATION. Beyond ERR_FIELDS_MAX further ones are dropped. `text` is
 * Vietnamese. Returns false. */
bool err_field(struct err *err, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The table's row of a code; never NULL. */
const struct err_row *err_row(enum err_code code);

/* True for faults after which the same work may succeed later without change (down, time-out, deadlock, no memory). */
bool err_is_transient(const struct err *err);

void err_clear(struct err *err);

#endif
