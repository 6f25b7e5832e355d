#include "service/token.h"

#include <assert.h>
#include <errno.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json.h"

enum {
    KEYS_MAX = 8,
    KID_MAX = 32,
    SECRET_MIN = 32,
    SECRET_MAX = 256,
    TOKEN_MAX = 2048, /* ours are about 400 characters */
    HEADER_MAX = 256
};

static const char ISSUER[] = "moneymanager";
static const char AUDIENCE[] = "moneymanager-api";

struct key {
    char kid[KID_MAX + 1];
    unsigned char secret[SECRET_MAX + 1];
    int secret_length;
};

struct token_keys {
    size_t count;
    struct key keys[KEYS_MAX];
};

/* ---- keys ---- */

static bool kid_is_valid(struct text kid)
{
    if (!kid.n || kid.n > KID_MAX)
        return false;
    for (size_t i = 0; i < kid.n; i++) {
        char c = kid.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.'))
            return false;
    }
    return true;
}

static const struct key *key_find(const struct token_keys *keys, struct text kid)
{
    for (size_t i = 0; i < keys->count; i++)
        if (text_eq(text_of(keys->keys[i].kid), kid))
            return &keys->keys[i];
    return NULL;
}

/* The faults never quote the text, which is a secret. */
static bool add_key(struct token_keys *keys, struct text one, struct err *err)
{
    struct text secret = one, kid;
    if (!text_split(&secret, ':', &kid) || !kid_is_valid(kid))
        return err_set(err, ERR_VALIDATION,
                       "must be \"kid:secret[,kid2:secret2]\", a kid of letters, digits, - _ . (%d at most)", KID_MAX);
    if (secret.n < SECRET_MIN || secret.n > SECRET_MAX)
        return err_set(err, ERR_VALIDATION, "the secret of key %.*s must have %d to %d characters", TEXT_ARG(kid),
                       SECRET_MIN, SECRET_MAX);
    if (key_find(keys, kid))
        return err_set(err, ERR_VALIDATION, "key %.*s is there twice", TEXT_ARG(kid));
    if (keys->count == KEYS_MAX)
        return err_set(err, ERR_VALIDATION, "has more than %d keys", KEYS_MAX);
    struct key *key = &keys->keys[keys->count++];
    memcpy(key->kid, kid.p, kid.n);
    memcpy(key->secret, secret.p, secret.n);
    key->secret_length = (int)secret.n;
    return true;
}

struct token_keys *token_keys_parse(const char *spec, struct err *err)
{
    struct token_keys *keys = calloc(1, sizeof *keys);
    struct text rest = text_of(spec), one;
    if (!keys) {
        err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
        return NULL;
    }
    bool ok = true;
    while (ok && text_split(&rest, ',', &one))
        ok = add_key(keys, text_trim(one), err);
    if (ok && !keys->count)
        ok = err_set(err, ERR_VALIDATION, "has no key");
    if (!ok) {
        token_keys_free(keys);
        return NULL;
    }
    return keys;
}

void token_keys_free(struct token_keys *keys)
{
    if (!keys)
        return;
    explicit_bzero(keys, sizeof *keys);
    free(keys);
}

/* ---- signing ---- */

static bool fill(jwt_t *jwt, const struct key *key, const struct token_claims *claims)
{
    char user[24];
    snprintf(user, sizeof user, "%lld", (long long)claims->user_id);
    return !jwt_add_header(jwt, "kid", key->kid) && !jwt_add_grant(jwt, "iss", ISSUER) &&
           !jwt_add_grant(jwt, "aud", AUDIENCE) && !jwt_add_grant(jwt, "sub", user) &&
           !jwt_add_grant(jwt, "sid", claims->session_id) &&
           !jwt_add_grant(jwt, "role", claims->admin ? "admin" : "user") &&
           !jwt_add_grant_int(jwt, "hid", claims->household_id) && !jwt_add_grant_int(jwt, "iat", claims->issued_s) &&
           !jwt_add_grant_int(jwt, "exp", claims->expires_s) &&
           !jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, key->secret_length);
}

char *token_sign(const struct token_keys *keys, const struct token_claims *claims, struct arena *mem, struct err *err)
{
    jwt_t *jwt = NULL;
    char *made = NULL, *token = NULL;
    assert(keys->count > 0);
    if (!jwt_new(&jwt) && fill(jwt, &keys->keys[0], claims))
        made = jwt_encode_str(jwt);
    if (made)
        token = arena_strdup(mem, made);
    free(made);
    jwt_free(jwt);
    if (!token)
        err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
    return token;
}

/* ---- verification ---- */

static bool unauthorized(struct err *err, const char *why)
{
    err_set(err, ERR_UNAUTHORIZED, "The token is not valid.");
    return err_cause(err, "token: %s", why);
}

/* Three non-empty parts of base64url. The library itself is lenient about foreign characters. */
static bool well_formed(struct text token)
{
    size_t dots = 0, run = 0;
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!plain && (c != '.' || !run))
            return false;
        dots += c == '.';
        run = c == '.' ? 0 : run + 1;
    }
    return dots == 2 && run > 0;
}

/* Which key the header asks for. The algorithm is decided here, before anything in the token is believed: only HS256.
 */
