/* SHA-256 as lower-case hex: for what is kept only as a hash, and to tell equal requests. */
#ifndef SERVICE_DIGEST_H
#define SERVICE_DIGEST_H

#include "base/text.h"

enum { DIGEST_TEXT = 65 };

void digest_hex(struct text t, char out[DIGEST_TEXT]);

#endif
