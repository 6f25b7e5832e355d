/*
 * An answer as server-sent events. A handler begins it, puts events, and returns; a client that went away is not told
 * to the handler as an error: what was begun is brought to its end. Once begun, an error that the handler returns
 * becomes an event "error" with the problem object.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stdbool.h>

#include "base/text.h"

struct exchange;

struct stream {
    struct exchange *x;
    bool begun, gone;
};

struct call;

/* True when the client asks for events (Accept) and they can be sent. */
bool stream_wanted(const struct call *call);
/* Sends the head. */
void stream_begin(struct call *call);
bool stream_begun(const struct call *call);
/* data: one line of JSON. False when nobody listens any more. */
bool stream_event(struct call *call, const char *name, struct text data);
/* A sign of life. */
bool stream_heartbeat(struct call *call);

#endif
