#include "finance/statement/csv_columns.h"

#include "finance/nova/fold.h"
#include "finance/statement/parts.h"

enum column_kind { COLUMN_DATE, COLUMN_AMOUNT, COLUMN_DEBIT, COLUMN_CREDIT, COLUMN_TEXT, COLUMN_ID, COLUMN_OTHER };
/* A longer field is no name of a column; so what is folded stays small, whatever a file has in its first lines. */
enum { NAME_MAX_BYTES = 120 };
enum { KINDS = COLUMN_OTHER + 1, EXACT = 100, LOOK_AT = 50 };

/* As headers say it, folded: lower case, no marks. The longest word that a header holds decides. */
static const struct {
    enum column_kind kind;
    const char *word;
} WORDS[] = {
    {COLUMN_DATE, "ngay"},
    {COLUMN_DATE, "ngay giao dich"},
    {COLUMN_DATE, "ngay gd"},
    {COLUMN_DATE, "ngay hach toan"},
    {COLUMN_DATE, "thoi gian"},
    {COLUMN_DATE, "date"},
    {COLUMN_DATE, "transaction date"},
    {COLUMN_DATE, "booking date"},
    {COLUMN_DATE, "posting date"},
    {COLUMN_AMOUNT, "so tien"},
    {COLUMN_AMOUNT, "gia tri"},
    {COLUMN_AMOUNT, "amount"},
    {COLUMN_DEBIT, "no"},
    {COLUMN_DEBIT, "ghi no"},
    {COLUMN_DEBIT, "so tien ghi no"},
    {COLUMN_DEBIT, "phat sinh no"},
    {COLUMN_DEBIT, "tien ra"},
    {COLUMN_DEBIT, "so tien rut"},
    {COLUMN_DEBIT, "chi"},
    {COLUMN_DEBIT, "debit"},
    {COLUMN_DEBIT, "debit amount"},
    {COLUMN_DEBIT, "withdrawal"},
    {COLUMN_DEBIT, "money out"},
    {COLUMN_DEBIT, "paid out"},
    {COLUMN_CREDIT, "co"},
    {COLUMN_CREDIT, "ghi co"},
    {COLUMN_CREDIT, "so tien ghi co"},
    {COLUMN_CREDIT, "phat sinh co"},
    {COLUMN_CREDIT, "tien vao"},
    {COLUMN_CREDIT, "so tien gui"},
    {COLUMN_CREDIT, "thu"},
    {COLUMN_CREDIT, "credit"},
    {COLUMN_CREDIT, "credit amount"},
    {COLUMN_CREDIT, "deposit"},
    {COLUMN_CREDIT, "money in"},
    {COLUMN_CREDIT, "paid in"},
    {COLUMN_TEXT, "noi dung"},
    {COLUMN_TEXT, "dien giai"},
    {COLUMN_TEXT, "mo ta"},
    {COLUMN_TEXT, "chi tiet"},
    {COLUMN_TEXT, "description"},
    {COLUMN_TEXT, "details"},
    {COLUMN_TEXT, "memo"},
    {COLUMN_TEXT, "narrative"},
    {COLUMN_TEXT, "payee"},
    {COLUMN_ID, "ma giao dich"},
    {COLUMN_ID, "ma gd"},
    {COLUMN_ID, "so giao dich"},
    {COLUMN_ID, "so tham chieu"},
    {COLUMN_ID, "so but toan"},
    {COLUMN_ID, "so ct"},
    {COLUMN_ID, "reference"},
    {COLUMN_ID, "transaction id"},
    {COLUMN_ID, "fitid"},
    {COLUMN_OTHER, "so du"},
    {COLUMN_OTHER, "balance"},
    {COLUMN_OTHER, "loai tien"},
    {COLUMN_OTHER, "currency"},
    {COLUMN_OTHER, "tai khoan"},
    {COLUMN_OTHER, "account"},
    {COLUMN_OTHER, "value date"},
    {COLUMN_OTHER, "ngay hieu luc"},
};

/* Whole words only: "no" is not in "noi dung". */
static bool holds(struct text t, struct text word)
{
    for (size_t at = 0; at + word.n <= t.n; at++)
        if (memcmp(t.p + at, word.p, word.n) == 0 && (at == 0 || t.p[at - 1] < 'a' || t.p[at - 1] > 'z') &&
            (at + word.n == t.n || t.p[at + word.n] < 'a' || t.p[at + word.n] > 'z'))
            return true;
    return false;
}

