#include "finance/nova/words.h"

#include "finance/nova/fold.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80 || c == '\'' || c == '_' || c == '&';
}

/* The dong and other currency signs stand apart from what they touch. */
static bool is_currency_sign(struct text t, size_t at)
{
    return at + 3 <= t.n && memcmp(t.p + at, "\xE2\x82\xAB", 3) == 0;
}

static size_t number_end(struct text t, size_t at)
{
    while (at < t.n &&
           (is_digit(t.p[at]) || ((t.p[at] == '.' || t.p[at] == ',') && at + 1 < t.n && is_digit(t.p[at + 1]))))
        at++;
    return at;
}

static size_t letters_end(struct text t, size_t at)
{
    while (at < t.n && is_letter(t.p[at]) && !is_currency_sign(t, at))
        at++;
    return at;
}

struct words *words_of(struct text sentence, struct arena *mem)
{
    size_t *map;
    struct text folded = nova_fold_mapped(sentence, mem, &map);
    struct words *w = arena_new_of(mem, struct words);
    size_t most = folded.n < WORDS_MAX ? folded.n : WORDS_MAX;
    if (!folded.p || !w || !(w->v = arena_array(mem, most + 1, sizeof *w->v)))
        return NULL;
    w->sentence = sentence;
    bool glued = false;
    for (size_t at = 0; at < folded.n && w->n < most;) {
        if (folded.p[at] == ' ') {
            glued = false;
            at++;
            continue;
        }
        size_t end = is_currency_sign(folded, at) ? at + 3
                     : is_digit(folded.p[at])     ? number_end(folded, at)
                     : is_letter(folded.p[at])    ? letters_end(folded, at)
                                                  : at + 1;
        w->v[w->n++] = (struct word){.t = text_slice(folded, at, end),
                                     .from = map[at],
                                     .to = map[end],
                                     .number = is_digit(folded.p[at]),
                                     .sign = !is_digit(folded.p[at]) && !is_letter(folded.p[at]),
                                     .glued = glued};
        glued = true;
        at = end;
    }
    return w;
}

struct words *words_copy(const struct words *w, struct arena *mem)
{
    struct words *copy = arena_new_of(mem, struct words);
    if (!copy)
        return NULL;
    *copy = *w;
    copy->v = arena_array(mem, w->n + 1, sizeof *copy->v);
    if (!copy->v)
        return NULL;
    if (w->n)
        memcpy(copy->v, w->v, w->n * sizeof *w->v);
    return copy;
}

size_t words_at(const struct words *w, size_t at, const char *phrase)
{
    struct text rest = text_of(phrase), piece;
    size_t n = 0;
    while (text_split(&rest, ' ', &piece)) {
        if (at + n >= w->n || !text_eq(w->v[at + n].t, piece))
            return 0;
        n++;
    }
    return n;
}

size_t words_find(const struct words *w, const char *phrase)
{
    size_t at = 0;
    while (at < w->n && !words_at(w, at, phrase))
        at++;
    return at;
}

bool words_any(const struct words *w, const char *const *phrases)
{
    for (; *phrases; phrases++)
        if (words_find(w, *phrases) < w->n)
            return true;
    return false;
}

void words_use(struct words *w, size_t from, size_t count)
{
    for (size_t i = from; i < from + count && i < w->n; i++)
        w->v[i].used = true;
}

void words_use_all(struct words *w, const char *const *phrases)
{
    for (; *phrases; phrases++)
        for (size_t at = 0; at < w->n; at++)
            words_use(w, at, words_at(w, at, *phrases));
}

struct text words_rest(const struct words *w, struct arena *mem)
{
    char *out = arena_alloc(mem, w->sentence.n + 2);
    size_t n = 0, last_end = 0;
    if (!out)
        return TEXT_NONE;
    for (size_t i = 0; i < w->n; i++) {
        const struct word *word = &w->v[i];
        bool joins = word->glued && i && !w->v[i - 1].used && n && last_end == word->from;
        if (word->used || (word->sign && !joins))
            continue;
        size_t end = word->to;
        /* The map ends a word where the next begins; blanks between them are not part of it. */
        while (end > word->from && (unsigned char)w->sentence.p[end - 1] <= ' ')
            end--;
        if (n && !joins)
            out[n++] = ' ';
        memcpy(out + n, w->sentence.p + word->from, end - word->from);
        n += end - word->from;
        last_end = word->to;
    }
    while (n && (out[n - 1] == ' ' || out[n - 1] == ',' || out[n - 1] == '.' || out[n - 1] == '-' || out[n - 1] == ':'))
        n--;
    out[n] = '\0';
    return (struct text){out, n};
}
