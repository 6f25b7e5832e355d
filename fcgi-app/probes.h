/* The state of what this program depends on, asked for in the background, so that GET /status itself never waits. */
#ifndef PROBES_H
#define PROBES_H

#include "http/call.h"

struct probe {
    bool known, up;
    int64_t latency_us; /* of the last answer */
};

struct probes_state {
    struct probe mysql, redis, queue, s3;
    int64_t outbox_pending, outbox_oldest_ms, parked; /* as of the last time MySQL answered */
    bool outbox_known;                                /* it did this time */
    int64_t queue_visible, queue_in_flight, queue_delayed;
};

struct probes *probes_start(struct app *app, struct err *err) MUST_CHECK;
void probes_read(struct probes *probes, struct probes_state *out);
void probes_stop(struct probes *probes);

#endif
