/* Sentences of the assistant: a growing text with human money, dates and periods in the user's language. */
#ifndef FINANCE_NOVA_SAY_H
#define FINANCE_NOVA_SAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/money.h"
#include "base/text.h"

enum { SAY_MAX = 16 * 1024 };

struct say {
    struct buf buf;
    bool vi;
    const struct currency *currency;
    int32_t today;
};

void say_init(struct say *y, bool vietnamese, const struct currency *currency, int32_t today);
/* One of the two, by language. */
void say(struct say *y, const char *vi, const char *en);
/* A value to be put into a sentence. */
struct say_arg {
    char kind;
    struct text t;
    int64_t n;
};
#define SAY_TEXT(v) ((struct say_arg){.kind = 't', .t = (v)})
#define SAY_MONEY(v) ((struct say_arg){.kind = 'm', .n = (v)})
#define SAY_DAY(v) ((struct say_arg){.kind = 'd', .n = (v)})
#define SAY_NUMBER(v) ((struct say_arg){.kind = 'n', .n = (v)})
#define SAY_PERIOD(from, to) ((struct say_arg){.kind = 'p', .n = (int64_t)(from) * 100000000 + (to)})
/* The two forms with {0}..{9} as the arguments' places, so that each language has an order of its own. */
void say_with(struct say *y, const char *vi, const char *en, const struct say_arg *args, size_t count);
#define SAY(y, vi_form, en_form, ...)                                                                                  \
    say_with((y), (vi_form), (en_form), (const struct say_arg[]){__VA_ARGS__},                                         \
             sizeof((const struct say_arg[]){__VA_ARGS__}) / sizeof(struct say_arg))
/* The text so far, in the arena; releases the buffer. p == NULL without memory. */
struct text say_end(struct say *y, struct arena *mem) MUST_CHECK;

#endif
