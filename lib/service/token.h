/* HS256 JWT with key rotation by kid; algorithm allow-list {HS256}; aud and iss fixed. Claims: sub user, hid household,
 * sid session, role, iat, exp. */
#ifndef SERVICE_TOKEN_H
#define SERVICE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

enum { SESSION_ID_TEXT = 37 }; /* UUIDv7 */

struct token_claims {
    int64_t user_id, household_id;
    char session_id[SESSION_ID_TEXT];
    bool admin;
    int64_t issued_s, expires_s; /* epoch seconds */
};

struct token_keys;
/* "kid:secret[,kid2:secret2]": the first signs, all verify; secrets of 32 characters at least. */
struct token_keys *token_keys_parse(const char *spec, struct err *err) MUST_CHECK;
void token_keys_free(struct token_keys *keys);

/* NULL with ERR_NO_MEMORY/ERR_INTERNAL. */
char *token_sign(const struct token_keys *keys, const struct token_claims *claims, struct arena *mem,
                 struct err *err) MUST_CHECK;
/* ERR_UNAUTHORIZED for anything wrong: form, alg, kid, signature, aud, iss, expiry. */
bool token_verify(const struct token_keys *keys, struct text token, int64_t now_s, struct token_claims *claims,
                  struct err *err) MUST_CHECK;

/*
 * A seal on other texts than tokens, by a key of its own for each purpose, derived from the first of the keys. Seals of
 * the others stay good as long as these do.
 */
enum { TOKEN_SEAL = 16 };
bool token_seal(const struct token_keys *keys, const char *purpose, struct text message, unsigned char out[TOKEN_SEAL],
                struct err *err) MUST_CHECK;
bool token_seal_is_good(const struct token_keys *keys, const char *purpose, struct text message,
                        const unsigned char seal[TOKEN_SEAL]) MUST_CHECK;

/*
 * Tokens that were verified before, of one thread: a client sends the same one with every request. Nothing is believed
 * for it but the signature; expiry is looked at each time. Zeroed memory is an empty one; it belongs to one set of
 * keys.
 */
enum { TOKEN_MEMO_SLOTS = 64, TOKEN_MEMO_BYTES = 512 };

struct token_memo {
    struct token_memo_slot {
        size_t n; /* 0: empty */
        char token[TOKEN_MEMO_BYTES];
        struct token_claims claims;
    } slots[TOKEN_MEMO_SLOTS];
};

/* As token_verify. */
bool token_verify_memo(struct token_memo *memo, const struct token_keys *keys, struct text token, int64_t now_s,
                       struct token_claims *claims, struct err *err) MUST_CHECK;

#endif
