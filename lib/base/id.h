/* Identifiers and random bytes (getrandom(2)). */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { UUID_TEXT_MAX = 37 };

/* RFC 9562 UUIDv7 as lower-case text; ordered by time, within one millisecond by a counter of the thread. */
void uuid7(int64_t now_ms, char out[UUID_TEXT_MAX]);
bool uuid_is_valid(struct text t);
void random_bytes(void *out, size_t n);
/* 2n hex digits and a NUL. */
void random_hex(size_t n, char *out);
/* A uniform number in [0, bound). */
uint32_t random_below(uint32_t bound);
/* base64url without padding (RFC 4648 section 5); returns length; cap must hold (n*4+2)/3+1. */
size_t base64url_encode(const void *p, size_t n, char *out, size_t cap);
/* false when the text is not base64url or longer than cap. */
bool base64url_decode(struct text t, void *out, size_t cap, size_t *n);
void hex_encode(const void *p, size_t n, char *out);

#endif
