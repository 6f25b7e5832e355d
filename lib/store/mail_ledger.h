/* Table mail_ledger: a mail is decoupled from its job; the mailer drains pending rows under leases. */
#ifndef STORE_MAIL_LEDGER_H
#define STORE_MAIL_LEDGER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

enum { MAIL_LEASE_MS = 60 * 1000 };

struct mail_row {
    int64_t id, household_id, user_id, attempts, created_at_ms;
    struct text event_id, recipient, template_name, language, data; /* data: JSON object */
};

/* In the job's transaction. A second row for the same event and recipient is the same mail: no error, nothing added. */
bool mail_enqueue(struct db *db, const struct mail_row *row, int64_t now_ms, struct err *err) MUST_CHECK;
/* Takes the next due row under a lease of MAIL_LEASE_MS (pending, or sending with a lapsed lease); *found false when there is none. */
bool mail_claim(struct db *db, const char *token, int64_t now_ms, struct arena *mem, struct mail_row *out, bool *found, struct err *err) MUST_CHECK;
/* True in *held while the lease is ours and unexpired: asked before DATA's last line. */
bool mail_lease_held(struct db *db, int64_t id, const char *token, int64_t now_ms, bool *held, struct err *err) MUST_CHECK;
bool mail_mark_sent(struct db *db, int64_t id, const char *token, const char *provider_id, int64_t now_ms, struct err *err) MUST_CHECK;
bool mail_mark_refused(struct db *db, int64_t id, const char *token, const char *reason, int64_t now_ms, struct err *err) MUST_CHECK;
/* Back to pending, to be tried at next_try_at_ms. */
bool mail_back_off(struct db *db, int64_t id, const char *token, int64_t next_try_at_ms, const char *reason, struct err *err) MUST_CHECK;
bool mail_backlog(struct db *db, int64_t *pending, struct err *err) MUST_CHECK;

#endif
