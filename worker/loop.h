/*
 * The queue's consumer: one receiver thread and WORKER_HANDLERS handler threads. Nothing is buffered: the receiver asks
 * only for as many messages as there are idle handlers, so none waits in memory while its visibility runs out. While
 * MySQL is down it asks for none (breaker.h).
 */
#ifndef LOOP_H
#define LOOP_H

#include "base/attr.h"
#include "base/err.h"
#include "worker.h"

struct loop;
struct loop *loop_start(struct worker *w, struct err *err) MUST_CHECK;
/* Stops polling, finishes what is in flight, joins the threads. NULL is fine. */
void loop_stop(struct loop *loop);

#endif
