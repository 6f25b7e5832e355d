#include "base/fields_value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/date.h"

/* What a body may call a number is text in some clients and in every query. */
static bool is_numeric(const struct field_input *in)
{
    return in->kind == JSON_NUMBER || in->kind == JSON_TEXT;
}

static struct text number_text(const struct field_input *in)
{
    return in->kind == JSON_TEXT ? text_trim(in->text) : in->text;
}

struct field_input field_input_of(const struct json_node *v)
{
    return (struct field_input){.kind = json_kind(v), .text = json_as_text(v), .node = v};
}

bool field_fault(struct field_reader *r, const char *name, const char *fmt, ...)
{
    char full[ERR_FIELD_NAME_MAX];
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    snprintf(full, sizeof(full), "%s%s", r->prefix, name);
    r->faulty = true;
    return err_field(r->err, full, "%s", text);
}

bool field_no_memory(struct field_reader *r)
{
    r->faulty = true;
    return err_set(r->err, ERR_NO_MEMORY, "No memory to read the request");
}

bool field_is_null(const struct field *row, const struct field_input *in)
{
    if (in->kind == JSON_NULL)
        return true;
    if (row->kind == FK_ID && (row->flags & FF_ZERO_IS_NULL) && is_numeric(in)) {
        int64_t id;
        if (text_to_int64(number_text(in), &id) && id == 0)
            return true;
    }
    if (in->kind != JSON_TEXT)
        return false;
    if (row->kind == FK_TEXT && (row->flags & FF_EMPTY_OK))
        return false;
    return row->flags & FF_RAW ? in->text.n == 0 : text_trim(in->text).n == 0;
}

static bool keep_text(struct field_reader *r, struct text t, struct text *to)
{
    struct text copy = arena_text(r->ctx->mem, t);
    if (!copy.p)
        return field_no_memory(r);
    *to = copy;
    return true;
}

/* What every text must be before its length counts. */
static bool text_is_clean(struct field_reader *r, const struct field *row, const struct field_input *in)
{
    if (in->kind != JSON_TEXT)
        return field_fault(r, row->name, "Phải là văn bản");
    if (!text_is_utf8(in->text))
        return field_fault(r, row->name, "Văn bản không đúng mã UTF-8");
    struct text t = row->flags & FF_RAW ? in->text : text_trim(in->text);
    if (text_has_control(t, row->flags & FF_MULTILINE))
        return field_fault(r, row->name, "Không được chứa ký tự điều khiển");
    return true;
}

static bool read_text(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    if (!text_is_clean(r, row, in))
        return false;
    struct text t = row->flags & FF_RAW ? in->text : text_trim(in->text);
    int64_t length = (int64_t)text_length(t);
    if (length == 0) /* kept only where FF_EMPTY_OK says so */
        return keep_text(r, TEXT(""), to);
    if (length < row->min)
        return field_fault(r, row->name, "Tối thiểu %" PRId64 " ký tự", row->min);
    if (row->max > 0 && length > row->max)
        return field_fault(r, row->name, "Tối đa %" PRId64 " ký tự", row->max);
    return keep_text(r, t, to);
}

static bool read_email(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    char address[256];
    if (!text_is_clean(r, row, in))
        return false;
    struct text t = text_trim(in->text);
    if (!text_is_email(t) || !text_lower(t, address, sizeof(address)))
        return field_fault(r, row->name, "Địa chỉ email không hợp lệ");
    return keep_text(r, text_of(address), to);
}

static bool read_color(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    if (!text_is_clean(r, row, in))
        return false;
    struct text t = text_trim(in->text);
    bool ok = t.n == 7 && t.p[0] == '#';
    for (size_t i = 1; ok && i < t.n; i++)
        ok = strchr("0123456789abcdefABCDEF", t.p[i]) != NULL;
    if (!ok)
        return field_fault(r, row->name, "Màu phải có dạng #RRGGBB");
    return keep_text(r, t, to);
}

