#include "finance/imports/mapping.h"

enum { NAMES_MAX = 64 * 1024 };

static const struct {
    const char *name;
    size_t offset;
} COLUMNS[] = {
    {"dateColumn", offsetof(struct statement_mapping, date)},
    {"amountColumn", offsetof(struct statement_mapping, amount)},
    {"debitColumn", offsetof(struct statement_mapping, debit)},
    {"creditColumn", offsetof(struct statement_mapping, credit)},
    {"textColumn", offsetof(struct statement_mapping, text)},
    {"idColumn", offsetof(struct statement_mapping, id)},
};

static int64_t *column(struct statement_mapping *m, size_t i)
{
    return (int64_t *)(void *)((char *)m + COLUMNS[i].offset);
}

void mapping_write_json(struct json_out *j, const struct statement_mapping *m)
{
    struct statement_mapping copy = *m;
    json_begin_object(j);
    for (size_t i = 0; i < ARRAY_LEN(COLUMNS); i++)
        json_put_id(j, COLUMNS[i].name, *column(&copy, i));
    if (m->day_first)
        json_put_bool(j, "dayFirst", m->day_first == 1);
    else
        json_put_null(j, "dayFirst");
    json_put_str(j, "decimal", m->decimal == ',' ? "," : m->decimal == '.' ? "." : NULL);
    json_end_object(j);
}

static void read_object(const struct json_node *root, struct statement_mapping *m)
{
    const struct json_node *day_first = NULL;
    struct text decimal = json_get_text(root, "decimal");
    for (size_t i = 0; i < ARRAY_LEN(COLUMNS); i++)
        *column(m, i) = json_get_int(root, COLUMNS[i].name, 0);
    if (json_get(root, "dayFirst", &day_first) && json_kind(day_first) == JSON_BOOL)
        m->day_first = json_as_bool(day_first) ? 1 : 2;
    m->decimal = decimal.n == 1 ? decimal.p[0] : 0;
}

void mapping_read_json(struct text json, struct statement_mapping *out)
{
    struct err err = {0};
    *out = (struct statement_mapping){0};
    AUTO(json_doc) struct json_doc *doc = json_parse(json, &err);
    if (doc && json_kind(json_root(doc)) == JSON_OBJECT)
        read_object(json_root(doc), out);
}

bool mapping_is_empty(const struct statement_mapping *m)
{
    return !m->date && !m->amount && !m->debit && !m->credit && !m->text && !m->id && !m->day_first && !m->decimal;
}

bool mapping_fingerprint(const struct statement_info *info, char out[DIGEST_TEXT], struct err *err)
{
    AUTO(buf) struct buf names;
    buf_init(&names, NAMES_MAX);
    buf_printf(&names, "%zu\n", info->column_count);
    for (size_t i = 0; info->has_header && i < info->column_count; i++) {
        buf_text(&names, info->columns[i]);
        buf_char(&names, '\n');
    }
    if (names.failed)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    digest_hex(buf_view(&names), out);
    return true;
}
