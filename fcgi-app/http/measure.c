#include "http/measure.h"

#include <assert.h>

#include "base/clock.h"
#include "service/log.h"
#include "service/metrics.h"

enum { NAME_MAX_BYTES = 80 };

/* Names of METRIC_LIMITED's label, in service/metrics.c, lie in this order. */
static_assert(RATE_NONE == 0 && RATE_API == 1 && RATE_AI == 2 && RATE_CHAT == 3 && RATE_GEMINI_CHAT == 4 &&
                  RATE_TIPS == 5 && RATE_EXPORTS == 6 && RATE_SIGN_IN == 7 && RATE_CODE_RESEND == 8,
              "a rate has another place than its name in the metrics");

void measure_open(const struct config *config)
{
    static char texts[METRIC_ROUTES_MAX][NAME_MAX_BYTES];
    static const char *names[METRIC_ROUTES_MAX];
    struct err err = {0};
    assert(ROUTE_COUNT <= METRIC_ROUTES_MAX);
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        snprintf(texts[i], NAME_MAX_BYTES, "%s %s", method_name(ROUTES[i].method), ROUTES[i].path);
        names[i] = texts[i];
    }
    struct metrics_options opts = {
        .program = PROGRAM_API, .dir = config->metrics_dir, .routes = names, .route_count = ROUTE_COUNT};
    if (!metrics_open(&opts, &err))
        log_err(LOG_WARN, "metrics", "nothing is counted", &err);
}

/* A slot without an owner was never asked for. */
static void count_cache(const struct exchange *x)
{
    if (x->cache[0].owner_id)
        metric_add(METRIC_CACHE, METRIC_SESSIONS, x->cache[0].hit, 1);
    if (x->cache[1].owner_id)
        metric_add(METRIC_CACHE, METRIC_ANSWERS, x->cache[1].hit, 1);
}

void measure_answer(const struct exchange *x, const struct err *err)
{
    const struct route *route = x->call.route;
    size_t row = route ? (size_t)(route - ROUTES) : ROUTE_COUNT;
    metric_add(METRIC_REQUESTS, row, metric_status(x->res.status), 1);
    metric_time(METRIC_REQUEST_SECONDS, row, clock_monotonic_us() - x->began_us);
    count_cache(x);
    if (err && err->code == ERR_RATE_LIMITED)
        metric_add(METRIC_LIMITED, route ? route->rate : RATE_NONE, 0, 1);
}