static bool all_digits(struct text t)
{
    if (t.n && t.p[0] == '-')
        t = text_slice(t, 1, t.n);
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
    return t.n > 0;
}

/* An integer; one beyond 64 bits becomes the nearest that fits, which no row's limits let pass. */
static bool integer_of(const struct field_input *in, int64_t *v)
{
    if (!is_numeric(in))
        return false;
    struct text t = number_text(in);
    if (text_to_int64(t, v))
        return true;
    *v = t.n && t.p[0] == '-' ? INT64_MIN : INT64_MAX;
    return all_digits(t);
}

static bool read_int(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    int64_t v;
    if (!integer_of(in, &v))
        return field_fault(r, row->name, "Phải là số nguyên");
    if (v >= row->min && v <= row->max) {
        *(int64_t *)to = v;
        return true;
    }
    if (row->max == INT64_MAX)
        return field_fault(r, row->name, "Không được nhỏ hơn %" PRId64, row->min);
    return field_fault(r, row->name, "Phải từ %" PRId64 " đến %" PRId64, row->min, row->max);
}

static bool read_id(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    int64_t v;
    if (!integer_of(in, &v))
        return field_fault(r, row->name, "Mã số không hợp lệ");
    *(int64_t *)to = v == 0 ? -1 : v; /* 0 would read as "none" */
    return true;
}

static bool read_bool(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    bool yes = in->kind == JSON_BOOL ? json_as_bool(in->node) : text_eq(in->text, TEXT("true"));
    bool no = in->kind == JSON_BOOL ? !yes : text_eq(in->text, TEXT("false"));
    if ((in->kind != JSON_BOOL && !r->from_query) || (!yes && !no))
        return field_fault(r, row->name, "Phải là true hoặc false");
    *(bool *)to = yes;
    return true;
}

static bool money_too_large(struct field_reader *r, const struct field *row, const struct currency *cur)
{
    char limit[MONEY_TEXT_MAX];
    money_format(row->max > 0 ? row->max : money_max(cur), cur, limit);
    return field_fault(r, row->name, "Không được lớn hơn %s", limit);
}

static bool money_too_small(struct field_reader *r, const struct field *row, const struct currency *cur)
{
    char limit[MONEY_TEXT_MAX];
    if (row->min == 1)
        return field_fault(r, row->name, "Phải lớn hơn 0");
    money_format(row->min, cur, limit);
    return field_fault(r, row->name, "Không được nhỏ hơn %s", limit);
}

static bool read_money(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    const struct currency *cur = r->ctx->currency ? r->ctx->currency : currency_find(TEXT("VND"));
    if (!is_numeric(in))
        return field_fault(r, row->name, "Phải là số tiền hợp lệ");
    struct text t = number_text(in);
    int64_t v = 0;
    switch (money_parse(t, cur, &v)) {
    case MONEY_NOT_A_NUMBER: return field_fault(r, row->name, "Phải là số tiền hợp lệ");
    case MONEY_TOO_FINE:
        if (cur->exponent == 0)
            return field_fault(r, row->name, "Số tiền không được có phần lẻ");
        return field_fault(r, row->name, "Số tiền chỉ được có tối đa %d chữ số thập phân", cur->exponent);
    case MONEY_TOO_LARGE: return t.p[0] == '-' ? money_too_small(r, row, cur) : money_too_large(r, row, cur);
    case MONEY_OK: break;
    }
    if (v < row->min)
        return money_too_small(r, row, cur);
    if (row->max > 0 && v > row->max)
        return money_too_large(r, row, cur);
    *(int64_t *)to = v;
    return true;
}

static bool read_percent(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    int32_t v;
    char least[MONEY_TEXT_MAX], most[MONEY_TEXT_MAX];
    struct text t = is_numeric(in) ? number_text(in) : TEXT("");
    if (!percent_parse(t, &v)) {
        if (!all_digits(t))
            return field_fault(r, row->name, "Phải là số phần trăm hợp lệ");
        v = t.p[0] == '-' ? INT32_MIN : INT32_MAX;
    }
    if (v >= row->min && v <= row->max) {
        *(int32_t *)to = v;
        return true;
    }
    percent_format((int32_t)row->min, least);
    percent_format((int32_t)row->max, most);
    return field_fault(r, row->name, "Phải từ %s đến %s", least, most);
}

