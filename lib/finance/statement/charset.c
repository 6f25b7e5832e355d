#include "finance/statement/charset.h"

#include <errno.h>
#include <iconv.h>

enum { PIECE = 16 * 1024, LOOK_AT = 4096 };

static bool is_vowel(char c)
{
    return memchr("aeiouyAEIOUY\xE2\xE3\xEA\xF4\xF5\xFD\xC2\xC3\xCA\xD4\xD5\xDD", c, 24) != NULL;
}

/* Windows-1258 writes tones as marks of their own behind the vowel; the same bytes are letters of Windows-1252, which
 * hardly ever follow a vowel. */
static bool has_tone_marks(struct text t)
{
    size_t marks = 0, letters = 0;
    for (size_t i = 1; i < t.n; i++) {
        bool mark = memchr("\xCC\xD2\xDE\xEC\xF2", t.p[i], 5) != NULL;
        marks += mark && is_vowel(t.p[i - 1]);
        letters += mark && !is_vowel(t.p[i - 1]);
    }
    return marks > letters;
}

static const char *utf16_by_zeros(struct text t)
{
    size_t n = t.n < LOOK_AT ? t.n : LOOK_AT, even = 0, odd = 0;
    for (size_t i = 0; i < n; i++)
        if (t.p[i] == '\0')
            *(i % 2 ? &odd : &even) += 1;
    if (odd > n / 4 && !even)
        return "UTF-16LE";
    return even > n / 4 && !odd ? "UTF-16BE" : NULL;
}

const char *charset_of(struct text file)
{
    if (text_starts(file, TEXT("\xFF\xFE")))
        return "UTF-16LE";
    if (text_starts(file, TEXT("\xFE\xFF")))
        return "UTF-16BE";
    const char *wide = utf16_by_zeros(file);
    if (wide)
        return wide;
    return text_is_utf8(file) ? "UTF-8" : has_tone_marks(file) ? "WINDOWS-1258" : "WINDOWS-1252";
}

struct conversion {
    charset_sink_fn *sink;
    void *to;
};

static bool step(const struct conversion *c, iconv_t to, char **in, size_t *left, struct err *err)
{
    char piece[PIECE];
    char *out = piece;
    size_t room = sizeof(piece);
    size_t done = *left ? iconv(to, in, left, &out, &room) : iconv(to, NULL, NULL, &out, &room);
    int cause = errno;
    if (!c->sink(c->to, (struct text){piece, sizeof(piece) - room}, err))
        return false;
    if (done == (size_t)-1 && cause == EILSEQ) {
        (*in)++, (*left)--; /* a byte that the encoding does not have */
        return c->sink(c->to, TEXT("\xEF\xBF\xBD"), err);
    }
    if (done == (size_t)-1 && cause == EINVAL)
        *left = 0; /* cut within a character */
    return true;
}

bool charset_convert(const char *from, struct text file, charset_sink_fn *sink, void *sink_to, struct err *err)
{
    struct conversion c = {sink, sink_to};
    iconv_t to = iconv_open("UTF-8", from);
    if (to == (iconv_t)-1)
        return err_field(err, "file", "Không đọc được bảng mã của tệp.");
    char *in = (char *)(uintptr_t)file.p; /* iconv only reads it */
    size_t left = file.n;
    bool ok = true;
    while (ok && left)
        ok = step(&c, to, &in, &left, err);
    ok = ok && step(&c, to, &in, &left, err); /* what it still holds back */
    iconv_close(to);
    return ok;
}

struct text charset_past_mark(struct text t)
{
    return text_starts(t, TEXT("\xEF\xBB\xBF")) ? text_slice(t, 3, t.n) : t;
}
