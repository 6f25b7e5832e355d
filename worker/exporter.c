#include "exporter.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/id.h"
#include "base/pace.h"
#include "finance/export.h"
#include "finance/report_document.h"
#include "mailer.h"
#include "service/log.h"
#include "service/spool.h"
#include "store/household.h"
#include "store/mail_ledger.h"
#include "store/notification.h"
#include "store/user_contact.h"

enum {
    POLL_MS = 2000, /* finds due retries, and rows whose event was lost */
    FAULT_LINE_MS = 10 * 1000,
    ATTEMPTS_MAX = 5, /* faults and deaths; what is only away does not count */
    GIVE_UP_MS = 24 * 60 * 60 * 1000,
    BACK_OFF_FIRST_MS = 2000,
    BACK_OFF_MAX_MS = 60 * 1000,
    ROWS_DONE_PERCENT = 90, /* the rest is the upload */
    UPLOAD_PERCENT = 95,
    TOKEN_BYTES = 16,
    ARENA_FIRST = 16 * 1024,
    ARENA_MAX = 1024 * 1024
};

struct exporter {
    struct worker *worker;
    struct arena *mem; /* of the row in hand */
    struct bell bell;
    pthread_t thread;
    int64_t last_line_ms, failures; /* of what is away, in a row */
    struct export row;              /* in hand */
    char token[EXPORT_TOKEN_TEXT];
    int64_t rows_total;
    bool vietnamese;
    struct text recipient;
    bool may_mail;
};

/* ---- the row ---- */

static bool lost(struct err *err)
{
    return err_set(err, ERR_CONFLICT, "Somebody else works on this export");
}

static bool advance(struct exporter *x, int64_t progress, struct err *err)
{
    bool held = false;
    AUTO(db) struct db *db = db_take(x->worker->db_pool, err);
    if (!db || !export_advance(db, &x->row, x->token, progress, clock_now_ms(), &held, err))
        return false;
    return held || lost(err);
}

/* With each page: the lease lasts for far longer than a page takes. */
static bool on_page(void *to, int64_t rows, struct err *err)
{
    struct exporter *x = to;
    int64_t percent = x->rows_total > rows ? rows * ROWS_DONE_PERCENT / x->rows_total : ROWS_DONE_PERCENT;
    if (bell_stopped(&x->bell))
        return err_set(err, ERR_UNAVAILABLE, "The worker stops");
    return advance(x, percent, err);
}

/* ---- the file ---- */

static bool read_owner(struct exporter *x, struct db *db, struct export_source *s, struct err *err)
{
    struct user_contact contact = {0};
    struct err miss = {0};
    if (!household_currency(db, x->row.household_id, x->mem, &s->currency, err))
        return false;
    bool found = user_contact_find(db, x->row.household_id, x->row.user_id, x->mem, &contact, &miss);
    if (!found && miss.code != ERR_NOT_FOUND) {
        *err = miss;
        return false;
    }
    x->vietnamese = s->vietnamese = !text_eq(contact.language, TEXT("en"));
    x->may_mail = found && !contact.disabled && x->row.email;
    x->recipient = contact.email;
    return true;
}

static bool build(struct exporter *x, struct report_file *file, struct err *err)
{
    struct export_source s = {.pool = x->worker->db_pool,
                              .household_id = x->row.household_id,
                              .kind = x->row.kind,
                              .format = x->row.format,
                              .from = x->row.from,
                              .to = x->row.to,
                              .config = &x->worker->config,
                              .fd = file->fd,
                              .progress = on_page,
                              .progress_to = x};
    struct db *db = db_take(x->worker->db_pool, err);
    bool ok = db && read_owner(x, db, &s, err) && export_count(db, &s, &x->rows_total, err);
    db_give(db);
    return ok && export_make(&s, err) && spool_measure(file->fd, &file->size, file->sha256, err);
}

/* ---- the document ---- */

static bool earlier_document(struct exporter *x, struct db *db, struct document *d, bool *found, struct err *err)
{
    struct err miss = {0};
    *found = x->row.document_id && document_find(db, x->row.household_id, x->row.document_id, x->mem, d, &miss) &&
             d->state == DOCUMENT_PENDING;
    if (*found || miss.code == ERR_NONE || miss.code == ERR_NOT_FOUND)
        return true;
    *err = miss;
    return false;
}

