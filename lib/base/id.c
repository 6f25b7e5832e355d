#include "base/id.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    COUNTER_MAX = 0xFFF,      /* rand_a of RFC 9562 5.7 */
    CLOCK_STEP_BACK_MS = 1000 /* a clock set back by less does not break the order */
};

void random_bytes(void *out, size_t n)
{
    unsigned char *p = out;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort(); /* without random numbers no token or code is safe */
        p += got;
        n -= (size_t)got;
    }
}

void hex_encode(const void *p, size_t n, char *out)
{
    static const char HEX[] = "0123456789abcdef";
    const unsigned char *bytes = p;
    for (size_t i = 0; i < n; i++) {
        *out++ = HEX[bytes[i] >> 4];
        *out++ = HEX[bytes[i] & 15];
    }
    *out = '\0';
}

void random_hex(size_t n, char *out)
{
    unsigned char bytes[64];
    *out = '\0';
    while (n) {
        size_t part = n < sizeof(bytes) ? n : sizeof(bytes);
        random_bytes(bytes, part);
        hex_encode(bytes, part, out);
        out += 2 * part;
        n -= part;
    }
}

uint32_t random_below(uint32_t bound)
{
    if (bound < 2)
        return 0;
    /* Values below 2^32 mod bound would favour small results. */
    uint32_t unfair = (0u - bound) % bound;
    uint32_t v;
    do {
        random_bytes(&v, sizeof(v));
    } while (v < unfair);
    return v % bound;
}

/* The time and counter of the next id: in one millisecond the counter grows from a random start, and borrows from the
   next millisecond when it is used up (RFC 9562 6.2, method 1). */
static void uuid7_position(int64_t now_ms, uint64_t *ms, uint16_t *counter)
{
    static _Thread_local int64_t last_ms;
    static _Thread_local uint16_t last_counter;
    bool same = now_ms <= last_ms && last_ms - now_ms < CLOCK_STEP_BACK_MS;
    if (same && last_counter < COUNTER_MAX) {
        last_counter++;
    } else {
        last_ms = same ? last_ms + 1 : now_ms;
        random_bytes(&last_counter, sizeof(last_counter));
        last_counter &= COUNTER_MAX >> 1;
    }
    *ms = (uint64_t)last_ms;
    *counter = last_counter;
}

void uuid7(int64_t now_ms, char out[UUID_TEXT_MAX])
{
    uint64_t ms;
    uint16_t counter;
    unsigned char tail[8];
    uuid7_position(now_ms, &ms, &counter);
    random_bytes(tail, sizeof(tail));
    tail[0] = (unsigned char)((tail[0] & 0x3F) | 0x80); /* variant 10 */
    char hex[2 * sizeof(tail) + 1];
    hex_encode(tail, sizeof(tail), hex);
    snprintf(out, UUID_TEXT_MAX, "%08x-%04x-7%03x-%.4s-%s", (unsigned)(ms >> 16 & 0xFFFFFFFF), (unsigned)(ms & 0xFFFF),
             (unsigned)(counter & COUNTER_MAX), hex, hex + 4);
}

bool uuid_is_valid(struct text t)
{
    if (t.n != UUID_TEXT_MAX - 1)
        return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex)
            return false;
    }
    return true;
}

static const char BASE64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t base64url_encode(const void *p, size_t n, char *out, size_t cap)
{
    const unsigned char *bytes = p;
    size_t length = n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
    if (cap <= length) {
        if (cap)
            out[0] = '\0';
        return 0;
    }
    uint32_t pending = 0;
    int bits = 0;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        pending = pending << 8 | bytes[i];
        for (bits += 8; bits >= 6; bits -= 6)
            out[at++] = BASE64URL[pending >> (bits - 6) & 63];
    }
    if (bits)
        out[at++] = BASE64URL[pending << (6 - bits) & 63];
    out[at] = '\0';
    return at;
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_decode(struct text t, void *out, size_t cap, size_t *n)
{
    unsigned char *bytes = out;
    uint32_t pending = 0;
    int bits = 0;
    size_t at = 0;
    if (t.n % 4 == 1)
        return false;
    for (size_t i = 0; i < t.n; i++) {
        int v = sextet(t.p[i]);
        if (v < 0)
            return false;
        pending = pending << 6 | (uint32_t)v;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            if (at == cap)
                return false;
            bytes[at++] = (unsigned char)(pending >> bits & 255);
        }
    }
    /* Left-over bits are zero in the one true spelling; other spellings would let one token have many forms. */
    if (pending & ((1u << bits) - 1))
        return false;
    *n = at;
    return true;
}
