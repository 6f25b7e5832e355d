#include "service/digest.h"

#include <openssl/sha.h>

#include "base/id.h"

void digest_hex(struct text t, char out[DIGEST_TEXT])
{
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)(t.p ? t.p : ""), t.n, bytes);
    hex_encode(bytes, sizeof(bytes), out);
}
