/* What the two halves of store/chat share: sessions in chat.c, messages in chat_message.c. */
#ifndef STORE_CHAT_INTERNAL_H
#define STORE_CHAT_INTERNAL_H

#include "store/chat.h"

enum {
    CHAT_KEY_MAX = UUID_TEXT_MAX + 24, /* "<session>#<generation>" */
    CHAT_CURSOR_MAX = 256,
    CHAT_RECENT_MAX = CHAT_PAGE_MAX, /* ids kept with the session after its messages were replaced */
    CHAT_RECENT_TURN = 16,           /* and after a turn */
    CHAT_READS_MAX = 16              /* pages of an index read for one page of ours */
};

#define CHAT_SESSIONS "chat_sessions"
#define CHAT_MESSAGES "chat_messages"
#define CHAT_BY_USER "by_user"
#define CHAT_BY_SESSION "by_session"

/* Whatever its state; ERR_NOT_FOUND when it is another user's. */
bool chat_session_read(const struct chat_store *c, int64_t user, struct text id, struct arena *mem,
                       struct dynamodb_item *item, struct err *err) MUST_CHECK;
bool chat_no_session(struct err *err);
int64_t chat_expiry(const struct chat_store *c, int64_t now_ms); /* epoch seconds */
bool chat_is_expired(const struct dynamodb_item *item);
/* Removes the messages of one generation: those that the index shows, and those named by `recent`. */
bool chat_generation_clear(const struct chat_store *c, const char *session, int64_t generation, struct text recent,
                           struct err *err) MUST_CHECK;

/* A cursor is base64url of "kind:owner:position". It holds no key: who may read is decided without it. */
bool chat_cursor_make(const char *kind, struct text owner, struct text position, struct arena *mem, struct text *out,
                      struct err *err) MUST_CHECK;
/* *position is in the arena; TEXT_NONE for no cursor. */
bool chat_cursor_read(struct text cursor, const char *kind, struct text owner, struct arena *mem, struct text *position,
                      struct err *err) MUST_CHECK;

#endif
