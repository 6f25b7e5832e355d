/* nova-local's reply: an intent becomes tool calls and a text with their exact figures, in the language of the
 * question. Reads only. */
#ifndef FINANCE_NOVA_ANSWER_H
#define FINANCE_NOVA_ANSWER_H

#include "base/attr.h"
#include "base/err.h"
#include "finance/nova/understand.h"
#include "finance/scope.h"
#include "finance/tools.h"

enum { ANSWER_SOURCES_MAX = 4 };

struct nova_answer {
    struct text reply;                               /* in the arena */
    struct tool_result *sources[ANSWER_SOURCES_MAX]; /* which tool gave which figure */
    size_t source_count;
};

/* The names that nova_understand matches against, read in one or two round trips. */
bool nova_context_read(struct scope *s, struct nova_context *out, struct err *err) MUST_CHECK;
/* For questions and talk; a command or an unknown intent gets a help text. */
bool nova_answer(struct scope *s, const struct nova_intent *intent, const struct nova_context *ctx,
                 struct nova_answer *out, struct err *err) MUST_CHECK;

#endif
