#include "base/fields.h"

#include <stdio.h>
#include <string.h>

#include "base/fields_value.h"

static bool read_object(struct field_reader *r, const struct field *rows, const struct json_node *v, void *target);

static bool is_out_of_memory(const struct field_reader *r)
{
    return r->faulty && r->err->code == ERR_NO_MEMORY;
}

/* Elements of an array of objects, each read by `rows`; `name` is the array's, "" for a bare one. */
static bool read_list(struct field_reader *r, const char *name, const struct field *rows, size_t item_size,
                      const struct json_node *array, struct field_list *out)
{
    size_t count = json_count(array);
    char *items = arena_array(r->ctx->mem, count, item_size);
    if (!items)
        return field_no_memory(r);
    for (size_t i = 0; i < count && !is_out_of_memory(r); i++) {
        char label[ERR_FIELD_NAME_MAX];
        char prefix[2 * ERR_FIELD_NAME_MAX];
        snprintf(label, sizeof(label), "%s[%zu]", name, i);
        const struct json_node *element = json_at(array, i);
        if (json_kind(element) != JSON_OBJECT) {
            field_fault(r, label, "Phải là một đối tượng");
            continue;
        }
        snprintf(prefix, sizeof(prefix), "%s%s.", r->prefix, label);
        struct field_reader inner = *r;
        inner.prefix = prefix;
        inner.faulty = false;
        r->faulty |= !read_object(&inner, rows, element, items + i * item_size);
    }
    *out = (struct field_list){.items = items, .count = count, .given = true};
    return !r->faulty;
}

static bool read_sub_list(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    if (in->kind != JSON_ARRAY)
        return field_fault(r, row->name, "Phải là một danh sách");
    return field_count_fits(r, row->name, row->min, row->max, json_count(in->node)) &&
           read_list(r, row->name, row->sub, row->sub_size, in->node, to);
}

/* `in` is NULL when the field is absent. */
static void read_field(struct field_reader *r, const struct field *row, const struct field_input *in, char *target)
{
    if (!in) {
        if (row->flags & FF_REQUIRED)
            field_fault(r, row->name, "Không được để trống");
        return;
    }
    if (row->given_offset != FIELD_NO_GIVEN)
        *(bool *)(target + row->given_offset) = true;
    void *to = target + row->offset;
    if (field_is_null(row, in)) {
        if (row->flags & (FF_REQUIRED | FF_NOT_NULL))
            field_fault(r, row->name, "Không được để trống");
        else
            field_set_null(row, to);
    } else if (row->kind == FK_LIST) {
        read_sub_list(r, row, in, to);
    } else {
        field_value(r, row, in, to);
    }
}

static const struct field *find_row(const struct field *rows, struct text name)
{
    for (; rows->kind != FK_END; rows++)
        if (text_eq(name, text_of(rows->name)))
            return rows;
    return NULL;
}

static void unknown_field(struct field_reader *r, struct text name)
{
    char shown[ERR_FIELD_NAME_MAX];
    snprintf(shown, sizeof(shown), "%.*s", (int)(name.n < sizeof(shown) ? name.n : sizeof(shown) - 1), name.p);
    field_fault(r, shown, "Trường này không được hỗ trợ");
}

/* Stops when no more faults can be reported, so an object of very many names costs little. */
static void refuse_unknown(struct field_reader *r, const struct field *rows, const struct json_node *v)
{
    struct text name;
    const struct json_node *value;
    size_t unknown = 0;
    for (size_t i = 0; unknown < ERR_FIELDS_MAX && json_member(v, i, &name, &value); i++) {
        if (find_row(rows, name))
            continue;
        unknown_field(r, name);
        unknown++;
    }
}

static bool read_object(struct field_reader *r, const struct field *rows, const struct json_node *v, void *target)
{
    for (const struct field *row = rows; row->kind != FK_END && !is_out_of_memory(r); row++) {
        const struct json_node *value = NULL;
        bool present = json_get(v, row->name, &value);
        struct field_input in = field_input_of(value);
        read_field(r, row, present ? &in : NULL, target);
    }
    if (r->ctx->refuse_unknown && !is_out_of_memory(r))
        refuse_unknown(r, rows, v);
    return !r->faulty;
}

