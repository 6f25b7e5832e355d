/*
 * JSON out: a writer that appends to a buf and places commas itself.
 * JSON in: a read-only tree (json-c inside) with numbers kept as their text, depth <= JSON_DEPTH_MAX, strict syntax,
 * valid UTF-8.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/money.h"
#include "base/text.h"

enum { JSON_DEPTH_MAX = 32 };

/* Hidden from shared libraries: libjwt's jansson has functions of the same names and must keep calling its own. */
#pragma GCC visibility push(hidden)

/* ---- writing ---- */
struct json_out {
    struct buf *buf;
    bool comma; /* the next value needs a comma before it */
};

void json_out_init(struct json_out *j, struct buf *buf);
void json_begin_object(struct json_out *j);
void json_end_object(struct json_out *j);
void json_begin_array(struct json_out *j);
void json_end_array(struct json_out *j);
void json_key(struct json_out *j, const char *key); /* a literal that needs no escaping */
void json_null(struct json_out *j);
void json_bool(struct json_out *j, bool v);
void json_int(struct json_out *j, int64_t v);
void json_text(struct json_out *j, struct text t); /* null when t.p == NULL; escapes as RFC 8259 */
void json_money(struct json_out *j, int64_t minor, const struct currency *cur);
void json_percent(struct json_out *j, int32_t basis_points);
void json_date(struct json_out *j, int32_t ymd); /* null when 0 */
void json_month(struct json_out *j, int32_t ym);
void json_instant(struct json_out *j, int64_t ms); /* null when 0 */
void json_raw(struct json_out *j, struct text t);  /* a ready JSON value */

/* key and value in one call */
void json_put_null(struct json_out *j, const char *key);
void json_put_bool(struct json_out *j, const char *key, bool v);
void json_put_int(struct json_out *j, const char *key, int64_t v);
void json_put_id(struct json_out *j, const char *key, int64_t id); /* null when 0 */
void json_put_text(struct json_out *j, const char *key, struct text t);
void json_put_str(struct json_out *j, const char *key, const char *s);
void json_put_money(struct json_out *j, const char *key, int64_t minor, const struct currency *cur);
void json_put_percent(struct json_out *j, const char *key, int32_t basis_points);
void json_put_date(struct json_out *j, const char *key, int32_t ymd);
void json_put_month(struct json_out *j, const char *key, int32_t ym);
void json_put_instant(struct json_out *j, const char *key, int64_t ms);

/* ---- reading ---- */
struct json_doc;  /* owns the tree */
struct json_node; /* a value in it; NULL is JSON null or absent */

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

/* ERR_MALFORMED_JSON with the place when it cannot be read. The root may be any value (never NULL doc on success). */
struct json_doc *json_parse(struct text t, struct err *err) MUST_CHECK;
void json_doc_free(struct json_doc *doc);
static inline void json_doc_auto(struct json_doc **doc)
{
    json_doc_free(*doc);
}

const struct json_node *json_root(const struct json_doc *doc);
enum json_kind json_kind(const struct json_node *v);
/* false when absent; *value may be NULL for JSON null. v must be an object. */
bool json_get(const struct json_node *v, const char *key, const struct json_node **value);
size_t json_count(const struct json_node *v); /* elements of an array, members of an object; else 0 */
const struct json_node *json_at(const struct json_node *array, size_t i);
/* Members in order: false at the end. i from 0. */
bool json_member(const struct json_node *object, size_t i, struct text *key, const struct json_node **value);
/* Text of a string, or the literal text of a number (exactly as sent). Lives as long as the doc. TEXT_NONE otherwise.
 */
struct text json_as_text(const struct json_node *v);
bool json_as_bool(const struct json_node *v); /* false unless true */
/* Convenience for events: the member's text/int, or the default when absent or of another kind. */
struct text json_get_text(const struct json_node *v, const char *key);
int64_t json_get_int(const struct json_node *v, const char *key, int64_t otherwise);

#pragma GCC visibility pop

#endif
