/*
 * Table documents: whose a file in S3 is, and how far it got. A row is written before its object and removed after it,
 * so that no object is ever without an owner for long: pending -> stored -> deleting -> gone.
 */
#ifndef STORE_DOCUMENT_H
#define STORE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum { DOCUMENT_PAGE_MAX = 100, DOCUMENT_OBJECT_KEY = 128, DOCUMENT_PUBLIC_KEY = 33 };

enum document_kind { DOCUMENT_RECEIPT, DOCUMENT_IMAGE, DOCUMENT_FILE, DOCUMENT_REPORT, DOCUMENT_IMPORT };
/* "receipt", ..., NULL: also the words of a FIELD_CHOICE. */
extern const char *const DOCUMENT_KINDS[];

enum document_state { DOCUMENT_PENDING, DOCUMENT_STORED, DOCUMENT_DELETING };
extern const char *const DOCUMENT_STATES[];

struct document {
    int64_t id, household_id, user_id;
    int64_t kind, state; /* enums */
    struct text object_key, public_key, name, content_type, sha256;
    int64_t size;           /* bytes */
    int64_t transaction_id; /* 0: none */
    int64_t created_at_ms, stored_at_ms;
};

struct document_list {
    struct document *items;
    size_t count;
};

/* "h/<household>/<kind>/<uuid>": a new object's key. */
void document_object_key(int64_t household, enum document_kind kind, int64_t now_ms, char out[DOCUMENT_OBJECT_KEY]);
/* A new key of 128 random bits in hex. */
void document_public_key(char out[DOCUMENT_PUBLIC_KEY]);

/* As DOCUMENT_PENDING; sets id, state and created_at_ms. */
bool document_insert(struct db *db, struct document *d, int64_t now_ms, struct err *err) MUST_CHECK;
/* A pending one becomes stored with what its object is; ERR_NOT_FOUND when it is not pending (any more). */
bool document_stored(struct db *db, int64_t household, int64_t id, int64_t size, struct text content_type,
                     struct text sha256, int64_t now_ms, struct err *err) MUST_CHECK;
/* A stored or pending one is to go; ERR_NOT_FOUND when there is none. */
bool document_deleting(struct db *db, int64_t household, int64_t id, int64_t now_ms, struct err *err) MUST_CHECK;
/* The row of an object that is gone. An absent one is no error. */
bool document_remove(struct db *db, int64_t household, int64_t id, struct err *err) MUST_CHECK;
/* 0: of none any more. ERR_NOT_FOUND. */
bool document_attach(struct db *db, int64_t household, int64_t id, int64_t transaction, struct err *err) MUST_CHECK;

/* Not those that are to go. */
bool document_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct document *out,
                   struct err *err) MUST_CHECK;
/* Stored ones only: the key itself is the right to read. */
bool document_find_public(struct db *db, struct text public_key, struct arena *mem, struct document *out,
                          struct err *err) MUST_CHECK;
/* Stored ones, newest first, with an id below before_id (0: from the newest). limit <= DOCUMENT_PAGE_MAX. */
bool document_list(struct db *db, int64_t household, int64_t before_id, int64_t limit, struct arena *mem,
                   struct document_list *out, struct err *err) MUST_CHECK;
bool document_list_of_transaction(struct db *db, int64_t household, int64_t transaction, struct arena *mem,
                                  struct document_list *out, struct err *err) MUST_CHECK;
/* What all files of a household weigh, those that are pending or to go included. */
bool document_bytes(struct db *db, int64_t household, int64_t *bytes, struct err *err) MUST_CHECK;

/* For the sweep, over all households, oldest first, at most DOCUMENT_PAGE_MAX, with (created, id) after the given:
 * those of a state that were made before `before_ms`. */
bool document_list_state(struct db *db, enum document_state state, int64_t before_ms, int64_t after_created_ms,
                         int64_t after_id, struct arena *mem, struct document_list *out, struct err *err) MUST_CHECK;
/* The object keys of rows of any state within [first, last], in order: at most `max`, which out has room for. */
bool document_keys_between(struct db *db, struct text first, struct text last, size_t max, struct arena *mem,
                           struct text *out, size_t *count, struct err *err) MUST_CHECK;

#endif