bool fields_read_json(const struct field *rows, const struct json_node *v, void *target, const struct field_ctx *ctx,
                      struct err *err)
{
    struct field_reader r = {.ctx = ctx, .err = err, .prefix = ""};
    if (json_kind(v) != JSON_OBJECT)
        return err_set(err, ERR_VALIDATION, "The body must be a JSON object");
    return read_object(&r, rows, v, target);
}

bool fields_read_json_list(const struct field *rows, size_t item_size, const struct json_node *v, int64_t min,
                           int64_t max, struct field_list *out, const struct field_ctx *ctx, struct err *err)
{
    struct field_reader r = {.ctx = ctx, .err = err, .prefix = ""};
    if (json_kind(v) != JSON_ARRAY)
        return err_set(err, ERR_VALIDATION, "The body must be a JSON array");
    size_t count = json_count(v);
    if ((int64_t)count < min || (int64_t)count > max)
        return err_set(err, ERR_VALIDATION, "The array has %zu elements; %lld to %lld are allowed", count,
                       (long long)min, (long long)max);
    return read_list(&r, "", rows, item_size, v, out);
}

/* ---- queries ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes into out (t.n bytes of room); false for a broken escape. */
static bool form_decode(struct text t, char *out, size_t *n)
{
    size_t length = 0;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i] == '+' ? ' ' : t.p[i];
        if (c == '%') {
            int high = i + 2 < t.n ? hex_value(t.p[i + 1]) : -1;
            int low = i + 2 < t.n ? hex_value(t.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        }
        out[length++] = c;
    }
    *n = length;
    return true;
}

/* The next name and value as they were sent; false at the end. */
static bool next_pair(struct text *rest, struct text *name, struct text *value)
{
    struct text pair;
    while (text_split(rest, '&', &pair)) {
        if (pair.n == 0)
            continue;
        *value = pair;
        text_split(value, '=', name);
        if (!value->p)
            *value = TEXT("");
        return true;
    }
    return false;
}

/* Room for a name of which each byte is an escape. Longer ones are cut: they only have to differ from all rows' names.
 */
enum { QUERY_NAME_MAX = 3 * ERR_FIELD_NAME_MAX };

static struct text decode_name(struct text name, char out[QUERY_NAME_MAX])
{
    size_t n;
    struct text cut = text_slice(name, 0, QUERY_NAME_MAX);
    return form_decode(cut, out, &n) ? (struct text){out, n} : cut;
}

static bool find_pair(struct text query, const char *wanted, struct text *value)
{
    char decoded[QUERY_NAME_MAX];
    struct text name;
    while (next_pair(&query, &name, value))
        if (text_eq(decode_name(name, decoded), text_of(wanted)))
            return true;
    return false;
}

static void read_query_field(struct field_reader *r, const struct field *row, struct text sent, char *target)
{
    struct field_input in = {.kind = JSON_TEXT};
    char *decoded = arena_alloc(r->ctx->mem, sent.n + 1);
    if (!decoded) {
        field_no_memory(r);
        return;
    }
    if (!form_decode(sent, decoded, &in.text.n) || row->kind == FK_LIST || row->kind == FK_IDS ||
        row->kind == FK_OBJECT) {
        field_fault(r, row->name, "Giá trị không hợp lệ");
        return;
    }
    in.text.p = decoded;
    read_field(r, row, &in, target);
}

static void refuse_unknown_in_query(struct field_reader *r, const struct field *rows, struct text query)
{
    char decoded[QUERY_NAME_MAX];
    struct text name, value;
    while (next_pair(&query, &name, &value)) {
        struct text shown = decode_name(name, decoded);
        if (!find_row(rows, shown))
            unknown_field(r, text_is_utf8(shown) ? shown : TEXT("?"));
    }
}

bool fields_read_query(const struct field *rows, struct text query, void *target, const struct field_ctx *ctx,
                       struct err *err)
{
    struct field_reader r = {.ctx = ctx, .err = err, .prefix = "", .from_query = true};
    for (const struct field *row = rows; row->kind != FK_END && !is_out_of_memory(&r); row++) {
        struct text sent;
        if (find_pair(query, row->name, &sent))
            read_query_field(&r, row, sent, target);
        else
            read_field(&r, row, NULL, target);
    }
    if (ctx->refuse_unknown && !is_out_of_memory(&r))
        refuse_unknown_in_query(&r, rows, query);
    return !r.faulty;
}
