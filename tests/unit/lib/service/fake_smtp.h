/*
 * A mail server on the loopback for the tests of the mail client: takes everything over STARTTLS and AUTH, except what
 * its rules say. One connection after the other.
 */
#ifndef TESTS_SERVICE_FAKE_SMTP_H
#define TESTS_SERVICE_FAKE_SMTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct fake_rule {
    const char *verb; /* GREETING, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, DOT (the end of a mail), QUIT */
    size_t nth;       /* which one since the start, from 1; 0: each */
    const char *reply;
    enum { FAKE_ANSWER, FAKE_HANG, FAKE_CUT } does; /* hang: until the client goes */
};

struct fake_smtp;
/* With a certificate for `host` that it signed itself. The rules end with a row without a verb; NULL: none. */
struct fake_smtp *fake_smtp_start(const char *host, const struct fake_rule *rules);
void fake_smtp_stop(struct fake_smtp *f);
int fake_smtp_port(const struct fake_smtp *f);
const char *fake_smtp_ca(const struct fake_smtp *f); /* a file */

/* The rest waits until no client is connected. The verbs of all connections in order, with spaces between them; "tls"
 * stands where one was encrypted. */
const char *fake_smtp_talk(struct fake_smtp *f);
size_t fake_smtp_mails(struct fake_smtp *f);
/* The i-th mail as the client meant it: without the dots that SMTP adds. */
struct text fake_smtp_mail(struct fake_smtp *f, size_t i);

#endif