/* That of an earlier attempt is used again, so that a death leaves no object behind that nobody knows. */
static bool take_document(struct exporter *x, const struct report_file *file, struct document *d, struct err *err)
{
    bool found = false, held = false;
    AUTO(db) struct db *db = db_take(x->worker->db_pool, err);
    if (!db || !earlier_document(x, db, d, &found, err))
        return false;
    if (found)
        return true;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    if (!tx || !report_document_insert(db, x->row.household_id, x->row.user_id, file, clock_now_ms(), x->mem, d, err) ||
        !export_set_document(db, &x->row, x->token, d->id, &held, err))
        return false;
    return (held || lost(err)) && tx_commit(tx, err);
}

/* ---- telling ---- */

static bool notify(struct exporter *x, struct db *db, const char *name, bool done, struct err *err)
{
    const char *title = x->vietnamese ? done ? "Tệp xuất đã sẵn sàng" : "Không xuất được tệp"
                        : done        ? "Your file is ready"
                                      : "Your file could not be made";
    char *message = arena_printf(x->mem, "%s: %s", title, name), event[UUID_TEXT_MAX];
    if (!message)
        return err_set(err, ERR_NO_MEMORY, "no memory for a notification");
    snprintf(event, sizeof(event), "%.*s", TEXT_ARG(x->row.event_id));
    const struct notification_row row = {.household_id = x->row.household_id,
                                         .user_id = x->row.user_id,
                                         .event_id = event,
                                         .type = "MONTHLY_REPORT",
                                         .subject_id = x->row.id,
                                         .title = text_of(title),
                                         .message = text_of(message)};
    return notification_add(db, &row, clock_now_ms(), err);
}

static bool queue_mail(struct exporter *x, struct db *db, const struct document *d, const char *name, struct err *err)
{
    if (!x->may_mail)
        return true;
    char *data = arena_printf(x->mem, "{\"file\":\"%s\"}", name); /* our own name: nothing in it to escape */
    struct mail_row row = {.household_id = x->row.household_id,
                           .user_id = x->row.user_id,
                           .event_id = x->row.event_id,
                           .recipient = x->recipient,
                           .template_name = TEXT("export_ready"),
                           .language = x->vietnamese ? TEXT("vi") : TEXT("en"),
                           .document_id = d->id,
                           .data = text_of(data)};
    return data ? mail_enqueue(db, &row, clock_now_ms(), err) : err_set(err, ERR_NO_MEMORY, "no memory for a mail");
}

/* All at once, or, when the lease is another's by now, nothing. */
static bool finish(struct exporter *x, const struct document *d, const struct report_file *file, struct err *err)
{
    bool held = false;
    int64_t now_ms = clock_now_ms();
    AUTO(db) struct db *db = db_take(x->worker->db_pool, err);
    if (!db)
        return false;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    if (!tx || !export_finish(db, &x->row, x->token, NULL, now_ms, &held, err))
        return false;
    return (held || lost(err)) && report_document_stored(db, d, file, now_ms, err) &&
           notify(x, db, file->name, true, err) && queue_mail(x, db, d, file->name, err) && tx_commit(tx, err);
}

static bool fail_row(struct exporter *x, const struct err *why, struct err *err)
{
    bool held = false;
    char name[EXPORT_NAME_MAX];
    export_name(x->row.kind, x->row.format, x->row.from, x->row.to, name);
    AUTO(db) struct db *db = db_take(x->worker->db_pool, err);
    if (!db)
        return false;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    if (!tx || !export_finish(db, &x->row, x->token, err_row(why->code)->name, clock_now_ms(), &held, err))
        return false;
    return (held || lost(err)) && notify(x, db, name, false, err) && tx_commit(tx, err);
}

/* ---- one row ---- */

static bool make(struct exporter *x, struct err *err)
{
    struct document d = {0};
    char name[EXPORT_NAME_MAX];
    export_name(x->row.kind, x->row.format, x->row.from, x->row.to, name);
    struct report_file file = {.name = name, .content_type = export_content_type(x->row.format)};
    /* Without S3 a file would be made for nothing. */
    if (!s3_ping(x->worker->s3, NULL, err) || (file.fd = spool_open(&x->worker->config, err)) < 0)
        return false;
    bool ok = build(x, &file, err) && advance(x, UPLOAD_PERCENT, err) && take_document(x, &file, &d, err) &&
              report_document_put(x->worker->s3, &d, &file, err) && finish(x, &d, &file, err);
    close(file.fd);
    return ok;
}

