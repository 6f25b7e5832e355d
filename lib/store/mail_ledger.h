/*
 * Table mail_ledger: a mail is decoupled from its job; the mailer drains pending rows under leases. A mail cannot be
 * sent exactly once: whoever dies between its last line and the record of the server's answer leaves it in doubt, and
 * it is sent again. So the last line is announced in the row first, and a claim that finds such an announcement counts
 * it in the column in_doubt.
 */
#ifndef STORE_MAIL_LEDGER_H
#define STORE_MAIL_LEDGER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

enum {
    MAIL_LEASE_MS = 60 * 1000,
    MAIL_WAIT_MAX_MS = 60 * 60 * 1000 /* well beyond every back-off and lease */
};

struct mail_row {
    int64_t id, household_id, user_id, created_at_ms;
    int64_t attempts;    /* deferrals of this very mail so far */
    int64_t in_doubt;    /* how often it was, or now is, sent again though the server may have had it */
    bool doubtful;       /* this claim raised in_doubt */
    int64_t document_id; /* of the household, to go along; 0: none */
    struct text event_id, recipient, template_name, language, data; /* data: JSON object */
};

/* In the job's transaction. A second row for the same event and recipient is the same mail: no error, nothing added. */
bool mail_enqueue(struct db *db, const struct mail_row *row, int64_t now_ms, struct err *err) MUST_CHECK;
/* Takes the next due row under a lease of MAIL_LEASE_MS (pending, or sending with a lapsed lease); *found false when
 * there is none. */
bool mail_claim(struct db *db, const char *token, int64_t now_ms, struct arena *mem, struct mail_row *out, bool *found,
                struct err *err) MUST_CHECK;
/* In a transaction, until whose end nobody else can take the mail: *held is false when the lease is not ours any more.
 */
bool mail_hold(struct db *db, int64_t id, const char *token, int64_t now_ms, bool *held, struct err *err) MUST_CHECK;
/* Before DATA's last line: announces it. *held is false when the lease is not ours at until_ms: it must not go out. */
bool mail_announce_finish(struct db *db, int64_t id, const char *token, int64_t now_ms, int64_t until_ms, bool *held,
                          struct err *err) MUST_CHECK;
/* Whoever holds the lease by now: what the server took must not go out once more. */
bool mail_mark_sent(struct db *db, int64_t id, const char *provider_id, int64_t now_ms, struct err *err) MUST_CHECK;
bool mail_mark_refused(struct db *db, int64_t id, const char *token, const char *reason, struct err *err) MUST_CHECK;

/* What kept a mail from going out, for mail_back_off. */
enum mail_cause {
    MAIL_DEFERRED,    /* the server's answer about this mail: its own attempts grow */
    MAIL_SERVER_BUSY, /* its answer about any mail */
    MAIL_NO_ANSWER    /* none: in doubt if the last line was announced */
};
/* Back to pending, to be tried at next_try_at_ms. */
bool mail_back_off(struct db *db, int64_t id, const char *token, enum mail_cause cause, int64_t next_try_at_ms,
                   const char *reason, struct err *err) MUST_CHECK;
/* Mails that wait longer than MAIL_WAIT_MAX_MS, counted from the database's own clock, were written by a machine whose
 * clock ran ahead: due now. Who holds one of them loses it before the last line, as by a lapsed lease. */
bool mail_pull_back(struct db *db, int64_t *rows, struct err *err) MUST_CHECK;
bool mail_backlog(struct db *db, int64_t *pending, struct err *err) MUST_CHECK;

#endif
