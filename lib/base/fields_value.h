/* How one value of a field is read; used by fields.c only. */
#ifndef BASE_FIELDS_VALUE_H
#define BASE_FIELDS_VALUE_H

#include "base/fields.h"

/* One reading of one object: where it goes, and how its faults are named. */
struct field_reader {
    const struct field_ctx *ctx;
    struct err *err;
    const char *prefix; /* "", "items[2]." */
    bool from_query;    /* everything is text there */
    bool faulty;
};

/* A value as it came. */
struct field_input {
    enum json_kind kind;
    struct text text;             /* of texts and numbers */
    const struct json_node *node; /* NULL in a query */
};

struct field_input field_input_of(const struct json_node *v);

/* Records a fault of the field `name` (with the reader's prefix). Always returns false. */
bool field_fault(struct field_reader *r, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The memory is used up: ends the reading. Always returns false. */
bool field_no_memory(struct field_reader *r);

/* Null, or an empty text where that means null. */
bool field_is_null(const struct field *row, const struct field_input *in);

/* Reads a value that is not null (lists excepted) to `to`. */
bool field_value(struct field_reader *r, const struct field *row, const struct field_input *in, void *to);

/* Sets what null means for the kind. */
void field_set_null(const struct field *row, void *to);

/* "Cần từ 1 đến 50 mục" unless count is within the row's limits. */
bool field_count_fits(struct field_reader *r, const char *name, int64_t min, int64_t max, size_t count);

#endif
