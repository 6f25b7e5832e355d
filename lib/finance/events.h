/*
 * Events: recorded in the outbox inside the command's own transaction, never sent from here.
 * Body: {id, type, version, occurredAt, householdId, userId, subjectId, data{}, attempt, firstSentAt}.
 */
#ifndef FINANCE_EVENTS_H
#define FINANCE_EVENTS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "finance/scope.h"

#define EVENT_TRANSACTION_LARGE "transaction.large"
#define EVENT_JARS_RECALCULATE "jars.recalculate"
#define EVENT_OTP_REQUESTED "otp.requested"
#define EVENT_MAIL_REQUESTED "mail.requested"
#define EVENT_IMPORT_CONTINUE "import.continue"
#define EVENT_IMPORT_RULES "import.rules"
#define EVENT_REPORT_REQUESTED "report.requested"

enum { EVENT_VERSION = 1, EVENT_TYPE_MAX = 40 };

struct event {
    char id[UUID_TEXT_MAX];
    char type[EVENT_TYPE_MAX];
    int64_t version, occurred_at_ms;
    int64_t household_id, user_id, subject_id;
    int64_t attempt, first_sent_at_ms;
    const struct json_node *data; /* lives as long as the doc */
};

/* Records an event; `data` is a JSON object as text ("{}" when there is none). id (may be NULL) receives the event's
 * id. Raises scope->outbox_rows. */
bool event_record(struct scope *s, const char *type, int64_t subject_id, struct text data, char id[UUID_TEXT_MAX],
                  struct err *err) MUST_CHECK;

/* Reads a message body. ERR_PERMANENT (with the reason) for anything that can never be processed: not JSON, missing
 * fields, unknown version. */
bool event_read(const struct json_node *root, struct event *out, struct err *err) MUST_CHECK;
/* Id and household of an event that event_read refused, where it tells them; else "" and 0. For parking it. */
void event_identify(const struct json_node *root, struct event *out);
/* The same event as a new body, with attempt and firstSentAt as given: for delayed copies. */
bool event_rewrite(const struct json_node *root, int64_t attempt, int64_t first_sent_at_ms, struct buf *out,
                   struct err *err) MUST_CHECK;

#endif
