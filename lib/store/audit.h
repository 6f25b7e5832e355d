/* Table audit_log: one row a command, written in the command's own transaction. Its unique request_id tells after a
   lost COMMIT whether the command happened. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

/* command_id: a UUIDv7 of our own, never one that came from outside. action: the route or the job's name. */
bool audit_insert(struct db *db, int64_t household, int64_t user, const char *command_id, const char *action,
                  int64_t now_ms, struct err *err) MUST_CHECK;
/* Decisive only while the household's lock is held: the lost transaction may still be ending otherwise. */
bool audit_exists(struct db *db, int64_t household, const char *command_id, bool *exists, struct err *err) MUST_CHECK;

#endif
