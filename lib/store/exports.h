/* Table exports: files that the worker makes, as leased rows. A lease that lapses is a row that becomes due again. */
#ifndef STORE_EXPORTS_H
#define STORE_EXPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum export_kind { EXPORT_INCOME, EXPORT_EXPENSE, EXPORT_ALL, EXPORT_STATEMENT };
/* "income", "expense", "all", "statement", NULL: also the words of a FIELD_CHOICE. */
extern const char *const EXPORT_KINDS[];

enum export_format { EXPORT_XLSX, EXPORT_CSV, EXPORT_PDF };
extern const char *const EXPORT_FORMATS[];

enum export_state { EXPORT_QUEUED, EXPORT_RUNNING, EXPORT_DONE, EXPORT_FAILED };
extern const char *const EXPORT_STATES[];

enum { EXPORT_PAGE_MAX = 100, EXPORT_LEASE_MS = 60 * 1000, EXPORT_TOKEN_TEXT = 33 };

struct export
{
    int64_t id, household_id, user_id;
    int64_t kind, format, state; /* enums */
    int32_t from, to;            /* ymd, inclusive */
    bool email;
    int64_t progress;    /* percent */
    int64_t document_id; /* 0: none yet */
    int64_t attempts;
    struct text event_id, error; /* error: TEXT_NONE unless it failed */
    int64_t created_at_ms, finished_at_ms;
};

struct export_list {
    struct export *items;
    size_t count;
};

/* As EXPORT_QUEUED; sets id, state, event_id (in mem) and created_at_ms. */
bool export_insert(struct db *db, struct export *e, int64_t now_ms, struct arena *mem, struct err *err) MUST_CHECK;
/* ERR_NOT_FOUND. */
bool export_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct export *out,
                 struct err *err) MUST_CHECK;
/* Newest first, with an id below before_id (0: from the newest). limit <= EXPORT_PAGE_MAX. */
bool export_list(struct db *db, int64_t household, int64_t before_id, int64_t limit, struct arena *mem,
                 struct export_list *out, struct err *err) MUST_CHECK;
/* Whether the user asked for such a mail after since_ms. */
bool export_mailed_since(struct db *db, int64_t household, int64_t user, int64_t kind, int64_t since_ms, bool *mailed,
                         struct err *err) MUST_CHECK;

/* ---- the worker's ---- */

/* Takes the next due row under a lease of EXPORT_LEASE_MS, in a transaction of its own; attempts + 1. *found is false
 * when there is none. */
bool export_claim(struct db *db, const char *token, int64_t now_ms, struct arena *mem, struct export *out, bool *found,
                  struct err *err) MUST_CHECK;
/* Tells the progress and renews the lease. *held is false when it is not ours any more: somebody else works on it. */
bool export_advance(struct db *db, const struct export *e, const char *token, int64_t progress, int64_t now_ms,
                    bool *held, struct err *err) MUST_CHECK;
/* Which document it becomes. *held as above. */
bool export_set_document(struct db *db, const struct export *e, const char *token, int64_t document, bool *held,
                         struct err *err) MUST_CHECK;
/* Done, or failed with the code of an error (error NULL: done). *held as above. */
bool export_finish(struct db *db, const struct export *e, const char *token, const char *error, int64_t now_ms,
                   bool *held, struct err *err) MUST_CHECK;
/* Back to queued until next_try_at_ms; the attempt counts or not. */
bool export_back_off(struct db *db, const struct export *e, const char *token, bool counts, int64_t next_try_at_ms,
                     struct err *err) MUST_CHECK;

#endif