static const struct key *key_of(const struct token_keys *keys, struct text token, struct err *err)
{
    char raw[HEADER_MAX];
    struct text rest = token, part;
    size_t n;
    struct err bad = {0};
    if (!text_split(&rest, '.', &part) || !base64url_decode(part, raw, sizeof raw, &n)) {
        unauthorized(err, "the header cannot be read");
        return NULL;
    }
    AUTO(json_doc) struct json_doc *header = json_parse((struct text){raw, n}, &bad);
    if (bad.code == ERR_NO_MEMORY) { /* says nothing about the token */
        *err = bad;
        return NULL;
    }
    if (!header || json_kind(json_root(header)) != JSON_OBJECT) {
        unauthorized(err, "the header is not an object");
        return NULL;
    }
    if (!text_eq(json_get_text(json_root(header), "alg"), TEXT("HS256"))) {
        unauthorized(err, "the algorithm is not allowed");
        return NULL;
    }
    const struct key *key = key_find(keys, json_get_text(json_root(header), "kid"));
    if (!key)
        unauthorized(err, "the key is not known");
    return key;
}

static bool same(jwt_t *jwt, const char *grant, const char *expected)
{
    const char *value = jwt_get_grant(jwt, grant);
    return value && strcmp(value, expected) == 0;
}

static bool read_claims(jwt_t *jwt, int64_t now_s, struct token_claims *out, struct err *err)
{
    struct token_claims c = {0};
    const char *session = jwt_get_grant(jwt, "sid");
    if (jwt_get_alg(jwt) != JWT_ALG_HS256)
        return unauthorized(err, "the algorithm is not allowed");
    if (!same(jwt, "iss", ISSUER) || !same(jwt, "aud", AUDIENCE))
        return unauthorized(err, "made by or for somebody else");
    /* An absent number reads as 0 or -1: long ago, or no id. */
    c.expires_s = jwt_get_grant_int(jwt, "exp");
    c.issued_s = jwt_get_grant_int(jwt, "iat");
    c.household_id = jwt_get_grant_int(jwt, "hid");
    if (c.expires_s <= now_s)
        return unauthorized(err, "expired");
    if (!text_to_int64(text_of(jwt_get_grant(jwt, "sub")), &c.user_id) || c.user_id <= 0 || c.household_id <= 0)
        return unauthorized(err, "no user or household");
    if (!session || !uuid_is_valid(text_of(session)))
        return unauthorized(err, "no session");
    memcpy(c.session_id, session, SESSION_ID_TEXT);
    c.admin = same(jwt, "role", "admin");
    *out = c;
    return true;
}

bool token_verify(const struct token_keys *keys, struct text token, int64_t now_s, struct token_claims *claims,
                  struct err *err)
{
    char copy[TOKEN_MAX + 1];
    if (!token.p || token.n > TOKEN_MAX || !well_formed(token))
        return unauthorized(err, "not of the form of a token");
    const struct key *key = key_of(keys, token, err);
    if (!key)
        return false;
    memcpy(copy, token.p, token.n);
    copy[token.n] = '\0';
    jwt_t *jwt = NULL;
    int fault = jwt_decode(&jwt, copy, key->secret, key->secret_length);
    if (fault == ENOMEM)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
    if (fault)
        return unauthorized(err, "the signature is wrong");
    bool ok = read_claims(jwt, now_s, claims, err);
    jwt_free(jwt);
    return ok;
}

/* By the signature's end, which is as good as random. */
static struct token_memo_slot *slot_of(struct token_memo *memo, struct text token)
{
    uint32_t h = 2166136261u;
    for (size_t i = token.n > 8 ? token.n - 8 : 0; i < token.n; i++)
        h = (h ^ (unsigned char)token.p[i]) * 16777619u;
    return &memo->slots[h % TOKEN_MEMO_SLOTS];
}

bool token_verify_memo(struct token_memo *memo, const struct token_keys *keys, struct text token, int64_t now_s,
                       struct token_claims *claims, struct err *err)
{
    struct token_memo_slot *slot = slot_of(memo, token);
    /* In constant time: how far a forged token fits a good one must not be told. */
    if (slot->n && text_eq_secret((struct text){slot->token, slot->n}, token)) {
        if (slot->claims.expires_s <= now_s)
            return unauthorized(err, "expired");
        *claims = slot->claims;
        return true;
    }
    if (!token_verify(keys, token, now_s, claims, err))
        return false;
    if (token.n <= TOKEN_MEMO_BYTES) {
        slot->n = token.n;
        memcpy(slot->token, token.p, token.n);
        slot->claims = *claims;
    }
    return true;
}

/* ---- seals ---- */

enum { MAC_BYTES = 32 };

/* No token is signed by this key: what is signed there is never a purpose of ours. */
static bool seal_by(const struct key *key, const char *purpose, struct text message, unsigned char out[MAC_BYTES])
{
    unsigned char derived[MAC_BYTES];
    unsigned n = 0;
    bool ok = HMAC(EVP_sha256(), key->secret, key->secret_length, (const unsigned char *)purpose, strlen(purpose),
                   derived, &n) &&
              HMAC(EVP_sha256(), derived, MAC_BYTES, (const unsigned char *)message.p, message.n, out, &n);
    explicit_bzero(derived, sizeof derived);
    return ok;
}

bool token_seal(const struct token_keys *keys, const char *purpose, struct text message, unsigned char out[TOKEN_SEAL],
                struct err *err)
{
    unsigned char mac[MAC_BYTES];
    if (!seal_by(&keys->keys[0], purpose, message, mac))
        return err_set(err, ERR_INTERNAL, "A seal could not be made");
    memcpy(out, mac, TOKEN_SEAL);
    return true;
}

bool token_seal_is_good(const struct token_keys *keys, const char *purpose, struct text message,
                        const unsigned char seal[TOKEN_SEAL])
{
    unsigned char mac[MAC_BYTES];
    for (size_t i = 0; i < keys->count; i++)
        if (seal_by(&keys->keys[i], purpose, message, mac) &&
            text_eq_secret((struct text){(const char *)mac, TOKEN_SEAL}, (struct text){(const char *)seal, TOKEN_SEAL}))
            return true;
    return false;
}
