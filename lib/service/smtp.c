#include "service/smtp.h"

#include <auth-client.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
/* After OpenSSL's, so that it declares smtp_starttls_set_ctx. */
#include <libesmtp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "service/smtp_net.h"

enum {
    CREDENTIAL_MAX = 255, /* the library's PLAIN copies them into buffers of this size, unchecked */
    REPLY_MAX = 256
};

struct smtp {
    struct smtp_options opts;
    char server[300]; /* host:port */
    SSL_CTX *tls;
    auth_context_t auth;
};

/* One run: one connection, or more when the server closes it between mails. */
struct run {
    struct smtp *smtp;
    const struct smtp_callbacks *cb;
    smtp_session_t session;
    struct smtp_mail mail; /* the one in hand */
    bool in_hand;
    bool given;     /* its text went to the library */
    bool finishing; /* its last line went out, or may have: the server may have taken it */
    bool ending;    /* no further mail on this connection */
    bool misconfigured;
    bool busy;               /* the server takes no mail now */
    size_t settled;          /* on this connection */
    int fd;                  /* of the TLS connection, or -1 */
    char failure[REPLY_MAX]; /* the first refusal of this connection, or what TLS found */
};

/* ---- pure ---- */

static bool is_one_of(int code, const int *codes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (code == codes[i])
            return true;
    return false;
}

enum smtp_fate smtp_fate_of(int code, enum smtp_stage stage)
{
    static const int configuration[] = {530, 534, 535, 538};
    static const int busy[] = {421, 454}; /* closing, throttled */
    if (is_one_of(code, configuration, ARRAY_LEN(configuration)))
        return SMTP_CONFIGURATION;
    if (is_one_of(code, busy, ARRAY_LEN(busy)))
        return SMTP_BUSY;
    switch (code / 100) {
    case 2: return SMTP_SENT;
    /* The sender is the same for all mails: a setting of ours, and no recipient is to blame. */
    case 5: return stage == SMTP_STAGE_MAIL ? SMTP_CONFIGURATION : SMTP_REFUSED;
    default: return stage == SMTP_STAGE_MAIL ? SMTP_BUSY : SMTP_DEFERRED;
    }
}

bool smtp_is_quota(const char *reply)
{
    return strcasestr(reply, "quota") != NULL;
}

struct text smtp_provider_id(const char *reply)
{
    struct text t = text_of(reply ? reply : "");
    const char *end = memchr(t.p, '\n', t.n);
    t = text_trim(text_slice(t, 0, end ? (size_t)(end - t.p) : t.n));
    size_t at = t.n;
    while (at > 0 && t.p[at - 1] != ' ')
        at--;
    return text_slice(t, at, t.n);
}

/* ---- the fate of the mail in hand ---- */

static void note_failure(struct run *r, const char *text, size_t n)
{
    if (r->failure[0])
        return;
    struct text line = text_trim((struct text){text, n < REPLY_MAX - 1 ? n : REPLY_MAX - 1});
    snprintf(r->failure, sizeof r->failure, "%.*s", TEXT_ARG(line));
}

static void defer(struct run *r, int code, bool any_mail, const char *reason)
{
    r->in_hand = false;
    r->cb->deferred(r->cb->to, code, any_mail, reason);
}

static void settle(struct run *r, const smtp_status_t *status, enum smtp_stage stage)
{
    char text[REPLY_MAX];
    int code = status ? status->code : 0;
    if (!r->in_hand || !code)
        return; /* the connection broke: told at its end */
    struct text reply = text_trim(text_of(status->text ? status->text : ""));
    snprintf(text, sizeof text, "%.*s", TEXT_ARG(reply));
    r->settled++;
    switch (smtp_fate_of(code, stage)) {
    case SMTP_SENT:
        r->in_hand = false;
        r->cb->sent(r->cb->to, text);
        break;
    case SMTP_REFUSED:
        r->in_hand = false;
        r->cb->refused(r->cb->to, code, text);
        break;
    case SMTP_CONFIGURATION:
        r->misconfigured = r->ending = true;
        /* A login that was refused goes before what follows from it. */
        if (strncmp(r->failure, "53", 2) != 0)
            snprintf(r->failure, sizeof r->failure, "%d %s", code, text);
        defer(r, code, true, r->failure);
        break;
    case SMTP_BUSY:
        r->busy = r->ending = true;
        snprintf(r->failure, sizeof r->failure, "%d %s", code, text);
        defer(r, code, true, r->failure);
        break;
    case SMTP_DEFERRED: defer(r, code, false, text); break;
    }
}

/* ---- the mails of a session ---- */

/* The library reads the whole text at once, and asks once more before it writes the closing dot. */
static const char *read_message(void **ctx, int *len, void *arg)
{
    struct run *r = arg;
    (void)ctx;
    if (!len) {
        r->given = false;
        return NULL;
    }
    *len = 0;
    if (!r->given) {
        r->given = true;
        *len = (int)r->mail.message.n;
        return r->mail.message.p;
    }
    if (r->in_hand && !r->cb->may_finish(r->cb->to)) {
        defer(r, 0, true, "the lease was lost before the mail was whole");
        r->settled++; /* the server is not to blame */
        r->ending = true;
    }
    r->finishing = r->in_hand;
    errno = r->in_hand ? 0 : ECANCELED; /* drops the connection: SMTP has no other way to take a mail back */
    return NULL;
}

