/*
 * The request threads over libfcgi. Several processes share the listening socket, so nothing here ever shuts it down:
 * each thread waits for the socket or the stop signal, and a process that stops leaves what it did not accept to its
 * siblings.
 */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "http/call.h"

struct pool;

/* True when fd is a listening socket. */
bool pool_socket_ok(int fd);
/* Initialises libfcgi and starts config.api_threads threads. */
struct pool *pool_start(struct app *app, int listen_fd, struct err *err) MUST_CHECK;
/* Stops accepting and waits for the requests at work. False when some are still there after wait_ms: the memory is then
 * left as it is. */
bool pool_stop(struct pool *pool, int wait_ms);

#endif
