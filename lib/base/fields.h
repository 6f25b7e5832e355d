/*
 * Field tables: what a body, a query or a form may hold, as rows; read into a plain struct with all faults reported
 * together.
 *
 *     struct jar_transfer_body { int64_t from_jar_id, to_jar_id, amount; };
 *     static const struct field JAR_TRANSFER_FIELDS[] = {
 *         FIELD_ID("fromJarId", struct jar_transfer_body, from_jar_id, NULLABLE),
 *         FIELD_MONEY("amount", struct jar_transfer_body, amount, REQUIRED, MONEY_POSITIVE),
 *         FIELD_END
 *     };
 *
 * Lenient as the contract says (1.1): digit strings pass for numbers, "" is null in dates, ids, numbers and optional
 * text.
 */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/money.h"

enum field_kind {
    FK_END,
    FK_TEXT,    /* struct text; trimmed unless FF_RAW; min..max code points (max 0: no limit) */
    FK_EMAIL,   /* struct text, lower-cased */
    FK_INT,     /* int64_t, min..max */
    FK_ID,      /* int64_t; 0 when null; ids that cannot exist stay below 0 or far above, so the look-up answers 404 */
    FK_BOOL,    /* bool; in a query the words true and false */
    FK_MONEY,   /* int64_t minor units, min..max (max 0: the contract's limit) */
    FK_PERCENT, /* int32_t basis points, min..max in basis points */
    FK_DATE,    /* int32_t ymd, 0 when null */
    FK_MONTH,   /* int32_t ym from "yyyy-MM", 0 when null */
    FK_CHOICE,  /* int64_t index into `choices` (NULL-terminated); exact match; null leaves the default */
    FK_COLOR,   /* struct text "#RRGGBB" */
    FK_LIST,    /* struct field_list: array of objects read by `sub`; min..max elements */
    FK_IDS,     /* struct field_ids: array of ids, none of them null; min..max elements */
    FK_OBJECT   /* const struct json_node *: an object for others to read, alive as long as the document; NULL when null
                 */
};

enum field_flag {
    FF_REQUIRED = 1,     /* absent or null is a fault */
    FF_NOT_NULL = 2,     /* may be absent, but not null */
    FF_MULTILINE = 4,    /* line breaks and tabs allowed */
    FF_RAW = 8,          /* not trimmed (passwords) */
    FF_EMPTY_OK = 16,    /* keep "" as an empty text rather than null */
    FF_ZERO_IS_NULL = 32 /* ids: 0 means none */
};

struct field {
    const char *name; /* as sent */
    enum field_kind kind;
    unsigned flags;
    size_t offset;       /* of the value in the target struct */
    size_t given_offset; /* of a bool that tells "was present", or FIELD_NO_GIVEN */
    int64_t min, max;
    const char *const *choices;
    const struct field *sub; /* FK_LIST */
    size_t sub_size;
};

#define FIELD_NO_GIVEN ((size_t)-1)

struct field_list {
    void *items;
    size_t count;
    bool given;
};
struct field_ids {
    int64_t *ids;
    size_t count;
    bool given;
};

#define FIELD_END {.name = NULL, .kind = FK_END}
#define FIELD_TEXT(n, type, member, fl, lo, hi)                                                                        \
    {.name = (n),                                                                                                      \
     .kind = FK_TEXT,                                                                                                  \
     .flags = (fl),                                                                                                    \
     .offset = offsetof(type, member),                                                                                 \
     .given_offset = FIELD_NO_GIVEN,                                                                                   \
     .min = (lo),                                                                                                      \
     .max = (hi)}
#define FIELD_EMAIL(n, type, member, fl)                                                                               \
    {.name = (n),                                                                                                      \
     .kind = FK_EMAIL,                                                                                                 \
     .flags = (fl),                                                                                                    \
     .offset = offsetof(type, member),                                                                                 \
     .given_offset = FIELD_NO_GIVEN,                                                                                   \
     .max = 254}
#define FIELD_INT(n, type, member, fl, lo, hi)                                                                         \
    {.name = (n),                                                                                                      \
     .kind = FK_INT,                                                                                                   \
     .flags = (fl),                                                                                                    \
     .offset = offsetof(type, member),                                                                                 \
     .given_offset = FIELD_NO_GIVEN,                                                                                   \
     .min = (lo),                                                                                                      \
     .max = (hi)}
#define FIELD_ID(n, type, member, fl)                                                                                  \
    {.name = (n), .kind = FK_ID, .flags = (fl), .offset = offsetof(type, member), .given_offset = FIELD_NO_GIVEN}
