/*
 * DynamoDB by the low-level JSON protocol, in the shape that this project's tables have: the partition key is the
 * string attribute "id", attributes are strings and whole numbers. There is no Scan. Safe for several threads; never
 * logs.
 *
 * Each verb tries again by itself, with full jitter and only until its deadline: throttling, 500, 503, a transaction's
 * conflict, an answer that does not fit its x-amz-crc32, entries that a batch left unprocessed; once when no answer
 * came. So a write may have been done although a try failed: its condition must make a second one harmless (see
 * dynamodb_write()). Errors: ERR_CONFLICT when a condition does not hold; else as aws_call() in call.h.
 */
#ifndef SERVICE_AWS_DYNAMODB_H
#define SERVICE_AWS_DYNAMODB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct aws_credentials; /* service/aws/credentials.h */

struct dynamodb_options {
    const char *region;
    const char *endpoint_url; /* NULL or "": AWS's own of the region */
    int connect_timeout_ms, total_timeout_ms;
    int deadline_ms; /* of one verb, all its tries together; of each part of a batch */
    size_t handles;  /* calls at a time */
};

struct dynamodb;
struct dynamodb *dynamodb_open(const struct dynamodb_options *opts, struct aws_credentials *creds,
                               struct err *err) MUST_CHECK;
void dynamodb_close(struct dynamodb *d); /* no call may be running */

/* ---- attributes and items ---- */

enum dynamodb_kind { DYNAMODB_STRING, DYNAMODB_NUMBER };

struct dynamodb_attr {
    const char *name; /* or ":value" in an expression */
    enum dynamodb_kind kind;
    struct text s;
    int64_t n;
};
#define DYNAMODB_S(attr_name, value) {.name = (attr_name), .kind = DYNAMODB_STRING, .s = (value)}
#define DYNAMODB_N(attr_name, value) {.name = (attr_name), .kind = DYNAMODB_NUMBER, .n = (value)}

/* What was read, in the arena; attributes of other kinds are left out. */
struct dynamodb_item {
    const struct dynamodb_attr *attrs;
    size_t count;
};
struct text dynamodb_text(const struct dynamodb_item *item, const char *name); /* TEXT_NONE when absent */
int64_t dynamodb_int(const struct dynamodb_item *item, const char *name, int64_t otherwise);

/* ---- writing ---- */

enum { DYNAMODB_TRANSACTION_MAX = 100, DYNAMODB_ATTRS_MAX = 32, DYNAMODB_TOKEN_MAX = 36 };

enum dynamodb_verb { DYNAMODB_PUT, DYNAMODB_UPDATE, DYNAMODB_DELETE };

struct dynamodb_write {
    enum dynamodb_verb verb;
    const char *table;
    struct text id;                   /* the key */
    const struct dynamodb_attr *item; /* PUT: the other attributes */
    size_t item_count;
    const char *update;    /* UPDATE: "SET a = :a ADD n :n" */
    const char *condition; /* or NULL. Attribute names that DynamoDB reserves stand as #name */
    const struct dynamodb_attr *values;
    size_t value_count;
    char reason[64]; /* out, after a cancelled transaction: "ConditionalCheckFailed", "None", ... */
};

/* One item. With a condition that the write itself ends (attribute_not_exists), ERR_CONFLICT may mean that a try before
 * did it. */
bool dynamodb_write(struct dynamodb *d, struct dynamodb_write *write, struct err *err) MUST_CHECK;
/*
 * All or nothing, n <= DYNAMODB_TRANSACTION_MAX, no two on one item. The same token (1..DYNAMODB_TOKEN_MAX characters,
 * unique in the account) within ten minutes is done once; with other content ERR_DUPLICATE.
 */
bool dynamodb_transact(struct dynamodb *d, struct dynamodb_write *writes, size_t n, const char *token,
                       struct err *err) MUST_CHECK;
/* Unconditional puts and deletes, any number, each id once; some may be done when it fails. */
bool dynamodb_write_many(struct dynamodb *d, const struct dynamodb_write *writes, size_t n, struct err *err) MUST_CHECK;

/* ---- reading ---- */

/* Strongly consistent. *found false leaves *item alone. */
bool dynamodb_get(struct dynamodb *d, const char *table, struct text id, struct arena *mem, struct dynamodb_item *item,
                  bool *found, struct err *err) MUST_CHECK;
/* Strongly consistent, any number of ids, each once; those that are there come in any order into items[n]. */
bool dynamodb_get_many(struct dynamodb *d, const char *table, const struct text *ids, size_t n, struct arena *mem,
                       struct dynamodb_item *items, size_t *count, struct err *err) MUST_CHECK;

struct dynamodb_query {
    const char *table, *index;
    const char *key; /* "user_id = :u AND updated_at < :before" */
    const struct dynamodb_attr *values;
    size_t value_count;
    const char *projection;            /* "id", or NULL: all attributes */
    const struct dynamodb_attr *start; /* ExclusiveStartKey: the table's and the index's keys; NULL: from the start */
    size_t start_count;
    bool newest_first;
    size_t limit; /* items read in one page, 1.. */
};

struct dynamodb_page {
    struct dynamodb_item *items; /* in the arena */
    size_t count;                /* may be 0 although there are more */
    bool more;
    struct dynamodb_item last; /* where the next page starts, when there are more */
};

/* One page of an index. */
bool dynamodb_query(struct dynamodb *d, const struct dynamodb_query *query, struct arena *mem,
                    struct dynamodb_page *page, struct err *err) MUST_CHECK;

/* How many items the queries looked at since the client was opened (ScannedCount): their cost. */
int64_t dynamodb_looked_at(const struct dynamodb *d);

/* ---- tables (for the task that makes them) ---- */

struct dynamodb_index {
    const char *name;
    const char *hash, *range;
    enum dynamodb_kind hash_kind, range_kind;
};

struct dynamodb_table {
    const char *name;
    struct dynamodb_index index; /* all attributes are projected */
    const char *ttl;             /* epoch seconds */
};

struct dynamodb_state {
    bool exists, active;             /* the table */
    bool index_exists, index_active; /* with the right keys */
    bool index_differs;              /* the name is taken by an index with other keys */
    bool ttl_on;
};

bool dynamodb_describe(struct dynamodb *d, const struct dynamodb_table *table, struct dynamodb_state *state,
                       struct err *err) MUST_CHECK;
/* Whether ttl_on: apart, since it needs a permission of its own. */
bool dynamodb_describe_ttl(struct dynamodb *d, const struct dynamodb_table *table, struct dynamodb_state *state,
                           struct err *err) MUST_CHECK;
/* On demand, with its index. What another one made meanwhile counts as done. */
bool dynamodb_create_table(struct dynamodb *d, const struct dynamodb_table *table, struct err *err) MUST_CHECK;
bool dynamodb_create_index(struct dynamodb *d, const struct dynamodb_table *table, struct err *err) MUST_CHECK;
bool dynamodb_set_ttl(struct dynamodb *d, const struct dynamodb_table *table, struct err *err) MUST_CHECK;

#endif
