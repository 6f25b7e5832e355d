/* Which category or jar a sentence names: by its own name first, else by what words like "phở" or "lunch" are about.
 * Pure. */
#ifndef FINANCE_NOVA_NAMES_H
#define FINANCE_NOVA_NAMES_H

#include <stdint.h>

#include "finance/nova/understand.h"
#include "finance/nova/words.h"

struct name_match {
    int64_t id;       /* 0: none */
    size_t at, count; /* the words */
};

/* The longest name that stands in the sentence, from word `from` on; type -1: any. */
struct name_match name_find(const struct words *w, const struct nova_name *names, size_t count, int64_t type,
                            size_t from, struct arena *mem);

/* What the sentence is about. hint: its name in the language, for when the user has no such category. id 0 then. False
 * when nothing is recognised. */
bool topic_find(const struct words *w, const struct nova_context *ctx, int64_t type, enum nova_language language,
                int64_t *id, struct text *hint, struct arena *mem);
/* True when the words speak of money coming in (salary, bonus, sold). */
bool topic_is_income(const struct words *w);

#endif