static bool add_message(struct run *r)
{
    smtp_message_t m = smtp_add_message(r->session);
    return m && smtp_set_reverse_path(m, r->mail.from) && smtp_add_recipient(m, r->mail.recipient) &&
           smtp_set_messagecb(m, read_message, r);
}

/* Must come before the library looks for its next message, so it is called inside the event that ended the former one.
 */
static void add_next(struct run *r)
{
    if (r->ending || r->in_hand)
        return;
    r->mail = (struct smtp_mail){0};
    r->finishing = false;
    r->in_hand = r->cb->next(r->cb->to, &r->mail);
    r->ending = !r->in_hand;
    if (r->in_hand && !add_message(r)) {
        defer(r, 0, true, "no memory for a message");
        r->ending = true;
    }
}

static void on_event(smtp_session_t session, int event, void *arg, ...)
{
    struct run *r = arg;
    va_list ap;
    (void)session;
    va_start(ap, arg);
    switch (event) {
    case SMTP_EV_MAILSTATUS: {
        (void)va_arg(ap, const char *);
        const smtp_status_t *status = smtp_reverse_path_status(va_arg(ap, smtp_message_t));
        if (status->code / 100 != 2) {
            settle(r, status, SMTP_STAGE_MAIL);
            add_next(r);
        }
        break;
    }
    case SMTP_EV_RCPTSTATUS: {
        (void)va_arg(ap, const char *);
        const smtp_status_t *status = smtp_recipient_status(va_arg(ap, smtp_recipient_t));
        if (status->code / 100 != 2) {
            settle(r, status, SMTP_STAGE_RCPT);
            add_next(r);
        }
        break;
    }
    case SMTP_EV_MESSAGESENT:
        settle(r, smtp_message_transfer_status(va_arg(ap, smtp_message_t)), SMTP_STAGE_DATA);
        add_next(r);
        break;
    case SMTP_EV_STARTTLS_OK: r->fd = SSL_get_fd(va_arg(ap, SSL *)); break;
    case SMTP_EV_DISCONNECT: r->fd = -1; break;
    case SMTP_EV_INVALID_PEER_CERTIFICATE:
    case SMTP_EV_NO_PEER_CERTIFICATE:
    case SMTP_EV_WEAK_CIPHER: r->misconfigured = true; break; /* their `ok` stays 0 */
    case SMTP_EV_WRONG_PEER_CERTIFICATE: {
        /* It compared the name that DNS calls canonical; what counts is the configured one. */
        int *ok = va_arg(ap, int *);
        (void)va_arg(ap, char *);
        *ok = smtp_tls_is_host(va_arg(ap, SSL *), r->smtp->opts.host);
        r->misconfigured = r->misconfigured || !*ok;
        break;
    }
    case SMTP_EV_EXTNA_STARTTLS:
        r->misconfigured = true;
        note_failure(r, "the server offers no STARTTLS", 29);
        break;
    default: break;
    }
    va_end(ap);
}

/*
 * Replies to AUTH and EHLO reach no event. Of what is written, which holds the password, only QUIT is looked at: when
 * the server never answered for the mail in hand, it would be waited for once more.
 */
static void on_bytes(const char *buf, int n, int writing, void *arg)
{
    struct run *r = arg;
    if (writing == SMTP_CB_WRITING && r->in_hand && r->fd >= 0 && n >= 4 && memcmp(buf, "QUIT", 4) == 0)
        shutdown(r->fd, SHUT_RDWR);
    if (writing == SMTP_CB_READING && n >= 4 && (buf[0] == '4' || buf[0] == '5'))
        note_failure(r, buf, (size_t)n);
}

static int on_interact(auth_client_request_t request, char **result, int fields, void *arg)
{
    const struct smtp *s = arg;
    for (int i = 0; i < fields; i++) {
        /* The library only reads what it gets. */
        if (request[i].flags & AUTH_USER)
            result[i] = (char *)(uintptr_t)s->opts.user;
        else if (request[i].flags & AUTH_PASS)
            result[i] = (char *)(uintptr_t)s->opts.password;
        else
            return 0;
    }
    return 1;
}

/* ---- sessions ---- */

