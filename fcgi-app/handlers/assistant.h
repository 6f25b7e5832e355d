/* What the assistant does beside talking: tips, spoken entries, confirmed actions. */
#ifndef HANDLERS_ASSISTANT_H
#define HANDLERS_ASSISTANT_H

#include "http/call.h"
#include "http/route.h"

extern const struct body_def TIPS_BODY, VOICE_BODY, CONFIRM_BODY;
extern const struct query_def PAGE_CONTEXT_QUERY;

bool assistant_tips(struct call *call, struct response *res, struct err *err);
bool assistant_voice(struct call *call, struct response *res, struct err *err);
bool assistant_confirm(struct call *call, struct response *res, struct err *err);
bool assistant_undo(struct call *call, struct response *res, struct err *err);
bool assistant_page_context(struct call *call, struct response *res, struct err *err);

#endif
