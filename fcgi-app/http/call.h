/*
 * One request as a handler sees it, and the answer it fills. A handler turns a request into one call of a rule or a
 * store, and a row into JSON; it never prints, logs, frees or builds SQL. The dispatcher did all that the route's row
 * says before it runs.
 */
#ifndef HTTP_CALL_H
#define HTTP_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "finance/scope.h"
#include "service/cache.h"
#include "service/config.h"
#include "service/db.h"
#include "service/rate_limit.h"
#include "service/redis.h"
#include "service/token.h"

struct relay;
struct queue;
struct s3;
struct aws_credentials;
struct probes;
struct turns;
struct stream;
struct assistant;
struct upload;
struct log_ship;

#define BASE_PATH "/api/v1.0"

/* What all threads share. */
struct app {
    struct config config;
    struct log_ship *log_ship; /* NULL: the log is not copied */
    struct db_pool *db_pool;
    struct redis *redis;
    struct rate_local *rate_local;
    struct token_keys *token_keys;
    struct aws_credentials *credentials; /* S3's */
    struct s3 *s3;                       /* of files; may be down */
    struct turns *turns;                 /* of writers, a household at a time */
    struct relay *relay;
    struct queue *queue;         /* the relay's; NULL until it has opened it */
    struct assistant *assistant; /* what the assistant's routes need */
    struct probes *probes;       /* background state of the dependencies, for /status */
    atomic_bool schema_ready;    /* false until the migrations ran: what needs the database answers 503 */
};

enum { CALL_PATH_IDS_MAX = 2 };

struct call {
    struct app *app;
    const struct route *route;
    struct scope scope; /* db is NULL for routes of access NO_DB until call_db() */
    char session_id[SESSION_ID_TEXT];
    char command_id[UUID_TEXT_MAX]; /* of a write: our own, in audit_log */
    bool signed_in, admin, from_cookie;
    bool token_unchecked;               /* AUTH_OPTIONAL: a token is there, but nobody could say whether it is good */
    bool is_head;                       /* a HEAD of a GET row: the one GET that changes something must not */
    bool discard;                       /* of a write: the answer stands, but nothing of the transaction is kept */
    bool loopback;                      /* asked from this machine itself, past no proxy */
    int64_t ids[CALL_PATH_IDS_MAX];     /* {id}s of the path */
    struct text word;                   /* a {word} of the path, at most one */
    const void *body;                   /* the struct of route->body, filled; NULL without a body table */
    const struct field_list *body_list; /* for routes whose body is a bare array */
    const void *query;                  /* the struct of route->query, filled */
    struct upload *upload;              /* the file of a route that takes one (http/upload.h) */
    struct text path;                   /* the whole path, base path included */
    struct text raw_query;              /* as sent, for Link headers */
    struct text token;                  /* as presented, by header or cookie; TEXT_NONE without */
    struct text client_address, request_id, platform, origin, user_agent, accept, fetch_site;
    struct text host, forwarded_proto, range, if_range, storage_status; /* http/params.h */
    struct stream *stream;                                              /* for answers as events */
    int64_t deadline_ms;                                                /* monotonic: when the answer must be there */
    struct text if_match, if_none_match, idempotency_key;
};

enum { RESPONSE_HEADERS_MAX = 8 };

struct response_header {
    const char *name;
    struct text value; /* arena or constant */
};

struct response {
    int status;               /* 200 unless the handler says otherwise */
    const char *content_type; /* "application/json" unless the handler says otherwise */
    struct buf *body;         /* kept by the thread */
    struct json_out json;     /* writes to body */
    struct response_header headers[RESPONSE_HEADERS_MAX];
    size_t header_count;
    bool has_file; /* the body is this file instead, from its beginning; closed with the answer */
    int file_fd;
    int64_t file_size;
    const char *cache_control; /* NULL: private, no-cache; "": none */
    bool no_store;             /* tokens: Cache-Control: no-store instead of private, no-cache */
};

/* As the dispatcher makes it before each run of a handler: 200, JSON, no headers, an empty body. */
void response_reset(struct response *res);
/* The answer's body is the file, sent piece by piece; from now on it is the response's to close. */
void response_file(struct response *res, const char *content_type, int fd, int64_t size);
/* Closes a file that the answer has. */
void response_release(struct response *res);
/* Value is kept as given (arena or constant memory). Beyond RESPONSE_HEADERS_MAX: assert. */
void response_header(struct response *res, const char *name, struct text value);
/* 201 with Location: <base path>/<collection>/<id>. */
bool response_created(struct call *call, struct response *res, const char *collection, int64_t id,
                      struct err *err) MUST_CHECK;
/* 204 without a body. */
void response_no_content(struct response *res);
/* 200 {message}. Vietnamese text. */
void response_message(struct response *res, const char *message);
/* ETag: "<version>". A GET whose If-None-Match names it becomes 304 afterwards. */
bool response_etag(struct call *call, struct response *res, int64_t version, struct err *err) MUST_CHECK;
/* Link: <path?query with cursor>; rel="next". The cursor is opaque, made of two numbers. */
bool response_next_page(struct call *call, struct response *res, int64_t key1, int64_t key2,
                        struct err *err) MUST_CHECK;
/* The same with a cursor that the store made. */
bool response_next_cursor(struct call *call, struct response *res, struct text cursor, struct err *err) MUST_CHECK;
/* Reads a cursor made by response_next_page; a bad one is a field fault "cursor". */
bool cursor_read(struct text cursor, int64_t *key1, int64_t *key2, struct err *err) MUST_CHECK;
/* Turns a 200 whose ETag stands in If-None-Match into 304 (the dispatcher does it for GET). */
bool response_not_modified(const struct call *call, struct response *res);
/* If-Match against the row's version: ERR_VERSION_CONFLICT when stale; true without the header or with "*". */
bool call_if_match(const struct call *call, int64_t version, struct err *err) MUST_CHECK;

/* The connection of this call (taken from the pool at the first need; given back by the dispatcher). */
bool call_db(struct call *call, struct err *err) MUST_CHECK;

#endif
