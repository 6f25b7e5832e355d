/*
 * Conversations in DynamoDB: tables chat_sessions and chat_messages (partition key id), indexes by_user and by_session.
 * A session of another user is ERR_NOT_FOUND. Every list is a Query on its own key, never a Scan. ERR_UNAVAILABLE while
 * DynamoDB is down.
 *
 * A conversation's messages share one key of by_session, made of the session's id and its generation, so what an older
 * generation left behind is never read. Indexes lag behind their tables: the session itself is read consistently and
 * knows its newest messages, which are fetched by id when the index does not show them yet.
 */
#ifndef STORE_CHAT_H
#define STORE_CHAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/id.h"
#include "base/text.h"
#include "service/aws/dynamodb.h"

enum {
    CHAT_TITLE_MAX = 200,
    CHAT_CONTENT_MAX = 100 * 1024,
    CHAT_PAGE_MAX = 100,
    CHAT_REPLACE_MAX = 500,
    CHAT_TURN_MAX = 8
};

enum chat_role { CHAT_USER, CHAT_ASSISTANT };

struct chat_session {
    char id[UUID_TEXT_MAX];
    int64_t user_id;
    struct text title;
    int64_t created_at_ms, updated_at_ms, generation, message_count;
    struct text recent; /* ids of its newest messages, by commas; not in lists */
};

struct chat_message {
    char id[UUID_TEXT_MAX]; /* UUIDv7: the order */
    enum chat_role role;
    struct text content;
    int64_t at_ms;
};

struct chat_store {
    struct dynamodb *db;
    int64_t ttl_ms; /* how long a session is kept after its last change, and a message after it was written */
};

/* The tables as the task that makes them needs them. */
enum { CHAT_TABLES = 2 };
extern const struct dynamodb_table CHAT_TABLE_ROWS[CHAT_TABLES];

/* One page, newest change first; cursor in and out are opaque and bound to the user ("" or none: the start, the end).
 * One of another user or list is a field fault "cursor". limit 1..CHAT_PAGE_MAX. */
bool chat_session_list(const struct chat_store *c, int64_t user, struct text cursor, size_t limit, struct arena *mem,
                       struct chat_session *out, size_t *count, struct text *next, struct err *err) MUST_CHECK;
bool chat_session_find(const struct chat_store *c, int64_t user, struct text id, struct arena *mem,
                       struct chat_session *out, struct err *err) MUST_CHECK;
bool chat_session_create(const struct chat_store *c, int64_t user, struct text title, int64_t now_ms, struct arena *mem,
                         struct chat_session *out, struct err *err) MUST_CHECK;
bool chat_session_rename(const struct chat_store *c, int64_t user, struct text id, struct text title, int64_t now_ms,
                         struct arena *mem, struct err *err) MUST_CHECK;
/* With its messages. When it fails half-way the session is gone from lists, and a second call goes on. */
bool chat_session_delete(const struct chat_store *c, int64_t user, struct text id, struct arena *mem,
                         struct err *err) MUST_CHECK;

/* Oldest first, the current generation only. */
bool chat_message_list(const struct chat_store *c, const struct chat_session *session, struct text cursor, size_t limit,
                       struct arena *mem, struct chat_message *out, size_t *count, struct text *next,
                       struct err *err) MUST_CHECK;
/* One turn: up to CHAT_TURN_MAX messages (ids and instants are set here) and the session's update, in one transaction
 * under an idempotency token of this user (any text; NULL: none). ERR_DUPLICATE: a turn was stored under it within the
 * last ten minutes. ERR_CONFLICT: the conversation was replaced meanwhile; ERR_NOT_FOUND: deleted. */
bool chat_turn_append(const struct chat_store *c, struct chat_session *session, struct chat_message *messages,
                      size_t count, const char *token, int64_t now_ms, struct arena *mem, struct err *err) MUST_CHECK;
/* The whole conversation anew (0..CHAT_REPLACE_MAX messages), under a new generation that one conditional update
 * switches to: readers see the old one or the new one. ERR_CONFLICT when somebody else did so meanwhile. */
bool chat_replace(const struct chat_store *c, struct chat_session *session, struct chat_message *messages, size_t count,
                  int64_t now_ms, struct arena *mem, struct err *err) MUST_CHECK;

#endif
