#include "app.h"

#include "http/turns.h"
#include "nova/assistant.h"
#include "service/aws/credentials.h"
#include "service/aws/s3.h"
#include "service/http.h"
#include "service/password.h"

enum {
    DB_POOL_WAIT_MS = 3000,
    DB_CONNECT_TIMEOUT_S = 2,
    DB_IO_TIMEOUT_S = 8,
    DB_LOCK_WAIT_S = 5, /* of a household: longer than any command, shorter than a request's deadline */
    REDIS_CONNECT_TIMEOUT_MS = 300,
    REDIS_IO_TIMEOUT_MS = 300,
    REDIS_POOL_WAIT_MS = 100,
    RATE_LOCAL_SLOTS = 4096,
    S3_CONNECT_TIMEOUT_MS = 1000,
    S3_CALL_TIMEOUT_MS = 5000,
    S3_DEADLINE_MS = 10 * 1000,
    S3_HANDLES_BESIDES = 8 /* of the request threads and of the lane that builds files */
};

struct db_pool *app_db_pool(const struct config *c, size_t size, struct err *err)
{
    const struct db_options opts = {.host = c->db_host,
                                    .socket = c->db_socket,
                                    .name = c->db_name,
                                    .user = c->db_user,
                                    .password = c->db_password,
                                    .ssl_ca = c->db_ssl_ca,
                                    .port = (unsigned)c->db_port,
                                    .pool_size = size,
                                    .pool_wait_ms = DB_POOL_WAIT_MS,
                                    .connect_timeout_s = DB_CONNECT_TIMEOUT_S,
                                    .io_timeout_s = DB_IO_TIMEOUT_S,
                                    .lock_wait_s = DB_LOCK_WAIT_S};
    return db_pool_open(&opts, err);
}

static struct redis_options redis_options(const struct config *c)
{
    return (struct redis_options){.url = c->redis_url,
                                  .pool_size = (size_t)c->db_pool_size,
                                  .connect_timeout_ms = REDIS_CONNECT_TIMEOUT_MS,
                                  .io_timeout_ms = REDIS_IO_TIMEOUT_MS,
                                  .pool_wait_ms = REDIS_POOL_WAIT_MS};
}

static bool open_s3(struct app *app, struct err *err)
{
    const struct config *c = &app->config;
    const struct aws_credentials_options source = aws_credentials_environment();
    const struct s3_options opts = {.bucket = c->s3_bucket,
                                    .region = c->aws_region,
                                    .endpoint_url =
                                        c->aws_endpoint_url_s3 ? c->aws_endpoint_url_s3 : c->aws_endpoint_url,
                                    .connect_timeout_ms = S3_CONNECT_TIMEOUT_MS,
                                    .call_timeout_ms = S3_CALL_TIMEOUT_MS,
                                    .deadline_ms = S3_DEADLINE_MS,
                                    .handles = (size_t)c->upload_threads + S3_HANDLES_BESIDES};
    return (app->credentials = aws_credentials_open(&source, err)) != NULL &&
           (app->s3 = s3_open(&opts, app->credentials, err)) != NULL;
}

bool app_open(struct app *app, struct err *err)
{
    const struct redis_options redis = redis_options(&app->config);
    bool ok = password_init(err) && http_global_init(err) &&
              (app->token_keys = token_keys_parse(app->config.jwt_keys, err)) != NULL &&
              (app->db_pool = app_db_pool(&app->config, (size_t)app->config.db_pool_size, err)) != NULL &&
              (app->redis = redis_open(&redis, err)) != NULL && open_s3(app, err);
    if (ok) {
        password_leave_free(app->config.api_threads);
        app->rate_local = rate_local_new(RATE_LOCAL_SLOTS);
        app->turns = turns_new();
        ok = (app->rate_local && app->turns) || err_set(err, ERR_NO_MEMORY, "Not enough memory to start");
        ok = ok && (app->assistant = assistant_open(app, err)) != NULL;
    }
    if (!ok)
        app_close(app);
    return ok;
}

void app_close(struct app *app)
{
    assistant_close(app->assistant);
    turns_free(app->turns);
    rate_local_free(app->rate_local);
    s3_close(app->s3);
    aws_credentials_close(app->credentials);
    redis_close(app->redis);
    db_pool_close(app->db_pool);
    token_keys_free(app->token_keys);
    app->assistant = NULL;
    app->turns = NULL;
    app->rate_local = NULL;
    app->s3 = NULL;
    app->credentials = NULL;
    app->redis = NULL;
    app->db_pool = NULL;
    app->token_keys = NULL;
}
