/* A file whose time tells a container's health check that the thread which takes messages still turns. It says nothing
 * about MySQL or the queue: a worker that waits for them is healthy. */
#ifndef HEARTBEAT_H
#define HEARTBEAT_H

#include <stdint.h>

struct heartbeat {
    const char *path; /* NULL or "": none is kept */
    int64_t last_ms;
};

/* Cheap enough for every turn. Used by one thread at a time. */
void heartbeat_beat(struct heartbeat *heartbeat);

#endif
