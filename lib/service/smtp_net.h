/* Shared by the smtp_*.c files only: what libesmtp leaves to its user: a bounded connect and a TLS context that
 * verifies. */
#ifndef SERVICE_SMTP_NET_H
#define SERVICE_SMTP_NET_H

#include <openssl/ssl.h>

#include "base/attr.h"
#include "base/err.h"
#include "service/smtp.h"

/* TLS 1.2, the peer verified against ca_file (or the system's store) and by the name of opts->host. NULL on
 * failure. */
SSL_CTX *smtp_tls_context(const struct smtp_options *opts, struct err *err) MUST_CHECK;
/* Whether the peer's certificate is that of the configured host. */
bool smtp_tls_is_host(SSL *ssl, const char *host);
/* Connects within the time and closes again. ERR_UNAVAILABLE. */
bool smtp_tcp_probe(const struct smtp_options *opts, struct err *err) MUST_CHECK;

#endif
