/*
 * The conversation that a turn belongs to. While DynamoDB is down the answer is given all the same, and `saved` tells
 * that it was not kept.
 */
#ifndef NOVA_HISTORY_H
#define NOVA_HISTORY_H

#include "http/call.h"
#include "store/chat.h"

struct history {
    bool wanted; /* the turn is to be kept */
    bool found;  /* `session` is there */
    bool down;
    bool saved;
    struct chat_session session;
    struct text given; /* the id as the client named it; p NULL: none */
};

/* ERR_NOT_FOUND for an id that is not one of the user's own. */
bool history_open(struct call *call, struct text session_id, bool save, struct history *out,
                  struct err *err) MUST_CHECK;
/* Keeps the user's message, and the reply when there is one (p not NULL); makes the session at the first need. Never
 * fails: see `saved`. */
void history_keep(struct call *call, struct history *h, struct text title_of, struct text message, struct text reply);
/* The id for the answer; p NULL: none. */
struct text history_id(const struct history *h);
/* The first characters of a message as a title, in the arena; p NULL without memory. */
struct text history_title(struct text message, struct arena *mem);

#endif
