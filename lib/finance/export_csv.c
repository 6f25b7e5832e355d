#include "base/date.h"
#include "finance/export.h"
#include "service/csv_out.h"

struct writer {
    const struct export_source *s;
    struct csv_out csv;
    struct export_layout layout;
    int64_t number;
};

static void put_amount(struct writer *w, const struct feed_row *row, bool shown)
{
    char amount[MONEY_TEXT_MAX];
    size_t n = shown ? money_format(row->amount, w->s->currency, amount) : 0;
    csv_plain(&w->csv, (struct text){amount, n});
}

static void put_number(struct writer *w)
{
    char number[MONEY_TEXT_MAX];
    static const struct currency WHOLE = {.exponent = 0};
    size_t n = money_format(w->number, &WHOLE, number);
    csv_plain(&w->csv, (struct text){number, n});
}

static void put_jar(struct writer *w, const struct feed_row *row)
{
    AUTO(buf) struct buf both;
    buf_init(&both, 4096);
    buf_text(&both, row->jar_name);
    if (row->kind == KIND_TRANSFER) {
        buf_str(&both, " → ");
        buf_text(&both, row->to_jar_name);
    }
    csv_text(&w->csv, buf_view(&both));
}

static void put_field(struct writer *w, const struct feed_row *row, enum export_field field)
{
    char date[DATE_TEXT_MAX];
    switch (field) {
    case FIELD_OF_NUMBER: put_number(w); break;
    case FIELD_OF_NAME: csv_text(&w->csv, row->name); break;
    case FIELD_OF_CATEGORY: csv_text(&w->csv, row->category_name); break;
    case FIELD_OF_JAR: put_jar(w, row); break;
    case FIELD_OF_AMOUNT: put_amount(w, row, true); break;
    case FIELD_OF_INCOME: put_amount(w, row, row->kind == KIND_INCOME); break;
    case FIELD_OF_EXPENSE: put_amount(w, row, row->kind == KIND_EXPENSE); break;
    case FIELD_OF_TRANSFER: put_amount(w, row, row->kind == KIND_TRANSFER); break;
    case FIELD_OF_DATE: csv_plain(&w->csv, (struct text){date, date_format(row->occurred_on, date)}); break;
    case FIELD_OF_NOTE: csv_text(&w->csv, row->note); break;
    }
}

static bool write_row(const struct feed_row *row, void *to, struct err *err)
{
    struct writer *w = to;
    w->number++;
    for (size_t i = 0; i < w->layout.count; i++)
        put_field(w, row, w->layout.columns[i].field);
    return csv_row_end(&w->csv, err);
}

bool export_csv(const struct export_source *s, struct err *err)
{
    struct writer w = {.s = s, .layout = export_layout(s->kind)};
    csv_begin(&w.csv, s->fd);
    for (size_t i = 0; i < w.layout.count; i++)
        csv_text(&w.csv, text_of(export_title(&w.layout.columns[i], s->vietnamese)));
    bool ok = csv_row_end(&w.csv, err) && export_rows(s, write_row, &w, err);
    return csv_end(&w.csv, ok, err);
}