static void set_timeouts(smtp_session_t session, const struct smtp_options *o)
{
    const struct {
        int which, ms;
    } rows[] = {{Timeout_GREETING, o->reply_timeout_ms},
                {Timeout_ENVELOPE, o->reply_timeout_ms},
                {Timeout_DATA, o->reply_timeout_ms},
                {Timeout_TRANSFER, o->reply_timeout_ms},
                {Timeout_DATA2, o->delivery_timeout_ms}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        smtp_set_timeout(session, rows[i].which | Timeout_OVERRIDE_RFC2822_MINIMUM, rows[i].ms);
}

/* Its own context each time: the library frees one at the session's end, and would use a freed one in the second
 * session if it made it. */
static bool set_up(struct run *r)
{
    const struct smtp *s = r->smtp;
    set_timeouts(r->session, &s->opts);
    return smtp_set_server(r->session, s->server) && smtp_starttls_enable(r->session, Starttls_REQUIRED) &&
           smtp_starttls_set_ctx(r->session, s->tls) && smtp_set_eventcb(r->session, on_event, r) &&
           smtp_set_monitorcb(r->session, on_bytes, r, 0) && smtp_option_require_all_recipients(r->session, 1) &&
           (!s->auth || smtp_auth_set_context(r->session, s->auth));
}

static void describe_failure(struct run *r)
{
    char text[160];
    unsigned long tls = ERR_peek_last_error();
    if (r->failure[0])
        return;
    if (ERR_GET_REASON(tls) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        r->misconfigured = true;
    const char *what = text;
    if (tls)
        ERR_error_string_n(tls, text, sizeof text);
    else
        what = smtp_strerror(smtp_errno(), text, sizeof text);
    note_failure(r, what ? what : "no reason", what ? strlen(what) : 9);
}

/* One connection, with a mail in hand. */
static void run_session(struct run *r)
{
    r->settled = 0;
    r->ending = false;
    r->fd = -1;
    r->failure[0] = '\0';
    ERR_clear_error();
    r->session = smtp_create_session();
    if (r->session && set_up(r) && add_message(r))
        smtp_start_session(r->session);
    describe_failure(r);
    ERR_clear_error();
    if (r->session)
        smtp_destroy_session(r->session);
    r->session = NULL;
}

static bool fail(struct run *r, struct err *err)
{
    bool quota = r->busy && smtp_is_quota(r->failure);
    if (r->misconfigured)
        err_set(err, ERR_UNAUTHORIZED, "The mail server refuses us: its settings must be mended");
    else if (quota)
        err_set(err, ERR_RATE_LIMITED, "The mail server's quota is used up");
    else
        err_set(err, ERR_UNAVAILABLE, "The mail server takes no mail now");
    err_cause(err, "%s", r->failure);
    err->retry_after_seconds = quota ? SMTP_QUOTA_WAIT_S : 0;
    if (r->in_hand)
        defer(r, 0, true, r->failure);
    return false;
}

bool smtp_run(struct smtp *s, const struct smtp_callbacks *callbacks, struct err *err)
{
    struct run r = {.smtp = s, .cb = callbacks};
    r.in_hand = callbacks->next(callbacks->to, &r.mail);
    while (r.in_hand) {
        if (!smtp_probe(s, err)) {
            defer(&r, 0, true, err->detail);
            return false;
        }
        run_session(&r);
        /* A mail left in hand goes out on a new connection as long as the former one got something done. */
        if (r.misconfigured || r.busy || r.settled == 0)
            return fail(&r, err);
        /* But not one that the server may have taken: whether it goes out again is for the caller to know and count. */
        if (r.in_hand && r.finishing)
            defer(&r, 0, true, r.failure);
        if (!r.in_hand && !r.ending) {
            r.finishing = false;
            r.in_hand = callbacks->next(callbacks->to, &r.mail);
        }
    }
    return true;
}

bool smtp_probe(const struct smtp *s, struct err *err)
{
    return smtp_tcp_probe(&s->opts, err);
}

/* ---- life ---- */

/* So that the library reads no client certificate or CA list of the account it runs under. */
void smtp_global_init(void)
{
    setenv("XDG_CONFIG_DIR", "/nonexistent", 1);
    auth_client_init();
}

static bool open_auth(struct smtp *s, struct err *err)
{
    const char *user = s->opts.user, *password = s->opts.password;
    if (!user || !password)
        return true;
    if (strlen(user) > CREDENTIAL_MAX || strlen(password) > CREDENTIAL_MAX)
        return err_set(err, ERR_INTERNAL, "SMTP_USER and SMTP_PASSWORD may have at most %d bytes", CREDENTIAL_MAX);
    s->auth = auth_create_context();
    return (s->auth && auth_set_mechanism_flags(s->auth, AUTH_PLUGIN_PLAIN, 0) &&
            auth_set_interact_cb(s->auth, on_interact, s)) ||
           err_set(err, ERR_NO_MEMORY, "No memory for the mail client");
}

struct smtp *smtp_open(const struct smtp_options *opts, struct err *err)
{
    struct smtp *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(err, ERR_NO_MEMORY, "No memory for the mail client");
        return NULL;
    }
    s->opts = *opts;
    snprintf(s->server, sizeof s->server, "%s:%d", opts->host, opts->port);
    s->tls = smtp_tls_context(opts, err);
    if (!s->tls || !open_auth(s, err)) {
        smtp_close(s);
        return NULL;
    }
    return s;
}

void smtp_close(struct smtp *s)
{
    if (!s)
        return;
    if (s->auth)
        auth_destroy_context(s->auth);
    SSL_CTX_free(s->tls);
    free(s);
}
