/*
 * Brings the schema to the state of the embedded sql/ files, forward only. DDL commits by itself, so each statement of
 * a file is one step, recorded in schema_migrations before it runs (started) and after (done): a start after a kill
 * finds the half-done step and finishes it. Steps of a newer program that this one does not know are left alone.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/embedded.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

extern const struct embedded_file migration_files[];

/* Below the connection's own time-out; the caller tries again. */
enum { MIGRATE_LOCK_WAIT_S = 5 };

/* One round trip when nothing is to be done; otherwise under a lock that all programs share. *steps gets how many steps
   ran. ERR_UNAVAILABLE (down, or another program holds the lock): try again. ERR_INTERNAL: a step failed, or was
   changed after it ran. */
bool migrate_run(struct db *db, const struct embedded_file *files, int64_t now_ms, struct arena *mem, size_t *steps,
                 struct err *err) MUST_CHECK;

/* Cuts the next statement off *rest: up to a ';' outside quotes, without "--" comments, trimmed. `out` needs rest->n
   bytes. False at the end. Pure. */
bool migrate_next_statement(struct text *rest, char *out, struct text *statement);
/* "002_ledger.sql" -> 2; 0 when the name does not begin with a number. Pure. */
int64_t migrate_version(const char *file_name);

#endif
