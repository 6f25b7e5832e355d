/*
 * The reply as it grows: links are masked word by word, so that none is seen for a moment, and each piece goes out at
 * once where the client listens to events.
 */
#ifndef NOVA_PIECES_H
#define NOVA_PIECES_H

#include "http/call.h"

struct pieces {
    struct call *call;
    struct buf pending; /* the last word, until it is whole */
    struct buf reply;   /* what was told */
    int64_t last_ms;    /* when the client last heard of us */
};

void pieces_init(struct pieces *p, struct call *call);
void pieces_release(struct pieces *p);
/* An empty piece is only time that passes. Always true, since a reply is kept whether or not somebody listens (the
 * provider's `piece`). */
bool pieces_add(struct text piece, void *pieces);
/* The last word is whole. ERR_INTERNAL when the reply was too long. The reply lives in p. */
bool pieces_end(struct pieces *p, struct text *reply, struct err *err) MUST_CHECK;

#endif
