/* Sends what the outbox holds, in a thread of its own: woken right after a COMMIT, else every second or two. */
#ifndef RELAY_H
#define RELAY_H

#include "base/attr.h"
#include "base/err.h"
#include "http/call.h"

/* Opens the queue as app->queue (also /status asks it) and starts the thread. */
struct relay *relay_start(struct app *app, struct err *err) MUST_CHECK;
void relay_wake(struct relay *relay); /* NULL is fine; never blocks */
void relay_stop(struct relay *relay); /* ends and joins the thread */

#endif