static int score_of(struct text header, struct text word)
{
    return text_eq(header, word) ? EXACT + (int)word.n : holds(header, word) ? (int)word.n : 0;
}

struct choice {
    int64_t column[KINDS];
    int score[KINDS];
};

static bool weigh(struct choice *c, int64_t column, struct text header, struct arena *mem)
{
    struct text folded = nova_fold(text_slice(header, 0, header.n < NAME_MAX_BYTES ? header.n : NAME_MAX_BYTES), mem);
    enum column_kind kind = COLUMN_OTHER;
    int best = 0;
    for (size_t i = 0; folded.p && i < ARRAY_LEN(WORDS); i++) {
        int score = score_of(folded, text_of(WORDS[i].word));
        if (score > best)
            best = score, kind = WORDS[i].kind;
    }
    if (best > c->score[kind])
        c->score[kind] = best, c->column[kind] = column;
    return folded.p != NULL;
}

bool csv_columns_by_words(const struct csv *record, struct arena *mem, struct statement_mapping *out)
{
    struct choice c = {0};
    for (size_t i = 0; i < record->count; i++)
        if (!weigh(&c, (int64_t)i + 1, record->fields[i], mem))
            return false;
    bool pair = c.column[COLUMN_DEBIT] && c.column[COLUMN_CREDIT];
    *out = (struct statement_mapping){.date = c.column[COLUMN_DATE],
                                      .amount = pair ? 0 : c.column[COLUMN_AMOUNT],
                                      .debit = pair ? c.column[COLUMN_DEBIT] : 0,
                                      .credit = pair ? c.column[COLUMN_CREDIT] : 0,
                                      .text = c.column[COLUMN_TEXT],
                                      .id = c.column[COLUMN_ID]};
    return out->date && (pair || out->amount);
}

static bool is_date(struct text t)
{
    struct date_parts d;
    int32_t ymd;
    return t.n && part_date_split(t, &d) && (part_date(&d, true, &ymd) || part_date(&d, false, &ymd));
}

static bool is_amount(struct text t)
{
    static const struct currency FINE = {"VND", 3};
    int64_t minor;
    return t.n && !is_date(t) && !part_amount(t, part_decimal_of(t) ? part_decimal_of(t) : '.', &FINE, &minor);
}

bool csv_is_header(const struct csv *record)
{
    for (size_t i = 0; i < record->count; i++)
        if (is_date(record->fields[i]) || is_amount(record->fields[i]))
            return false;
    return true;
}

struct seen {
    size_t dates, amounts, negatives, bytes;
};

static size_t look(struct csv *records, struct seen seen[STATEMENT_COLUMNS_MAX])
{
    size_t rows = 0;
    while (rows < LOOK_AT && csv_next(records)) {
        rows++;
        for (size_t i = 0; i < records->count; i++) {
            struct text field = records->fields[i];
            bool amount = is_amount(field);
            seen[i].dates += is_date(field);
            seen[i].amounts += amount;
            seen[i].negatives += amount && memchr(field.p, '-', field.n) != NULL;
            seen[i].bytes += amount ? 0 : field.n;
        }
    }
    return rows;
}

/* Four of five rows must agree. Of several amounts the one that is below zero at times is no balance. */
void csv_columns_by_content(struct csv records, struct statement_mapping *out)
{
    struct seen seen[STATEMENT_COLUMNS_MAX] = {0};
    size_t rows = look(&records, seen), amounts = 0, longest = 0;
    int64_t signed_amount = 0, any_amount = 0;
    *out = (struct statement_mapping){0};
    for (size_t i = 0; i < STATEMENT_COLUMNS_MAX; i++) {
        int64_t column = (int64_t)i + 1;
        if (rows && !out->date && seen[i].dates * 5 >= rows * 4) {
            out->date = column;
        } else if (rows && seen[i].amounts * 5 >= rows * 4) {
            amounts++;
            any_amount = column;
            signed_amount = seen[i].negatives && !signed_amount ? column : signed_amount;
        } else if (seen[i].bytes > longest && seen[i].dates * 5 < rows * 4) {
            longest = seen[i].bytes;
            out->text = column;
        }
    }
    out->amount = signed_amount ? signed_amount : amounts == 1 ? any_amount : 0;
}