#define FIELD_BOOL(n, type, member, fl)                                                                                \
    {.name = (n), .kind = FK_BOOL, .flags = (fl), .offset = offsetof(type, member), .given_offset = FIELD_NO_GIVEN}
#define FIELD_MONEY(n, type, member, fl, lo)                                                                           \
    {.name = (n),                                                                                                      \
     .kind = FK_MONEY,                                                                                                 \
     .flags = (fl),                                                                                                    \
     .offset = offsetof(type, member),                                                                                 \
     .given_offset = FIELD_NO_GIVEN,                                                                                   \
     .min = (lo)}
#define FIELD_PERCENT(n, type, member, fl, lo, hi)                                                                     \
    {.name = (n),                                                                                                      \
     .kind = FK_PERCENT,                                                                                               \
     .flags = (fl),                                                                                                    \
     .offset = offsetof(type, member),                                                                                 \
     .given_offset = FIELD_NO_GIVEN,                                                                                   \
     .min = (lo),                                                                                                      \
     .max = (hi)}
#define FIELD_DATE(n, type, member, fl)                                                                                \
    {.name = (n), .kind = FK_DATE, .flags = (fl), .offset = offsetof(type, member), .given_offset = FIELD_NO_GIVEN}
#define FIELD_MONTH(n, type, member, fl)                                                                               \
    {.name = (n), .kind = FK_MONTH, .flags = (fl), .offset = offsetof(type, member), .given_offset = FIELD_NO_GIVEN}
#define FIELD_CHOICE(n, type, member, fl, words)                                                                       \
    {.name = (n),                                                                                                      \
     .kind = FK_CHOICE,                                                                                                \
     .flags = (fl),                                                                                                    \
     .offset = offsetof(type, member),                                                                                 \
     .given_offset = FIELD_NO_GIVEN,                                                                                   \
     .choices = (words)}
#define FIELD_COLOR(n, type, member, fl)                                                                               \
    {.name = (n), .kind = FK_COLOR, .flags = (fl), .offset = offsetof(type, member), .given_offset = FIELD_NO_GIVEN}
#define FIELD_LIST(n, type, member, fl, rows, row_type, lo, hi)                                                        \
    {.name = (n),                                                                                                      \
     .kind = FK_LIST,                                                                                                  \
     .flags = (fl),                                                                                                    \
     .offset = offsetof(type, member),                                                                                 \
     .given_offset = FIELD_NO_GIVEN,                                                                                   \
     .min = (lo),                                                                                                      \
     .max = (hi),                                                                                                      \
     .sub = (rows),                                                                                                    \
     .sub_size = sizeof(row_type)}
#define FIELD_IDS(n, type, member, fl, lo, hi)                                                                         \
    {.name = (n),                                                                                                      \
     .kind = FK_IDS,                                                                                                   \
     .flags = (fl),                                                                                                    \
     .offset = offsetof(type, member),                                                                                 \
     .given_offset = FIELD_NO_GIVEN,                                                                                   \
     .min = (lo),                                                                                                      \
     .max = (hi)}
#define FIELD_OBJECT(n, type, member, fl)                                                                              \
    {.name = (n), .kind = FK_OBJECT, .flags = (fl), .offset = offsetof(type, member), .given_offset = FIELD_NO_GIVEN}
/* The same rows with a "was it sent" bool: FIELD_GIVEN(FIELD_TEXT(...), type, has_icon) is written as .given_offset in
 * the row by hand where needed. */

/* What reading needs besides the table. */
struct field_ctx {
    struct arena *mem;
    const struct currency *currency;
    bool refuse_unknown; /* new endpoints */
};

/* Reads an object into *target (zeroed by the caller, defaults set beforehand stay where a field is absent; null sets
   zero/none). False with ERR_VALIDATION and all bad fields; ERR_VALIDATION without fields when the value is not an
   object. Names of list elements: "items[2].amount". */
bool fields_read_json(const struct field *rows, const struct json_node *v, void *target, const struct field_ctx *ctx,
                      struct err *err) MUST_CHECK;
/* A bare array of objects as body (POST /jars/bulk); element faults are named "[2].name". */
bool fields_read_json_list(const struct field *rows, size_t item_size, const struct json_node *v, int64_t min,
                           int64_t max, struct field_list *out, const struct field_ctx *ctx,
                           struct err *err) MUST_CHECK;

/* Texts read are copies in ctx->mem: they outlive the document. */

/* Reads a query string (application/x-www-form-urlencoded: %XX and '+'). The first of a repeated name counts. */
bool fields_read_query(const struct field *rows, struct text query, void *target, const struct field_ctx *ctx,
                       struct err *err) MUST_CHECK;

#endif
