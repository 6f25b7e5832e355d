#include "service/redis_internal.h"

#include <poll.h>

#ifdef HAVE_HIREDIS_SSL
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#endif

static struct timeval timeval_of(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

#ifdef HAVE_HIREDIS_SSL
bool redis_tls_new(const struct redis_address *address, const char *ca_file, void **tls, struct err *err)
{
    *tls = NULL;
    if (!address->tls)
        return true;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (ca_file ? !SSL_CTX_load_verify_locations(ctx, ca_file, NULL) : !SSL_CTX_set_default_verify_paths(ctx)) {
        SSL_CTX_free(ctx);
        return err_set(err, ERR_VALIDATION, "the certificates for the TLS connection to Redis cannot be read");
    }
    *tls = ctx;
    return true;
}

void redis_tls_free(void *tls)
{
    SSL_CTX_free(tls);
}

/* hiredis itself never checks the host name, so the session is made here. It owns the session even when this fails. */
static bool start_tls(redisContext *c, const char *host, void *tls)
{
    SSL *ssl = SSL_new(tls);
    if (!ssl)
        return false;
    if (!SSL_set1_host(ssl, host) || !SSL_set_tlsext_host_name(ssl, host)) {
        SSL_free(ssl);
        return false;
    }
    return redisInitiateSSL(c, ssl) == REDIS_OK;
}
#else
bool redis_tls_new(const struct redis_address *address, const char *ca_file, void **tls, struct err *err)
{
    (void)ca_file;
    *tls = NULL;
    return !address->tls || err_set(err, ERR_VALIDATION, "this build cannot talk TLS to Redis");
}

void redis_tls_free(void *tls)
{
    (void)tls;
}

static bool start_tls(redisContext *c, const char *host, void *tls)
{
    (void)c, (void)host, (void)tls;
    return false;
}
#endif

/* One command whose only good answer is a status. */
static bool order(redisContext *c, int argc, const char **argv)
{
    redisReply *reply = redisCommandArgv(c, argc, argv, NULL);
    bool ok = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return ok;
}

static bool log_in(redisContext *c, const struct redis_address *address)
{
    const char *with_user[] = {"AUTH", address->user, address->password}, *plain[] = {"AUTH", address->password};
    if (!address->password[0])
        return true;
    return address->user[0] ? order(c, 3, with_user) : order(c, 2, plain);
}

static bool choose_db(redisContext *c, const struct redis_address *address)
{
    char db[16];
    snprintf(db, sizeof db, "%d", address->db);
    const char *argv[] = {"SELECT", db};
    return !address->db || order(c, 2, argv);
}

static bool set_up(redisContext *c, const struct redis_address *address, const struct redis_options *opts, void *tls,
                   struct err *err)
{
    if (c->err)
        return redis_unavailable(err, c->errstr);
    if (redisSetTimeout(c, timeval_of(opts->io_timeout_ms)) != REDIS_OK)
        return redis_unavailable(err, "connect: the time-out cannot be set");
    if (tls && !start_tls(c, address->host, tls))
        return redis_unavailable(err, c->err ? c->errstr : "connect: no TLS session");
    if (!log_in(c, address))
        return redis_unavailable(err, "connect: AUTH failed");
    if (!choose_db(c, address))
        return redis_unavailable(err, "connect: SELECT failed");
    return true;
}

redisContext *redis_connect(const struct redis_address *address, const struct redis_options *opts, void *tls,
                            struct err *err)
{
    struct timeval limit = timeval_of(opts->connect_timeout_ms);
    redisContext *c = address->socket[0] ? redisConnectUnixWithTimeout(address->socket, limit)
                                         : redisConnectWithTimeout(address->host, address->port, limit);
    if (!c) {
        err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
        return NULL;
    }
    if (!set_up(c, address, opts, tls, err)) {
        redisFree(c);
        return NULL;
    }
    return c;
}

bool redis_looks_alive(const redisContext *c)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLIN | POLLRDHUP};
    return poll(&fd, 1, 0) == 0;
}
