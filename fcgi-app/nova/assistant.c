#include "nova/assistant.h"

#include <stdlib.h>

#include "base/clock.h"
#include "service/aws/credentials.h"
#include "service/aws/dynamodb.h"
#include "service/llm.h"

enum {
    PROVIDER_CONNECT_MS = 3000,
    MINUTE_MS = 60 * 1000,
    STORE_CONNECT_MS = 1000,
    STORE_CALL_MS = 2000,
    STORE_DEADLINE_MS = 3000,
    STORE_HANDLES = 8
};
static const int64_t DAY_MS = 24 * 60 * MINUTE_MS;

/* The host of a URL, without scheme, port and path. */
static struct text host_of(struct text url)
{
    for (size_t i = 0; i + 2 < url.n; i++)
        if (memcmp(url.p + i, "://", 3) == 0) {
            url = text_slice(url, i + 3, url.n);
            break;
        }
    size_t n = 0;
    while (n < url.n && url.p[n] != '/' && url.p[n] != ':')
        n++;
    return text_slice(url, 0, n);
}

/* A key's cap is shared by all processes; without Redis each counts for itself. */
static bool key_allowed(struct text key, void *to)
{
    struct app *app = to;
    struct arena *mem = arena_new(1024, 16 * 1024);
    const struct rate_policy policy = {"provider-key", app->config.chat_provider_key_per_minute, MINUTE_MS, true};
    bool allowed = mem && rate_check(app->redis, app->rate_local, &policy, key, mem, clock_now_ms()).allowed;
    arena_free(mem);
    return allowed;
}

struct provider {
    const char *url, *model, *keys;
    int64_t concurrency;
};

/* *out stays NULL where none is configured. */
static bool open_provider(struct app *app, const struct provider *p, struct llm **out, struct err *err)
{
    if (!p->url)
        return true;
    const struct llm_options opts = {.base_url = p->url,
                                     .model = p->model,
                                     .keys = p->keys,
                                     .concurrency = (size_t)p->concurrency,
                                     .connect_timeout_ms = PROVIDER_CONNECT_MS,
                                     .total_timeout_ms = (int)app->config.chat_timeout_seconds * 1000,
                                     .key_allowed = key_allowed,
                                     .to = app};
    return (*out = llm_open(&opts, err)) != NULL;
}

static bool open_providers(struct assistant *a, struct app *app, struct err *err)
{
    const struct config *c = &app->config;
    const struct provider chat = {c->chat_provider_url, c->chat_provider_model, c->chat_provider_keys,
                                  c->chat_provider_concurrency};
    const struct provider vision = {c->receipt_provider_url, c->receipt_provider_model, c->receipt_provider_keys,
                                    c->receipt_threads};
    return open_provider(app, &chat, &a->llm, err) && open_provider(app, &vision, &a->vision, err);
}

/* A conversation that cannot be kept in a few seconds is answered all the same. */
static bool open_store(struct assistant *a, const struct config *c, struct err *err)
{
    struct aws_credentials_options source = aws_credentials_environment();
    const struct dynamodb_options opts = {.region = c->aws_region,
                                          .endpoint_url = c->aws_endpoint_url_dynamodb ? c->aws_endpoint_url_dynamodb
                                                                                       : c->aws_endpoint_url,
                                          .connect_timeout_ms = STORE_CONNECT_MS,
                                          .total_timeout_ms = STORE_CALL_MS,
                                          .deadline_ms = STORE_DEADLINE_MS,
                                          .handles = STORE_HANDLES};
    a->chat.ttl_ms = c->chat_ttl_days * DAY_MS;
    return (a->credentials = aws_credentials_open(&source, err)) != NULL &&
           (a->chat.db = dynamodb_open(&opts, a->credentials, err)) != NULL;
}

struct assistant *assistant_open(struct app *app, struct err *err)
{
    struct assistant *a = calloc(1, sizeof(*a));
    if (!a) {
        err_set(err, ERR_NO_MEMORY, "Not enough memory for the assistant");
        return NULL;
    }
    a->own_host = host_of(text_of(app->config.web_base_url));
    if (open_store(a, &app->config, err) && open_providers(a, app, err))
        return a;
    assistant_close(a);
    return NULL;
}

void assistant_close(struct assistant *a)
{
    if (!a)
        return;
    llm_close(a->vision);
    llm_close(a->llm);
    dynamodb_close(a->chat.db);
    aws_credentials_close(a->credentials);
    free(a);
}

void assistant_cancel(struct assistant *a)
{
    if (!a)
        return;
    llm_cancel(a->llm);
    llm_cancel(a->vision);
}
