/* The content guard of the assistant: what it does not talk about, found over folded text; each refusal polite and in
 * the user's language. Pure. */
#ifndef FINANCE_GUARD_H
#define FINANCE_GUARD_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "finance/nova/understand.h"

enum guard_verdict {
    GUARD_FINE,
    GUARD_INJECTION,
    GUARD_SELF_HARM,
    GUARD_VIOLENCE,
    GUARD_SEXUAL,
    GUARD_GAMBLING_DRUGS,
    GUARD_POLITICS,
    GUARD_MEDICAL
};

const char *guard_name(enum guard_verdict v); /* "injection": for logs and counters, never the text */
/* Medical questions that are about money (costs, insurance) are fine. */
enum guard_verdict guard_check(struct text message, struct arena *mem);
/* The refusal's text; a constant. Self-harm gets a hotline. */
struct text guard_refusal(enum guard_verdict v, enum nova_language language);
/* An answer with links to foreign hosts masked ("[liên kết đã ẩn]"); own_host may stay. In the arena. */
struct text guard_mask_links(struct text answer, struct text own_host, struct arena *mem) MUST_CHECK;

#endif
