#include "parts.h"

#include "base/clock.h"
#include "service/http.h"
#include "store/migrate.h"

enum {
    DB_POOL_BESIDES =
        7, /* connections besides the handlers': mailer, exporter, sweep, schedule, receiver, and some air */
    DB_POOL_WAIT_MS = 2000,
    DB_CONNECT_TIMEOUT_S = 2,
    DB_IO_TIMEOUT_S = 5, /* half of a job's limit */
    DB_LOCK_WAIT_S = 4,
    REDIS_CONNECT_TIMEOUT_MS = 300,
    REDIS_IO_TIMEOUT_MS = 300,
    REDIS_POOL_WAIT_MS = 100,
    QUEUE_CONNECT_TIMEOUT_MS = 2000,
    QUEUE_TOTAL_TIMEOUT_MS = 8000, /* besides a long poll's wait */
    S3_CONNECT_TIMEOUT_MS = 2000,
    S3_CALL_TIMEOUT_MS = 8000,
    S3_DEADLINE_MS = 20 * 1000,
    S3_HANDLES_BESIDES = 4, /* of mailer, sweep, schedule and what runs beside the handlers */
    MIGRATE_ARENA_FIRST = 64 * 1024,
    MIGRATE_ARENA_MAX = 8 * 1024 * 1024
};

static struct db_pool *open_db(const struct config *c, struct err *err)
{
    struct db_options opts = {.host = c->db_host,
                              .socket = c->db_socket,
                              .name = c->db_name,
                              .user = c->db_user,
                              .password = c->db_password,
                              .ssl_ca = c->db_ssl_ca,
                              .port = (unsigned)c->db_port,
                              .pool_size = (size_t)c->worker_handlers + DB_POOL_BESIDES,
                              .pool_wait_ms = DB_POOL_WAIT_MS,
                              .connect_timeout_s = DB_CONNECT_TIMEOUT_S,
                              .io_timeout_s = DB_IO_TIMEOUT_S,
                              .lock_wait_s = DB_LOCK_WAIT_S};
    return db_pool_open(&opts, err);
}

static struct redis *open_redis(const struct config *c, struct err *err)
{
    struct redis_options opts = {.url = c->redis_url,
                                 .pool_size = 2,
                                 .connect_timeout_ms = REDIS_CONNECT_TIMEOUT_MS,
                                 .io_timeout_ms = REDIS_IO_TIMEOUT_MS,
                                 .pool_wait_ms = REDIS_POOL_WAIT_MS};
    return redis_open(&opts, err);
}

static struct queue *open_queue(const struct config *c, struct aws_credentials *credentials, struct err *err)
{
    struct queue_options opts = {.queue_url = c->sqs_queue_url,
                                 .region = c->aws_region,
                                 .endpoint_url =
                                     c->aws_endpoint_url_sqs ? c->aws_endpoint_url_sqs : c->aws_endpoint_url,
                                 .connect_timeout_ms = QUEUE_CONNECT_TIMEOUT_MS,
                                 .total_timeout_ms = QUEUE_TOTAL_TIMEOUT_MS,
                                 .handles = (size_t)c->worker_handlers + 2};
    return queue_open(&opts, credentials, err);
}

static struct s3 *open_s3(const struct config *c, struct aws_credentials *credentials, struct err *err)
{
    const struct s3_options opts = {.bucket = c->s3_bucket,
                                    .region = c->aws_region,
                                    .endpoint_url =
                                        c->aws_endpoint_url_s3 ? c->aws_endpoint_url_s3 : c->aws_endpoint_url,
                                    .connect_timeout_ms = S3_CONNECT_TIMEOUT_MS,
                                    .call_timeout_ms = S3_CALL_TIMEOUT_MS,
                                    .deadline_ms = S3_DEADLINE_MS,
                                    .handles = (size_t)c->worker_handlers + S3_HANDLES_BESIDES};
    return s3_open(&opts, credentials, err);
}

bool parts_open(struct worker *w, struct err *err)
{
    struct aws_credentials_options source = aws_credentials_environment();
    bool ok = http_global_init(err) && (w->db_pool = open_db(&w->config, err)) != NULL &&
              (w->redis = open_redis(&w->config, err)) != NULL &&
              (w->credentials = aws_credentials_open(&source, err)) != NULL &&
              (w->queue = open_queue(&w->config, w->credentials, err)) != NULL &&
              (w->s3 = open_s3(&w->config, w->credentials, err)) != NULL;
    if (!ok)
        parts_close(w);
    return ok;
}

void parts_close(struct worker *w)
{
    s3_close(w->s3);
    queue_close(w->queue);
    aws_credentials_close(w->credentials);
    redis_close(w->redis);
    db_pool_close(w->db_pool);
    w->s3 = NULL;
    w->queue = NULL;
    w->credentials = NULL;
    w->redis = NULL;
    w->db_pool = NULL;
}

bool parts_migrate(struct worker *w, size_t *steps, struct err *err)
{
    struct arena *mem = arena_new(MIGRATE_ARENA_FIRST, MIGRATE_ARENA_MAX);
    struct db *db = mem ? db_take(w->db_pool, err) : NULL;
    if (!mem)
        err_set(err, ERR_NO_MEMORY, "no memory for the migrations");
    bool ok = db && migrate_run(db, migration_files, clock_now_ms(), mem, steps, err);
    db_give(db);
    arena_free(mem);
    return ok;
}
