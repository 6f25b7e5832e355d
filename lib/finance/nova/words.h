/* A sentence as words: folded, cut at blanks, signs, and between digits and letters ("1tr2" is three words). Pure. */
#ifndef FINANCE_NOVA_WORDS_H
#define FINANCE_NOVA_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/text.h"

enum { WORDS_MAX = 512 };

struct word {
    struct text t;   /* folded */
    size_t from, to; /* bytes of the sentence */
    bool number;     /* digits, with '.' and ',' inside */
    bool sign;       /* one of / - : $ ? % and the like */
    bool glued;      /* no blank before it */
    bool used;       /* says something else than the name of a thing: amount, date, verb */
};

struct words {
    struct text sentence; /* as given */
    struct word *v;
    size_t n;
};

/* NULL without memory; words beyond WORDS_MAX are left out. */
struct words *words_of(struct text sentence, struct arena *mem) MUST_CHECK;
/* The same words, marked apart from the original's. NULL without memory. */
struct words *words_copy(const struct words *w, struct arena *mem) MUST_CHECK;
/* How many words the phrase ("hom qua") takes when it stands at `at`; 0: it does not stand there. Phrases are folded
 * and divided by one blank. */
size_t words_at(const struct words *w, size_t at, const char *phrase);
/* The first place of the phrase, or w->n. */
size_t words_find(const struct words *w, const char *phrase);
/* Any of a NULL-terminated list of phrases. */
bool words_any(const struct words *w, const char *const *phrases);
/* Marks words as used. */
void words_use(struct words *w, size_t from, size_t count);
/* Marks every place where one of the phrases stands. */
void words_use_all(struct words *w, const char *const *phrases);
/* What is not used, between the first and the last unused word, as it was written; trimmed of signs. */
struct text words_rest(const struct words *w, struct arena *mem) MUST_CHECK;

#endif