static bool is_over(const struct exporter *x, const struct err *why)
{
    if (err_is_transient(why))
        return clock_now_ms() - x->row.created_at_ms > GIVE_UP_MS;
    return why->code != ERR_INTERNAL || x->row.attempts >= ATTEMPTS_MAX;
}

static void tell(struct exporter *x, enum log_level level, const char *what, const struct err *err)
{
    if (level == LOG_ERROR || pace_due(&x->last_line_ms, clock_monotonic_ms(), FAULT_LINE_MS))
        log_err(level, "exports", what, err);
}

/* What cannot be written here is given back by the lease. */
static void give_back(struct exporter *x, const struct err *why)
{
    struct err err = {0};
    bool away = err_is_transient(why);
    x->failures += away;
    int64_t wait =
        pace_backoff_ms(BACK_OFF_FIRST_MS, away ? x->failures : x->row.attempts, BACK_OFF_MAX_MS, random_below(256));
    AUTO(db) struct db *db = db_take(x->worker->db_pool, &err);
    if (!db || !export_back_off(db, &x->row, x->token, !away, clock_now_ms() + wait, &err))
        tell(x, LOG_WARN, "an export could not be given back; its lease gives it back", &err);
}

static void settle(struct exporter *x, const struct err *why)
{
    struct err err = {0};
    if (why->code == ERR_CONFLICT || why->code == ERR_NOT_FOUND)
        tell(x, LOG_WARN, "an export was taken over by another worker", why);
    else if (!is_over(x, why)) {
        tell(x, LOG_WARN, "an export waits", why);
        give_back(x, why);
    } else {
        tell(x, LOG_ERROR, "an export failed", why);
        if (!fail_row(x, why, &err))
            tell(x, LOG_WARN, "a failed export could not be recorded; its lease gives it back", &err);
    }
}

static void run_row(struct exporter *x)
{
    struct err err = {0};
    int64_t began_ms = clock_monotonic_ms();
    /* Whoever died with it so often would die again. */
    bool ok = x->row.attempts <= ATTEMPTS_MAX || err_set(&err, ERR_PERMANENT, "too many attempts");
    if (ok && make(x, &err)) {
        x->failures = 0;
        mailer_wake(x->may_mail ? x->worker->mailer : NULL);
        log_info("exports", "export %" PRId64 " (%s, %s) with %" PRId64 " rows took %" PRId64 " ms", x->row.id,
                 EXPORT_KINDS[x->row.kind], EXPORT_FORMATS[x->row.format], x->rows_total,
                 clock_monotonic_ms() - began_ms);
    } else {
        settle(x, &err);
    }
}

static bool claim(struct exporter *x, struct err *err)
{
    bool found = false;
    random_hex(TOKEN_BYTES, x->token);
    arena_reset(x->mem);
    x->vietnamese = true;
    x->rows_total = 0;
    AUTO(db) struct db *db = db_take(x->worker->db_pool, err);
    return db && export_claim(db, x->token, clock_now_ms(), x->mem, &x->row, &found, err) && found;
}

static void *run(void *arg)
{
    struct exporter *x = arg;
    log_thread_name("exports");
    do {
        struct err err = {0};
        while (!bell_stopped(&x->bell) && claim(x, &err))
            run_row(x);
        if (err.code != ERR_NONE)
            tell(x, LOG_WARN, "exports wait", &err);
    } while (bell_wait(&x->bell, POLL_MS));
    return NULL;
}

static void release(struct exporter *x)
{
    arena_free(x->mem);
    bell_release(&x->bell);
    free(x);
}

struct exporter *exporter_start(struct worker *w, struct err *err)
{
    struct exporter *x = calloc(1, sizeof(*x));
    if (!x) {
        err_set(err, ERR_NO_MEMORY, "no memory for the exporter");
        return NULL;
    }
    x->worker = w;
    bell_init(&x->bell);
    x->mem = arena_new(ARENA_FIRST, ARENA_MAX);
    if (!x->mem || pthread_create(&x->thread, NULL, run, x) != 0) {
        err_set(err, ERR_INTERNAL, "the exporter's thread could not be started");
        release(x);
        return NULL;
    }
    return x;
}

void exporter_wake(struct exporter *x)
{
    if (x)
        bell_ring(&x->bell);
}

void exporter_stop(struct exporter *x)
{
    if (!x)
        return;
    bell_stop(&x->bell);
    pthread_join(x->thread, NULL);
    release(x);
}
