#include "handlers/health.h"

#include "probes.h"

/* GET /health   200: {status}   touches nothing */
bool health(struct call *call, struct response *res, struct err *err)
{
    (void)call;
    (void)err;
    json_begin_object(&res->json);
    json_put_str(&res->json, "status", "ok");
    json_end_object(&res->json);
    return true;
}

static void write_probe(struct json_out *j, const char *key, const struct probe *probe)
{
    json_key(j, key);
    json_begin_object(j);
    json_put_str(j, "state", !probe->known ? "unknown" : probe->up ? "up" : "down");
    json_put_int(j, "latencyMicroseconds", probe->latency_us);
    json_end_object(j);
}

static void write_pool(struct json_out *j, struct db_pool *pool)
{
    struct db_pool_stats stats;
    db_pool_stats(pool, &stats);
    json_key(j, "databasePool");
    json_begin_object(j);
    json_put_int(j, "open", (int64_t)stats.open);
    json_put_int(j, "busy", (int64_t)stats.busy);
    json_put_int(j, "waits", stats.waits);
    json_put_int(j, "waitTimeouts", stats.wait_timeouts);
    json_end_object(j);
}

static void write_outbox(struct json_out *j, const struct probes_state *state)
{
    json_key(j, "outbox");
    json_begin_object(j);
    json_put_int(j, "pending", state->outbox_pending);
    json_put_int(j, "oldestAgeMilliseconds", state->outbox_oldest_ms);
    json_put_int(j, "parked", state->parked);
    json_end_object(j);
    json_key(j, "queueDepth");
    json_begin_object(j);
    json_put_int(j, "visible", state->queue_visible);
    json_put_int(j, "inFlight", state->queue_in_flight);
    json_put_int(j, "delayed", state->queue_delayed);
    json_end_object(j);
}

static void write_details(struct json_out *j, struct app *app, const struct probes_state *state)
{
    write_probe(j, "mysql", &state->mysql);
    write_probe(j, "redis", &state->redis);
    write_probe(j, "sqs", &state->queue);
    write_probe(j, "s3", &state->s3);
    json_put_bool(j, "schemaReady", atomic_load(&app->schema_ready));
    write_outbox(j, state);
    write_pool(j, app->db_pool);
}

/* GET /status   200 or 503: {status}, for the loopback and admins with each dependency's state */
bool status(struct call *call, struct response *res, struct err *err)
{
    struct probes_state state;
    (void)err;
    probes_read(call->app->probes, &state);
    bool serves = state.mysql.up && atomic_load(&call->app->schema_ready);
    bool all = serves && state.redis.up && (state.queue.up || !state.queue.known) && (state.s3.up || !state.s3.known);
    res->status = serves ? 200 : 503;
    res->no_store = true;
    if (!serves)
        response_header(res, "Retry-After", TEXT("5"));
    json_begin_object(&res->json);
    json_put_str(&res->json, "status", !serves ? "down" : all ? "ok" : "degraded");
    if (call->loopback || call->admin)
        write_details(&res->json, call->app, &state);
    json_end_object(&res->json);
    return true;
}