static bool read_date(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    if (in->kind != JSON_TEXT || !date_parse(text_trim(in->text), to))
        return field_fault(r, row->name, "Ngày không hợp lệ");
    return true;
}

static bool read_month(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    if (in->kind != JSON_TEXT || !month_parse(text_trim(in->text), to))
        return field_fault(r, row->name, "Tháng không hợp lệ");
    return true;
}

static bool read_choice(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    if (in->kind == JSON_TEXT) {
        for (int64_t i = 0; row->choices[i]; i++) {
            if (text_eq(in->text, text_of(row->choices[i]))) {
                *(int64_t *)to = i;
                return true;
            }
        }
    }
    char list[ERR_TEXT_MAX] = "";
    size_t n = 0;
    for (size_t i = 0; row->choices[i] && n < sizeof(list); i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", row->choices[i]);
    return field_fault(r, row->name, "Phải là một trong các giá trị: %s", list);
}

bool field_count_fits(struct field_reader *r, const char *name, int64_t min, int64_t max, size_t count)
{
    if ((int64_t)count >= min && (int64_t)count <= max)
        return true;
    return field_fault(r, name, "Cần từ %" PRId64 " đến %" PRId64 " mục", min, max);
}

static bool read_ids(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    struct field_ids *out = to;
    if (in->kind != JSON_ARRAY)
        return field_fault(r, row->name, "Phải là một danh sách");
    size_t count = json_count(in->node);
    if (!field_count_fits(r, row->name, row->min, row->max, count))
        return false;
    int64_t *ids = arena_array(r->ctx->mem, count, sizeof(*ids));
    if (!ids)
        return field_no_memory(r);
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        char name[ERR_FIELD_NAME_MAX];
        snprintf(name, sizeof(name), "%s[%zu]", row->name, i);
        struct field_input element = field_input_of(json_at(in->node, i));
        ok &= read_id(r, &(struct field){.name = name, .kind = FK_ID}, &element, &ids[i]);
    }
    *out = (struct field_ids){.ids = ids, .count = count, .given = true};
    return ok;
}

static bool read_object(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    if (in->kind != JSON_OBJECT)
        return field_fault(r, row->name, "Phải là một đối tượng");
    *(const struct json_node **)to = in->node;
    return true;
}

typedef bool read_fn(struct field_reader *, const struct field *, const struct field_input *, void *);

/* Size is what null sets to zero. */
static const struct {
    read_fn *read;
    size_t size;
} KINDS[] = {
    [FK_TEXT] = {read_text, sizeof(struct text)},    [FK_EMAIL] = {read_email, sizeof(struct text)},
    [FK_INT] = {read_int, sizeof(int64_t)},          [FK_ID] = {read_id, sizeof(int64_t)},
    [FK_BOOL] = {read_bool, sizeof(bool)},           [FK_MONEY] = {read_money, sizeof(int64_t)},
    [FK_PERCENT] = {read_percent, sizeof(int32_t)},  [FK_DATE] = {read_date, sizeof(int32_t)},
    [FK_MONTH] = {read_month, sizeof(int32_t)},      [FK_CHOICE] = {read_choice, 0},
    [FK_COLOR] = {read_color, sizeof(struct text)},  [FK_LIST] = {NULL, sizeof(struct field_list)},
    [FK_IDS] = {read_ids, sizeof(struct field_ids)}, [FK_OBJECT] = {read_object, sizeof(const struct json_node *)},
};

bool field_value(struct field_reader *r, const struct field *row, const struct field_input *in, void *to)
{
    return KINDS[row->kind].read(r, row, in, to);
}

void field_set_null(const struct field *row, void *to)
{
    memset(to, 0, KINDS[row->kind].size);
}
