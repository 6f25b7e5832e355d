/* Text and its length travel together. A text does not own its bytes; p == NULL means "no text" (SQL NULL, absent). */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *p;
    size_t n;
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})
/* The same in initializers of static data. */
#define TEXT_INIT(literal) {(literal), sizeof(literal) - 1}
#define TEXT_NONE ((struct text){NULL, 0})
/* For printf's "%.*s". */
#define TEXT_ARG(t) (int)(t).n, ((t).p ? (t).p : "")

static inline struct text text_of(const char *s)
{
    return s ? (struct text){s, strlen(s)} : TEXT_NONE;
}

bool text_eq(struct text a, struct text b);
bool text_eq_nocase(struct text a, struct text b); /* ASCII only */
bool text_starts(struct text t, struct text prefix);
struct text text_trim(struct text t); /* ASCII and Unicode white space at both ends */
struct text text_slice(struct text t, size_t from, size_t to);

/* Cuts the next piece before `sep` off *rest; false at the end. */
bool text_split(struct text *rest, char sep, struct text *piece);

/* Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). */
bool text_is_utf8(struct text t);
/* Length in bytes (1..4) of the well-formed UTF-8 sequence at `at` < t.n and its code point; 0 when it is ill-formed.
 */
size_t text_decode(struct text t, size_t at, uint32_t *code_point);
/* Number of code points; the text must be valid UTF-8. */
size_t text_length(struct text t);
/* C0 and C1 control characters; tab, LF and CR are allowed when `multiline`. */
bool text_has_control(struct text t, bool multiline);
/* Lower-case ASCII copy into out (cap bytes with NUL); false when too long. */
bool text_lower(struct text t, char *out, size_t cap);

/* Decimal digits only, optional '-', no overflow; false otherwise. */
bool text_to_int64(struct text t, int64_t *out);
/* A plausible mail address: one '@', a domain with a dot, <= 254, no controls, blanks, CR or LF (RFC 5321 sizes). */
bool text_is_email(struct text t);
/* Equal in constant time (for secrets). */
bool text_eq_secret(struct text a, struct text b);

#endif
