/* The user's conversations with the assistant. */
#ifndef HANDLERS_CHAT_SESSIONS_H
#define HANDLERS_CHAT_SESSIONS_H

#include "http/call.h"
#include "http/route.h"

extern const struct body_def CHAT_MESSAGES_BODY, CHAT_RENAME_BODY;
extern const struct query_def CHAT_PAGE_QUERY;

bool chat_sessions_get(struct call *call, struct response *res, struct err *err);
bool chat_messages_get(struct call *call, struct response *res, struct err *err);
bool chat_messages_put(struct call *call, struct response *res, struct err *err);
bool chat_session_put_name(struct call *call, struct response *res, struct err *err);
bool chat_session_remove(struct call *call, struct response *res, struct err *err);

#endif
