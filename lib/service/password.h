/* argon2id (libsodium, opslimit 2, memlimit 19 MiB). One hash at a time in a process, at most 8 waiting, then
 * ERR_UNAVAILABLE. */
#ifndef SERVICE_PASSWORD_H
#define SERVICE_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

enum { PASSWORD_HASH_MAX = 128, PASSWORD_WAITING_MAX = 8 };

bool password_init(struct err *err) MUST_CHECK; /* sodium_init and the dummy hash for unknown accounts */
/* Of so many threads that serve requests at most half may wait for a hash, so that a burst of sign-ins leaves the
 * others for the rest. */
void password_leave_free(int64_t threads);
bool password_hash(struct text password, char out[PASSWORD_HASH_MAX], struct err *err) MUST_CHECK;
/* *ok tells whether it fits. hash.p == NULL (no such account, or no password) costs the same time and never fits. */
bool password_verify(struct text password, struct text hash, bool *ok, struct err *err) MUST_CHECK;

#endif
