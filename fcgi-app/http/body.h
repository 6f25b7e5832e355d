/* The request's body and query: read within the row's limit, checked, and turned into the structs of the row's field
 * tables. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "http/exchange.h"

/* "application/json" with any parameters, or application/<x>+json. Pure. */
bool content_type_is_json(struct text content_type);
/* What the request announces; 0 without the header. ERR_BAD_REQUEST when it is no number. */
bool body_length(const struct exchange *x, int64_t *length, struct err *err) MUST_CHECK;
/* How the fields of this request are read. */
struct field_ctx body_field_ctx(const struct exchange *x, bool refuse_unknown);
/* Fills x->raw_body. ERR_PAYLOAD_TOO_LARGE before anything is read; ERR_BAD_REQUEST for a bad Content-Length or a body
 * cut short. */
bool body_read(struct exchange *x, struct err *err) MUST_CHECK;
/* Fills call->query, call->body, call->body_list; the faults of all fields together. */
bool inputs_read(struct exchange *x, struct err *err) MUST_CHECK;

#endif
