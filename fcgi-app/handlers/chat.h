/* Talking with the assistant: the whole conversation, the short chat, and what a sentence means. */
#ifndef HANDLERS_CHAT_H
#define HANDLERS_CHAT_H

#include "http/call.h"
#include "http/route.h"

extern const struct body_def CHAT_BODY, SHORT_CHAT_BODY, PARSE_INTENT_BODY;

bool chat_post(struct call *call, struct response *res, struct err *err);
bool chat_short(struct call *call, struct response *res, struct err *err);
bool chat_parse_intent(struct call *call, struct response *res, struct err *err);

#endif
