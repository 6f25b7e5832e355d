#include "service/smtp_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

static bool is_address(const char *host)
{
    unsigned char buf[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, buf) == 1 || inet_pton(AF_INET6, host, buf) == 1;
}

static bool expect_host(SSL_CTX *ctx, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}

static bool trust(SSL_CTX *ctx, const char *ca_file)
{
    return (ca_file ? SSL_CTX_load_verify_file(ctx, ca_file) : SSL_CTX_set_default_verify_paths(ctx)) == 1;
}

/*
 * TLS 1.2 with forward secrecy and nothing newer: a server of TLS 1.3 sends session tickets unasked, and when one
 * arrives before libesmtp has flushed its EHLO, libesmtp takes it for the answer's beginning, blocks in the read, and
 * sends the EHLO never.
 */
static bool limit(SSL_CTX *ctx)
{
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

SSL_CTX *smtp_tls_context(const struct smtp_options *opts, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx && limit(ctx) && trust(ctx, opts->ca_file) && expect_host(ctx, opts->host)) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        return ctx;
    }
    char text[160];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    err_set(err, ERR_INTERNAL, "The mail client's TLS could not be set up (is SMTP_CA_FILE readable?)");
    err_cause(err, "%s", text);
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return NULL;
}

bool smtp_tls_is_host(SSL *ssl, const char *host)
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    bool same =
        cert && (is_address(host) ? X509_check_ip_asc(cert, host, 0)
                                  : X509_check_host(cert, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL)) == 1;
    X509_free(cert);
    return same;
}

static bool connected(int fd, int64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int64_t left = deadline_ms - clock_monotonic_ms();
    int fault = 0;
    socklen_t n = sizeof fault;
    if (left <= 0 || poll(&p, 1, (int)left) != 1) {
        errno = ETIMEDOUT;
        return false;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &n) != 0)
        return false;
    errno = fault;
    return fault == 0;
}

static bool probe_address(const struct addrinfo *a, int64_t deadline_ms)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return false;
    bool up = connect(fd, a->ai_addr, a->ai_addrlen) == 0 || (errno == EINPROGRESS && connected(fd, deadline_ms));
    int fault = errno;
    close(fd);
    errno = fault;
    return up;
}

/* libesmtp tries the addresses in this order and would wait for the system's connect time-out at each, so the first
 * must answer. */
bool smtp_tcp_probe(const struct smtp_options *opts, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    char port[8];
    snprintf(port, sizeof port, "%d", opts->port);
    int fault = getaddrinfo(opts->host, port, &hints, &list);
    if (fault) {
        err_set(err, ERR_UNAVAILABLE, "The mail server's name cannot be resolved");
        return err_cause(err, "%s: %s", opts->host, gai_strerror(fault));
    }
    bool up = false, hangs = false;
    int64_t deadline_ms = clock_monotonic_ms() + opts->connect_timeout_ms;
    for (const struct addrinfo *a = list; a && !up && !hangs; a = a->ai_next) {
        up = probe_address(a, deadline_ms);
        hangs = !up && errno == ETIMEDOUT;
    }
    fault = errno;
    freeaddrinfo(list);
    if (up)
        return true;
    char text[96];
    err_set(err, ERR_UNAVAILABLE, "The mail server does not answer");
    return err_cause(err, "%s:%s: %s", opts->host, port, strerror_r(fault, text, sizeof text));
}
