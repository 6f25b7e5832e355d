/*
 * GET /metrics on a port of the loopback address, for a Prometheus on this machine. One thread, one connection at a
 * time, a few seconds each. The processes of a program share the port (SO_REUSEPORT): whichever is asked tells the sum.
 */
#ifndef SERVICE_METRICS_PORT_H
#define SERVICE_METRICS_PORT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct metrics_port;
struct metrics_port *metrics_port_start(int port, struct err *err) MUST_CHECK;
/* NULL for port 0, and when it cannot be opened, which is told in the log: the programs run without it. */
struct metrics_port *metrics_port_configured(int64_t port);
/* NULL is fine. */
void metrics_port_stop(struct metrics_port *p);

enum { METRICS_HEAD_MAX = 4096 };
/* 200, 400, 404 or 405 for the bytes of a request up to its empty line; 0 while that has not come. Pure. */
int metrics_request_status(struct text head);

#endif
