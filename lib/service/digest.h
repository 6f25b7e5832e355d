/* SHA-256 as lower-case hex: for what is kept only as a hash, and to tell equal requests. */
#ifndef SERVICE_DIGEST_H
#define SERVICE_DIGEST_H

#include "base/attr.h"
#include "base/text.h"

enum { DIGEST_TEXT = 65 };

void digest_hex(struct text t, char out[DIGEST_TEXT]);

/* The same piece by piece. */
struct digest;
struct digest *digest_new(void); /* NULL without memory */
void digest_add(struct digest *d, struct text t);
bool digest_end(struct digest *d, char out[DIGEST_TEXT]) MUST_CHECK; /* false when the library failed on the way */
void digest_free(struct digest *d);                                  /* NULL is fine */

#endif
