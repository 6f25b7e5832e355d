/*
 * Sends what lies in the outbox: events that the worker's own jobs recorded, what a killed API process or an outage of
 * the queue left behind, and again what was sent long ago and never processed. A thread of its own.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "base/attr.h"
#include "base/err.h"
#include "worker.h"

struct sweep;
struct sweep *sweep_start(struct worker *w, struct err *err) MUST_CHECK;
void sweep_wake(struct sweep *s); /* NULL is fine; never blocks */
void sweep_stop(struct sweep *s);

#endif
