#include "service/digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/id.h"

void digest_hex(struct text t, char out[DIGEST_TEXT])
{
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)(t.p ? t.p : ""), t.n, bytes);
    hex_encode(bytes, sizeof(bytes), out);
}

struct digest {
    EVP_MD_CTX *ctx;
    bool failed;
};

struct digest *digest_new(void)
{
    struct digest *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->ctx = EVP_MD_CTX_new();
    if (d->ctx && EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) == 1)
        return d;
    digest_free(d);
    return NULL;
}

void digest_add(struct digest *d, struct text t)
{
    d->failed = d->failed || (t.n && EVP_DigestUpdate(d->ctx, t.p, t.n) != 1);
}

bool digest_end(struct digest *d, char out[DIGEST_TEXT])
{
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    if (d->failed || EVP_DigestFinal_ex(d->ctx, bytes, NULL) != 1)
        return false;
    hex_encode(bytes, sizeof(bytes), out);
    return true;
}

void digest_free(struct digest *d)
{
    if (!d)
        return;
    EVP_MD_CTX_free(d->ctx);
    free(d);
}
