#include "mailer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/pace.h"
#include "mail_backoff.h"
#include "mail_file.h"
#include "mail_prepare.h"
#include "service/log.h"
#include "service/metrics.h"
#include "service/smtp.h"
#include "store/mail_ledger.h"

enum {
    POLL_MS = 2000, /* a wake of this process is never waited for; this finds due retries and other workers' rows */
    IDLE_MS = 10 * 1000, /* how long a connection is kept open for a next mail */
    MAILS_PER_CONNECTION = 100,
    CONNECTION_MS = 4 * 60 * 1000, /* long connections are cut by the provider */
    CONNECT_TIMEOUT_MS = 5000,
    REPLY_TIMEOUT_MS = 10 * 1000,
    DELIVERY_TIMEOUT_MS = 20 * 1000,
    FAULT_LINE_MS = 10 * 1000,
    RECORD_RETRY_MS = 500,
    RELEASE_MS = 1000, /* a mail that a server's trouble held up is due again after this */
    ARENA_FIRST = 64 * 1024,
    ARENA_MAX = 24 * 1024 * 1024, /* one mail, with ten megabytes of a file in base64 */
    FILE_RETRY_MS = 10 * 1000,
    ADDRESS_MAX = 320,
    TOKEN_BYTES = 16
};

struct mailer {
    struct worker *worker;
    struct bell bell;
    pthread_t thread;
    struct smtp *smtp;
    struct arena *mem; /* of the mail in hand */

    struct mail_row row;   /* the mail in hand */
    struct mail_file file; /* and what goes along with it */
    char token[2 * TOKEN_BYTES + 1];
    char recipient[ADDRESS_MAX];

    size_t on_connection;
    int64_t connected_at_ms; /* monotonic */
    int64_t failures;        /* of the server or the settings, in a row */
    int64_t deferrals;       /* 4xx for mails, in a row: none was taken between them */
    bool database_down;
    int64_t last_line_ms;
};

/* ---- the ledger ---- */

static bool claim(struct mailer *m, bool *found, struct err *err)
{
    random_hex(TOKEN_BYTES, m->token);
    mail_file_release(&m->file);
    arena_reset(m->mem);
    AUTO(db) struct db *db = db_take(m->worker->db_pool, err);
    if (!db || !mail_claim(db, m->token, clock_now_ms(), m->mem, &m->row, found, err))
        return false;
    if (*found && m->row.doubtful)
        log_warn("mailer", "mail %" PRId64 " goes out again, in doubt whether the server had it (%" PRId64 " times)",
                 m->row.id, m->row.in_doubt);
    return true;
}

/* Under the lease, since a code is stored here: one of a mailer that was frozen must not void the code that another
 * mailer has sent meanwhile. */
static bool prepare(struct mailer *m, struct text *message, bool *held, struct err *err)
{
    int64_t now_ms = clock_now_ms();
    AUTO(db) struct db *db = db_take(m->worker->db_pool, err);
    if (!db)
        return false;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    if (!tx || !mail_hold(db, m->row.id, m->token, now_ms, held, err))
        return false;
    return !*held || (mail_prepare(db, &m->worker->config, &m->row, m->row.document_id ? &m->file : NULL, now_ms,
                                   m->mem, message, err) &&
                      tx_commit(tx, err));
}

static void mark_refused(struct mailer *m, const char *reason)
{
    struct err err = {0};
    AUTO(db) struct db *db = db_take(m->worker->db_pool, &err);
    if (!db || !mail_mark_refused(db, m->row.id, m->token, reason, &err))
        log_err(LOG_WARN, "mailer", "a refused mail could not be marked; it is tried again", &err);
}

static void back_off(struct mailer *m, enum mail_cause cause, int64_t wait_ms, const char *reason)
{
    struct err err = {0};
    AUTO(db) struct db *db = db_take(m->worker->db_pool, &err);
    if (!db || !mail_back_off(db, m->row.id, m->token, cause, clock_now_ms() + wait_ms, reason, &err))
        log_err(LOG_WARN, "mailer", "a mail could not be given back; its lease gives it back", &err);
}

/* ---- one mail after the other ---- */

static void give_up(struct mailer *m, int64_t age_ms, const char *reason)
{
    mark_refused(m, reason);
    log_error("mailer", "mail %" PRId64 " was given up after %" PRId64 " hours", m->row.id, age_ms / 3600000);
}

