/* Tables imports, import_files and import_mappings: a statement that was sent, how far it got, its text while it may
 * have to be read anew, and how a household's files of one shape are read. */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"
#include "service/db.h"

enum { IMPORT_PAGE_MAX = 100, IMPORT_PIECE = 512 * 1024 };

enum import_state {
    IMPORT_READING,
    IMPORT_PREVIEW,
    IMPORT_CONFIRMING,
    IMPORT_CONFIRMED,
    IMPORT_UNDOING,
    IMPORT_UNDONE,
    IMPORT_FAILED
};
extern const char *const IMPORT_STATES[];

struct import {
    int64_t id, user_id, state;
    struct text file_name, format, account;
    struct text header, mapping; /* JSON */
    struct text fingerprint;
    bool ask_columns, ask_day_first;
    int64_t row_count;
    int32_t first_on, last_on;
    bool with_probable, allocate;
    int64_t done_row, added, removed;
    int64_t created_at_ms, confirmed_at_ms, undone_at_ms;
};

struct import_list {
    struct import *items;
    size_t count;
};

/* As IMPORT_READING; sets id and created_at_ms. */
bool import_insert(struct db *db, int64_t household, int64_t user, struct import *i, int64_t now_ms,
                   struct err *err) MUST_CHECK;
/* What reading the file told; becomes a preview. */
bool import_read(struct db *db, int64_t household, const struct import *i, struct err *err) MUST_CHECK;
/* From one state to another; ERR_CONFLICT when it is in none of that state (any more). */
bool import_move(struct db *db, int64_t household, int64_t id, enum import_state from, enum import_state to,
                 struct err *err) MUST_CHECK;
/* State, how it is confirmed, how far it has come, and its instants. */
bool import_update(struct db *db, int64_t household, const struct import *i, struct err *err) MUST_CHECK;
bool import_find(struct db *db, int64_t household, int64_t id, struct arena *mem, struct import *out,
                 struct err *err) MUST_CHECK;
/* Newest first, with an id below before_id (0: from the newest). limit <= IMPORT_PAGE_MAX. */
bool import_list(struct db *db, int64_t household, int64_t before_id, int64_t limit, struct arena *mem,
                 struct import_list *out, struct err *err) MUST_CHECK;
/* With its rows and its file. */
bool import_remove(struct db *db, int64_t household, int64_t id, struct err *err) MUST_CHECK;

/* Pieces of IMPORT_PIECE bytes at most, in order from 0. */
bool import_file_add(struct db *db, int64_t household, int64_t id, int64_t piece, struct text bytes, int64_t now_ms,
                     struct err *err) MUST_CHECK;
/* ERR_NOT_FOUND behind the last one. */
bool import_file_piece(struct db *db, int64_t household, int64_t id, int64_t piece, struct arena *mem,
                       struct text *bytes, struct err *err) MUST_CHECK;
bool import_file_remove(struct db *db, int64_t household, int64_t id, struct err *err) MUST_CHECK;

/* *mapping is TEXT_NONE when none was saved. */
bool import_mapping_find(struct db *db, int64_t household, struct text fingerprint, struct arena *mem,
                         struct text *mapping, struct err *err) MUST_CHECK;
bool import_mapping_save(struct db *db, int64_t household, struct text fingerprint, struct text mapping, int64_t now_ms,
                         struct err *err) MUST_CHECK;

#endif
