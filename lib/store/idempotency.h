/* Table idempotency_keys: the answer of a committed command under its user, route and key, so that a repeat gets it
 * again. */
#ifndef STORE_IDEMPOTENCY_H
#define STORE_IDEMPOTENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum { IDEMPOTENCY_KEY_MAX = 255, IDEMPOTENCY_HASH_MAX = 65, IDEMPOTENCY_HEADERS_MAX = 1000 };

struct idempotency_row {
    struct text request_hash; /* SHA-256 in hex of path, query and body */
    int status;
    struct text headers; /* "Name: value\n" lines */
    struct text body;
};

/* Under the household's lock, so a twin that runs at the same time was waited for. *found is false when the key is new.
 */
bool idempotency_find(struct db *db, int64_t user, const char *route, struct text key, struct arena *mem,
                      struct idempotency_row *out, bool *found, struct err *err) MUST_CHECK;
bool idempotency_insert(struct db *db, int64_t user, const char *route, struct text key,
                        const struct idempotency_row *row, int64_t now_ms, struct err *err) MUST_CHECK;
/* Removes at most `limit` rows older than before_ms. */
bool idempotency_prune(struct db *db, int64_t before_ms, int64_t limit, int64_t *removed, struct err *err) MUST_CHECK;

#endif
