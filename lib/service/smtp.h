/*
 * Mail out over libesmtp: STARTTLS always and verified by the configured host name, AUTH by password, many mails on one
 * connection. Mails are asked for one after the other and each one's fate is told exactly once, before the next is
 * asked for. One thread at a time. Never logs. The message must be ready: MIME, CRLF at every line's end.
 */
#ifndef SERVICE_SMTP_H
#define SERVICE_SMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct smtp_options {
    const char *host;
    int port;
    const char *user, *password; /* NULL: no AUTH */
    const char *ca_file;         /* NULL: the system's store */
    int connect_timeout_ms;
    int reply_timeout_ms;    /* for each answer of the server */
    int delivery_timeout_ms; /* for the answer to the whole mail */
};

struct smtp_mail {
    const char *from, *recipient; /* ASCII addresses */
    struct text message;          /* stays valid until the fate is told */
};

/* The callbacks may wait: the connection waits with them. */
struct smtp_callbacks {
    void *to;
    /* False: there is none (any more), the connection is closed. */
    bool (*next)(void *to, struct smtp_mail *mail);
    /* Asked before the last line of the mail goes out. False gives the mail up (told as deferred) and drops the
     * connection. */
    bool (*may_finish)(void *to);
    void (*sent)(void *to, const char *reply);
    void (*refused)(void *to, int code, const char *reply); /* for good: 5xx for this recipient or mail */
    /* For now. code: of the server's answer, 0 when there was none. any_mail: it takes none at all now, this one is not
     * to blame. */
    void (*deferred)(void *to, int code, bool any_mail, const char *reason);
};

struct smtp;
void smtp_global_init(void); /* once, before threads */
/* Does not connect. ERR_INTERNAL when ca_file cannot be read. */
struct smtp *smtp_open(const struct smtp_options *opts, struct err *err) MUST_CHECK;
void smtp_close(struct smtp *s);

/* A TCP connection and nothing more, within connect_timeout_ms. ERR_UNAVAILABLE. */
bool smtp_probe(const struct smtp *s, struct err *err) MUST_CHECK;

/*
 * Sends what `next` gives until it gives none; connects only when there is a first one. True when every mail got an
 * answer of its own. ERR_UNAVAILABLE: the server is down or sends us away for now. ERR_RATE_LIMITED: the day's quota is
 * used up, err->retry_after_seconds says how long to wait. ERR_UNAUTHORIZED: settings must be mended (login refused,
 * certificate wrong, sender refused); no mail is refused for that.
 */
bool smtp_run(struct smtp *s, const struct smtp_callbacks *callbacks, struct err *err) MUST_CHECK;

/* ---- pure ---- */

enum { SMTP_QUOTA_WAIT_S = 600 }; /* a provider's day slides, so more may be allowed at any time */

/* SMTP_BUSY: no mail now, for all of them. */
enum smtp_fate { SMTP_SENT, SMTP_REFUSED, SMTP_DEFERRED, SMTP_BUSY, SMTP_CONFIGURATION };
enum smtp_stage { SMTP_STAGE_MAIL, SMTP_STAGE_RCPT, SMTP_STAGE_DATA };
/* What a reply at this stage means for the mail. */
enum smtp_fate smtp_fate_of(int code, enum smtp_stage stage);
/* Whether the text of a 454 speaks of a day's quota rather than of the rate. */
bool smtp_is_quota(const char *reply);
/* The provider's id of a mail: the last word of its 250 reply ("Ok 0102018f...", "2.0.0 OK x.eml"). */
struct text smtp_provider_id(const char *reply);

#endif