/* A file that cannot be had for now holds up its own mail only. */
static bool fetch_file(struct mailer *m)
{
    struct err err = {0};
    if (!m->row.document_id || mail_file_fetch(m->worker, &m->row, m->mem, &m->file, &err))
        return true;
    int64_t age_ms = clock_now_ms() - m->row.created_at_ms;
    if (age_ms > MAIL_GIVE_UP_MS)
        give_up(m, age_ms, err.detail);
    else
        back_off(m, MAIL_SERVER_BUSY, FILE_RETRY_MS, err.detail);
    if (pace_due(&m->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        log_err(LOG_WARN, "mailer", "a mail waits for the file that goes along", &err);
    return false;
}

/* Superseded codes are everyday life; anything else that can never be sent is a fault of ours or of the data. */
static void refuse_unsent(struct mailer *m, const struct err *why)
{
    bool superseded = text_eq(text_of(why->detail), TEXT("superseded"));
    mark_refused(m, why->detail);
    metric_add(METRIC_MAILS, METRIC_MAIL_UNSENDABLE, 0, 1);
    if (superseded)
        log_info("mailer", "mail %" PRId64 " is superseded by a newer one", m->row.id);
    else
        log_err(LOG_ERROR, "mailer", "a mail can never be sent", why);
}

/* The next mail that can be sent. False when there is none, or the database is away. */
static bool take_mail(struct mailer *m, struct smtp_mail *mail)
{
    struct err err = {0};
    bool found = false, held = false;
    while (!bell_stopped(&m->bell) && claim(m, &found, &err) && found) {
        if (!fetch_file(m))
            continue;
        if (prepare(m, &mail->message, &held, &err)) {
            if (!held)
                continue;
            snprintf(m->recipient, sizeof m->recipient, "%.*s", TEXT_ARG(m->row.recipient));
            mail->recipient = m->recipient;
            mail->from = m->worker->config.mail_from;
            return true;
        }
        if (err_is_transient(&err) || err.code == ERR_INTERNAL)
            break; /* the lease gives it back */
        refuse_unsent(m, &err);
        err_clear(&err);
    }
    m->database_down = err.code != ERR_NONE;
    if (err.code != ERR_NONE && pace_due(&m->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        log_err(LOG_WARN, "mailer", "mails wait in the ledger", &err);
    return false;
}

/* Keeps the connection open for a while: the next mail then costs no handshake. */
static bool next(void *to, struct smtp_mail *mail)
{
    struct mailer *m = to;
    int64_t until = clock_monotonic_ms() + IDLE_MS;
    if (m->on_connection == 0)
        m->connected_at_ms = clock_monotonic_ms();
    else if (m->on_connection >= MAILS_PER_CONNECTION || clock_monotonic_ms() - m->connected_at_ms > CONNECTION_MS)
        return false;
    bool got = take_mail(m, mail);
    while (!got && m->on_connection && !m->database_down && clock_monotonic_ms() < until &&
           bell_wait(&m->bell, POLL_MS))
        got = take_mail(m, mail);
    m->on_connection += got;
    return got;
}

/* Asked before the closing dot: the lease must last until the server has answered it. */
static bool may_finish(void *to)
{
    struct mailer *m = to;
    struct err err = {0};
    bool held = false;
    AUTO(db) struct db *db = db_take(m->worker->db_pool, &err);
    int64_t now_ms = clock_now_ms();
    return db && mail_announce_finish(db, m->row.id, m->token, now_ms, now_ms + DELIVERY_TIMEOUT_MS, &held, &err) &&
           held;
}

static bool mark_sent(struct mailer *m, const char *provider_id, struct err *err)
{
    AUTO(db) struct db *db = db_take(m->worker->db_pool, err);
    return db && mail_mark_sent(db, m->row.id, provider_id, clock_now_ms(), err);
}

/* Nothing can be done before the database is back, so its answer is waited for: what is not recorded goes out once more
 * when the lease has passed. */
static void sent(void *to, const char *reply)
{
    struct mailer *m = to;
    struct err err = {0};
    char id[128];
    struct text provider = smtp_provider_id(reply);
    snprintf(id, sizeof id, "%.*s", TEXT_ARG(provider));
    m->failures = m->deferrals = 0;
    metric_add(METRIC_MAILS, METRIC_MAIL_SENT, 0, 1);
    while (!mark_sent(m, id, &err)) {
        if (pace_due(&m->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
            log_err(LOG_WARN, "mailer", "a mail was sent and is still to be recorded", &err);
        if (!bell_wait(&m->bell, RECORD_RETRY_MS)) {
            log_err(LOG_ERROR, "mailer", "a mail was sent and could not be recorded; it may come twice", &err);
            return;
        }
        err_clear(&err);
    }
    log_info("mailer", "sent mail %" PRId64 " (%.*s) of event %.*s after %" PRId64 " ms", m->row.id,
             TEXT_ARG(m->row.template_name), TEXT_ARG(m->row.event_id), clock_now_ms() - m->row.created_at_ms);
}

static void refused(void *to, int code, const char *reply)
{
    struct mailer *m = to;
    char reason[256];
    m->failures = m->deferrals = 0;
    metric_add(METRIC_MAILS, METRIC_MAIL_REFUSED, 0, 1);
    snprintf(reason, sizeof reason, "%d %s", code, reply);
    mark_refused(m, reason);
    log_warn("mailer", "mail %" PRId64 " was refused for good with %d", m->row.id, code);
}

/* A server in trouble says nothing about this mail: it is due again as soon as the server is well. */
static void deferred(void *to, int code, bool any_mail, const char *reason)
{
    struct mailer *m = to;
    int64_t age_ms = clock_now_ms() - m->row.created_at_ms;
    uint32_t chance = random_below(256);
    metric_add(METRIC_MAILS, METRIC_MAIL_DEFERRED, 0, 1);
    if (age_ms > MAIL_GIVE_UP_MS) {
        give_up(m, age_ms, reason);
        return;
    }
    if (any_mail) {
        back_off(m, code ? MAIL_SERVER_BUSY : MAIL_NO_ANSWER, RELEASE_MS, reason);
        return;
    }
    if (m->deferrals++ == 0)
        back_off(m, MAIL_DEFERRED, mail_backoff_ms(m->row.attempts + 1, chance), reason);
    else
        back_off(m, MAIL_SERVER_BUSY, mail_unclear_backoff_ms(age_ms, chance), reason);
    log_info("mailer", "mail %" PRId64 " waits: the server said %d", m->row.id, code);
}

/* ---- the thread ---- */

static void tell_failure(struct mailer *m, const struct err *err)
{
    bool settings = err->code == ERR_UNAUTHORIZED;
    if (!pace_due(&m->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        return;
    if (settings)
        log_err(LOG_ERROR, "mailer", "no mail can be sent until the settings are mended", err);
    else
        log_err(LOG_WARN, "mailer", "waiting for the mail server", err);
}

/* After a failure a mere connection is tried first, so that no mail is claimed for nothing. */
static bool work(struct mailer *m, struct err *err)
{
    const struct smtp_callbacks callbacks = {
        .to = m, .next = next, .may_finish = may_finish, .sent = sent, .refused = refused, .deferred = deferred};
    m->on_connection = 0;
    if (m->failures && !smtp_probe(m->smtp, err))
        return false;
    return smtp_run(m->smtp, &callbacks, err);
}

/* A ring must not cut a wait for the server short. */
static bool wait_whole(struct mailer *m, int64_t ms)
{
    int64_t until = clock_monotonic_ms() + ms, now;
    bool go_on = true;
    while (go_on && (now = clock_monotonic_ms()) < until)
        go_on = bell_wait(&m->bell, until - now);
    return go_on;
}

static void *run(void *arg)
{
    struct mailer *m = arg;
    bool go_on = true;
    log_thread_name("mailer");
    while (go_on) {
        struct err err = {0};
        if (work(m, &err)) {
            /* After a connection that was full there may be more at once. */
            go_on = m->on_connection >= MAILS_PER_CONNECTION ? !bell_stopped(&m->bell) : bell_wait(&m->bell, POLL_MS);
        } else {
            tell_failure(m, &err);
            m->failures++;
            go_on = wait_whole(m, err.retry_after_seconds ? err.retry_after_seconds * INT64_C(1000)
                                                          : mail_server_backoff_ms(m->failures, random_below(256)));
        }
    }
    return NULL;
}

static void release(struct mailer *m)
{
    smtp_close(m->smtp);
    mail_file_release(&m->file);
    arena_free(m->mem);
    bell_release(&m->bell);
    free(m);
}

static bool open_parts(struct mailer *m, struct err *err)
{
    const struct config *c = &m->worker->config;
    struct smtp_options opts = {.host = c->smtp_host,
                                .port = (int)c->smtp_port,
                                .user = c->smtp_user,
                                .password = c->smtp_password,
                                .ca_file = c->smtp_ca_file,
                                .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                .reply_timeout_ms = REPLY_TIMEOUT_MS,
                                .delivery_timeout_ms = DELIVERY_TIMEOUT_MS};
    m->mem = arena_new(ARENA_FIRST, ARENA_MAX);
    if (!m->mem)
        return err_set(err, ERR_NO_MEMORY, "no memory for the mailer");
    m->smtp = smtp_open(&opts, err);
    return m->smtp != NULL;
}

struct mailer *mailer_start(struct worker *w, struct err *err)
{
    struct mailer *m = calloc(1, sizeof *m);
    if (!m) {
        err_set(err, ERR_NO_MEMORY, "no memory for the mailer");
        return NULL;
    }
    m->worker = w;
    bell_init(&m->bell);
    if (!open_parts(m, err)) {
        release(m);
        return NULL;
    }
    if (pthread_create(&m->thread, NULL, run, m) != 0) {
        err_set(err, ERR_INTERNAL, "the mailer's thread could not be started");
        release(m);
        return NULL;
    }
    return m;
}

void mailer_wake(struct mailer *m)
{
    if (m)
        bell_ring(&m->bell);
}

void mailer_stop(struct mailer *m)
{
    if (!m)
        return;
    bell_stop(&m->bell);
    pthread_join(m->thread, NULL);
    release(m);
}
