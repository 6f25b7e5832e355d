/*
 * One bucket of S3. Keys are made by the server only, never by a user, and are encoded here. Every write asks for
 * encryption at rest (SSE-S3) and carries its SHA-256, which S3 checks. Safe for several threads; no verb holds more
 * than a few kilobytes of an object.
 *
 * What time may heal (5xx, SlowDown, no answer, bytes damaged on the way) is tried again a few times with jitter within
 * the verb's time. Errors: ERR_NOT_FOUND (no such object), ERR_UNAVAILABLE (down, or a 403: then a line of level ERROR
 * names the layer that most likely refused), ERR_INTERNAL (our fault), ERR_NO_MEMORY.
 */
#ifndef SERVICE_AWS_S3_H
#define SERVICE_AWS_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/http.h"

struct aws_credentials; /* service/aws/credentials.h */

struct s3_options {
    const char *bucket, *region;
    const char *endpoint_url; /* addressed path-style; NULL or "": https://<bucket>.s3.<region>.amazonaws.com */
    int connect_timeout_ms;
    int call_timeout_ms; /* of one try, and the longest silence within a download */
    int deadline_ms;     /* of a verb with all its tries; an upload gets a second more for each MiB */
    size_t handles;      /* calls at a time */
};

enum {
    S3_KEY_MAX = 1024,
    S3_PART_BYTES = 8 * 1024 * 1024, /* what is larger goes up in parts of this size */
    S3_LIST_MAX = 1000,
    S3_ETAG_MAX = 80,
    S3_TYPE_MAX = 128,
    S3_SHA256_MAX = 65,
};

struct s3;
/* Connects to nothing. ERR_INTERNAL for a bucket, region or endpoint that cannot be used. The credentials must outlive
 * it; strings are copied. */
struct s3 *s3_open(const struct s3_options *opts, struct aws_credentials *creds, struct err *err) MUST_CHECK;
void s3_close(struct s3 *s); /* no call may be running */
/* Running and later calls end at once with ERR_UNAVAILABLE. From any thread; for good. */
void s3_cancel(struct s3 *s);

struct s3_put {
    struct text key;
    const struct http_source *file; /* NULL: `bytes` */
    struct text bytes;
    struct text sha256;              /* of the whole in hex, where it is known; else a file is read once more for it */
    struct text content_type;        /* TEXT_NONE: application/octet-stream */
    struct text content_disposition; /* ASCII; TEXT_NONE: none */
};
/* Makes or replaces an object; more than S3_PART_BYTES in parts, which are taken back when it fails. */
bool s3_put(struct s3 *s, const struct s3_put *put, struct err *err) MUST_CHECK;

/* What an object is. */
struct s3_object {
    int64_t size;
    int64_t modified_at_ms;
    char etag[S3_ETAG_MAX]; /* without quotes */
    char content_type[S3_TYPE_MAX];
    char sha256[S3_SHA256_MAX]; /* hex; "" when S3 does not know it (an object put in parts) */
};
bool s3_head(struct s3 *s, struct text key, struct s3_object *object, struct err *err) MUST_CHECK;

struct s3_get {
    struct text key;
    int64_t from, count; /* bytes; count 0: to the end. A `from` at or beyond the end is ERR_INTERNAL */
    /* Takes the bytes in their order as they come; a connection that breaks is taken up again where it broke. False
       ends it (ERR_UNAVAILABLE). */
    bool (*part)(struct text part, const struct s3_object *object, void *to);
    void *to;
    int timeout_ms; /* of the whole; 0: ten minutes */
};
/* *object (may be NULL) is filled before the first part; its size is the whole object's. */
bool s3_get(struct s3 *s, const struct s3_get *get, struct s3_object *object, struct err *err) MUST_CHECK;
/* The whole object; ERR_PAYLOAD_TOO_LARGE when it has more than max bytes. The text is in the arena, with a NUL. */
bool s3_get_bytes(struct s3 *s, struct text key, size_t max, struct arena *mem, struct text *out,
                  struct err *err) MUST_CHECK;
/* The whole object to the file's beginning, by pwrite(2). ERR_PAYLOAD_TOO_LARGE as above, ERR_UNAVAILABLE on a full
 * disk. */
bool s3_get_file(struct s3 *s, struct text key, int fd, int64_t max, int64_t *size, struct err *err) MUST_CHECK;

/* An absent object counts as done. */
bool s3_delete(struct s3 *s, struct text key, struct err *err) MUST_CHECK;

/* One quick question, never repeated: true when S3 answers and lets us in. latency_us may be NULL. */
bool s3_ping(struct s3 *s, int64_t *latency_us, struct err *err) MUST_CHECK;

struct s3_item {
    struct text key, etag; /* in the arena */
    int64_t size, modified_at_ms;
};
struct s3_list {
    struct s3_item *items;
    size_t count;
    struct text next; /* for the next page; TEXT_NONE: there is none */
};
/* Objects in the order of their keys, 1..S3_LIST_MAX a page. `next` of the page before, or TEXT_NONE. */
bool s3_list(struct s3 *s, struct text prefix, struct text next, size_t limit, struct arena *mem, struct s3_list *out,
             struct err *err) MUST_CHECK;

/*
 * URLs and forms that others use without our keys. They live for expires_s seconds, less when the keys that sign them
 * end before (*expires_at_ms tells; may be NULL). Results are in the arena. ERR_UNAVAILABLE: there are no valid keys.
 */
struct s3_presign {
    const char *method; /* "GET", "HEAD" or "PUT" */
    struct text key;
    int64_t expires_s;
    const char *endpoint_url; /* another way to the same bucket, path-style; NULL: the client's own */
    struct text content_disposition, content_type; /* GET, HEAD: the answer's, instead of the object's */
    const struct http_header *headers;             /* PUT: must be sent with it unchanged */
    size_t header_count;
};
bool s3_presign(struct s3 *s, const struct s3_presign *p, struct arena *mem, struct text *url, int64_t *expires_at_ms,
                struct err *err) MUST_CHECK;

struct s3_post {
    struct text key; /* exactly this object */
    int64_t size_min, size_max;
    struct text content_type; /* exactly this */
    int64_t expires_s;
    const char *endpoint_url; /* as above */
};
enum { S3_FORM_FIELDS_MAX = 16 };
/* multipart/form-data for url: these fields, then the part "file" as the last one. */
struct s3_form {
    struct text url;
    struct http_header fields[S3_FORM_FIELDS_MAX];
    size_t count;
};
bool s3_post_form(struct s3 *s, const struct s3_post *p, struct arena *mem, struct s3_form *form,
                  int64_t *expires_at_ms, struct err *err) MUST_CHECK;

/* ---- the parts without I/O ---- */

/* A ListObjectsV2 answer, at most `limit` items. ERR_UNAVAILABLE when it is none. */
bool s3_parse_list(struct text xml, size_t limit, struct arena *mem, struct s3_list *out, struct err *err) MUST_CHECK;
/* The first element of that name, whatever its depth; names are written without name space. False when it is absent. */
bool s3_xml_find(struct text *rest, const char *name, struct text *inside);
/* Text of an element with its entities resolved, in the arena; p == NULL without memory. */
struct text s3_xml_text(struct text raw, struct arena *mem);
/* Which layer most likely refused a request with 403: for the operator. */
const char *s3_likely_layer(const char *code, const char *message);

#endif
