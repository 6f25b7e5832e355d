/* What the parts of DynamoDB's client share. */
#ifndef SERVICE_AWS_DYNAMODB_INTERNAL_H
#define SERVICE_AWS_DYNAMODB_INTERNAL_H

#include "base/buf.h"
#include "base/json.h"
#include "service/aws/call.h"
#include "service/aws/dynamodb.h"

/* What DynamoDB takes in one call is 16 MB; the answers of a Query and of a read of some hundred messages stay far
 * below. JSON may double it. */
enum { DYNAMODB_REQUEST_MAX = 16 * 1024 * 1024, DYNAMODB_RESPONSE_MAX = 16 * 1024 * 1024 };

/* One verb: its tries together have a deadline. What is needed only until its end lives in `mem`. */
struct dynamodb_call {
    struct dynamodb *db;
    const char *action;
    struct buf body;
    struct json_out json; /* the request's object, begun */
    struct arena *mem;
    int64_t deadline_ms;
    unsigned tries;
    struct aws_answer answer;
};

/* For dynamodb_looked_at(). */
void dynamodb_count(struct dynamodb *d, int64_t looked_at);

bool dynamodb_call_begin(struct dynamodb_call *c, struct dynamodb *d, const char *action, struct err *err) MUST_CHECK;
/* Ends the request's object, sends it and tries again until there is an answer that stays. */
bool dynamodb_call_run(struct dynamodb_call *c, struct err *err) MUST_CHECK;
/* Begins the body anew under the same deadline. */
void dynamodb_call_again(struct dynamodb_call *c);
/* Waits before the next try; false when the deadline would pass. */
bool dynamodb_call_pause(struct dynamodb_call *c);
void dynamodb_call_end(struct dynamodb_call *c);
static inline void dynamodb_call_auto(struct dynamodb_call *c)
{
    dynamodb_call_end(c);
}

/* ---- writing JSON ---- */
void dynamodb_put_value(struct json_out *j, const struct dynamodb_attr *a);
void dynamodb_put_attrs(struct json_out *j, const struct dynamodb_attr *attrs, size_t n);
void dynamodb_put_key(struct json_out *j, const char *name, struct text id); /* "Key": {"id": {"S": id}} */

/* ---- reading answers. Pure. ---- */
bool dynamodb_crc_fits(struct text body, struct text crc32); /* true without one */
struct json_doc *dynamodb_parse(struct text body, struct err *err) MUST_CHECK;
bool dynamodb_read_item(const struct json_node *object, struct arena *mem, struct dynamodb_item *out,
                        struct err *err) MUST_CHECK;
/* The member as an array of items. */
bool dynamodb_read_items(const struct json_node *list, struct arena *mem, struct dynamodb_item *out, size_t max,
                         size_t *count, struct err *err) MUST_CHECK;
/* {"id": {"S": "x"}} -> x */
struct text dynamodb_read_id(const struct json_node *key);
/* The member, or NULL. */
const struct json_node *dynamodb_member(const struct json_node *object, const char *name);

/* How a cancelled transaction ended: the codes go to the writes. */
enum dynamodb_cancel { DYNAMODB_CANCEL_CONDITION, DYNAMODB_CANCEL_TRANSIENT, DYNAMODB_CANCEL_WRONG };
enum dynamodb_cancel dynamodb_read_reasons(struct text body, struct dynamodb_write *writes, size_t n);
/* Whether the same request may succeed after a while. */
bool dynamodb_is_transient(const struct aws_answer *a);

#endif
