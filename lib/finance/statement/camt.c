/* CAMT.052 and CAMT.053 (ISO 20022): each booked <Ntry> is a row. CdtDbtInd tells its direction, of a
 * reversal (RvslInd) too. */
#include <string.h>

#include "finance/statement/parts.h"
#include "service/xml.h"

enum {
    HEAD = 4096,
    VALUE_MAX = STATEMENT_TEXT_MAX,
    FILE_MAX = 64 * 1024 * 1024,
    NODES_MAX = 16 * 1000 * 1000 /* an entry has about a hundred */
};

enum tag {
    T_OTHER,
    T_NTRY,
    T_AMT,
    T_CDT_DBT,
    T_STS,
    T_CD,
    T_BOOKG,
    T_VAL,
    T_DT,
    T_DT_TM,
    T_SVCR_REF,
    T_USTRD,
    T_ADDTL,
    T_NM,
    T_IBAN,
    T_OTHR,
    T_ID,
    T_ACCT
};

static const struct {
    enum tag tag;
    const char *name;
} TAGS[] = {
    {T_NTRY, "Ntry"},
    {T_AMT, "Amt"},
    {T_CDT_DBT, "CdtDbtInd"},
    {T_STS, "Sts"},
    {T_CD, "Cd"},
    {T_BOOKG, "BookgDt"},
    {T_VAL, "ValDt"},
    {T_DT, "Dt"},
    {T_DT_TM, "DtTm"},
    {T_SVCR_REF, "AcctSvcrRef"},
    {T_USTRD, "Ustrd"},
    {T_ADDTL, "AddtlNtryInf"},
    {T_NM, "Nm"},
    {T_IBAN, "IBAN"},
    {T_OTHR, "Othr"},
    {T_ID, "Id"},
    {T_ACCT, "Acct"},
};

struct value {
    char p[VALUE_MAX + 1];
    size_t n;
};

struct entry {
    int64_t line;
    struct value amount, currency, direction, status, booked, valued, reference, text, added, name;
};

struct camt {
    const struct statement_options *o;
    statement_row_fn *each; /* NULL: only the account is looked for */
    void *to;
    struct statement_info *info;
    enum tag path[XML_DEPTH_MAX + 2];
    size_t depth, entry_depth; /* entry_depth 0: outside any */
    size_t line;
    struct value value; /* of the innermost element */
    struct entry entry;
    bool stopped; /* on purpose: what was looked for is there */
};

static enum tag tag_of(struct text name)
{
    for (size_t i = 0; i < ARRAY_LEN(TAGS); i++)
        if (text_eq(name, text_of(TAGS[i].name)))
            return TAGS[i].tag;
    return T_OTHER;
}

static void append(struct value *v, struct text t)
{
    size_t n = t.n < VALUE_MAX - v->n ? t.n : VALUE_MAX - v->n;
    if (n)
        memcpy(v->p + v->n, t.p, n);
    v->n += n;
}

static struct text view(const struct value *v)
{
    return text_trim((struct text){v->p, v->n});
}

static bool detect(struct text file)
{
    struct text head = text_slice(file, 0, file.n < HEAD ? file.n : HEAD);
    return memmem(head.p, head.n, "camt.05", 7) != NULL ||
           (memmem(head.p, head.n, "<Document", 9) && memmem(head.p, head.n, "CstmrStmt", 9));
}

static bool open_element(void *to, struct text name, struct err *err)
{
    struct camt *c = to;
    enum tag tag = tag_of(name);
    (void)err;
    if (c->depth < ARRAY_LEN(c->path))
        c->path[c->depth] = tag;
    c->depth++;
    c->value.n = 0;
    if (tag == T_NTRY && !c->entry_depth) {
        c->entry_depth = c->depth;
        memset(&c->entry, 0, sizeof c->entry);
        c->entry.line = (int64_t)c->line;
    }
    return true;
}

static bool add_text(void *to, struct text piece, struct err *err)
{
    struct camt *c = to;
    (void)err;
    append(&c->value, piece);
    return true;
}

static bool add_attribute(void *to, struct text name, struct text value, struct err *err)
{
    struct camt *c = to;
    (void)err;
    if (c->entry_depth && c->depth == c->entry_depth + 1 && c->path[c->depth - 1] == T_AMT &&
        text_eq(name, TEXT("Ccy")))
        append(&c->entry.currency, value);
    return true;
}

static enum tag parent(const struct camt *c)
{
    return c->depth >= 2 && c->depth <= ARRAY_LEN(c->path) ? c->path[c->depth - 2] : T_OTHER;
}

static void add_part(struct value *v, struct text t)
{
    if (v->n)
        append(v, TEXT(" "));
    append(v, t);
}

/* Only what stands directly in the entry; its details may hold amounts and dates of their own. */
static void take_direct(struct camt *c, enum tag tag, struct text t)
{
    struct entry *e = &c->entry;
    switch (tag) {
    case T_AMT: append(&e->amount, t); break;
    case T_CDT_DBT: append(&e->direction, t); break;
    case T_STS: append(&e->status, t); break;
    case T_SVCR_REF: append(&e->reference, t); break;
    case T_ADDTL: add_part(&e->added, t); break;
    default: break;
    }
}

static void take_nested(struct camt *c, enum tag tag, enum tag above, struct text t)
{
    struct entry *e = &c->entry;
    bool second = c->depth == c->entry_depth + 2;
    if (second && above == T_STS && tag == T_CD)
        append(&e->status, t);
    else if (second && (tag == T_DT || tag == T_DT_TM) && above == T_BOOKG)
        append(&e->booked, t);
    else if (second && (tag == T_DT || tag == T_DT_TM) && above == T_VAL)
        append(&e->valued, t);
    else if (tag == T_USTRD)
        add_part(&e->text, t);
    else if (tag == T_NM && !e->name.n)
        append(&e->name, t);
}

static const char *read_entry(const struct camt *c, struct statement_row *row)
{
    const struct entry *e = &c->entry;
    struct text day = view(e->booked.n ? &e->booked : &e->valued), direction = view(&e->direction);
    bool in = text_eq(direction, TEXT("CRDT"));
    if (e->status.n && !text_eq(view(&e->status), TEXT("BOOK")))
        return BAD_PENDING;
    if (!part_is_currency(view(&e->currency), c->o->currency))
        return BAD_CURRENCY;
    if (!part_date_iso(day, &row->occurred_on))
        return BAD_DATE;
    if (!in && !text_eq(direction, TEXT("DBIT")))
        return BAD_AMOUNT;
    const char *bad = part_amount(view(&e->amount), '.', c->o->currency, &row->amount);
    if (!bad && !in)
        row->amount = -row->amount;
    return bad;
}

static bool tell(struct camt *c, struct err *err)
{
    char text[STATEMENT_TEXT_MAX + 1], id[STATEMENT_ID_MAX + 1];
    struct entry *e = &c->entry;
    struct statement_row row = {.line = e->line};
    row.bad = read_entry(c, &row);
    row.text = part_join((struct text[]){view(&e->name), view(e->text.n ? &e->text : &e->added)}, 2, text);
    row.bank_id = part_clean(view(&e->reference), id, STATEMENT_ID_MAX);
    part_check_amount(&row, c->o->currency);
    return c->each(c->to, &row, err);
}

static bool stop(struct camt *c, struct err *err)
{
    c->stopped = true;
    return err_set(err, ERR_INTERNAL, "The reading ends here");
}

static bool close_element(void *to, struct text name, struct err *err)
{
    struct camt *c = to;
    enum tag tag = tag_of(name), above = parent(c);
    struct text t = view(&c->value);
    bool ok = true;
    if (c->entry_depth && c->depth == c->entry_depth) {
        c->entry_depth = 0;
        ok = !c->each || tell(c, err);
    } else if (c->entry_depth && c->depth == c->entry_depth + 1) {
        take_direct(c, tag, t);
    } else if (c->entry_depth) {
        take_nested(c, tag, above, t);
    } else if (!c->each && (tag == T_IBAN || (tag == T_ID && above == T_OTHR)) && t.n) {
        part_clean(t, c->info->account, STATEMENT_ACCOUNT_MAX);
        ok = stop(c, err);
    }
    if (ok && !c->each && tag == T_NTRY)
        ok = stop(c, err);
    c->depth--;
    c->value.n = 0;
    return ok;
}

static bool run(struct camt *c, struct text file, struct err *err)
{
    const struct xml_handler handler = {.open = open_element,
                                        .text = add_text,
                                        .close = close_element,
                                        .attribute = add_attribute,
                                        .line = &c->line,
                                        .read_max = FILE_MAX,
                                        .nodes_max = NODES_MAX};
    if (xml_read(file, &handler, c, err))
        return true;
    if (c->stopped) {
        err_clear(err);
        return true;
    }
    if (err->code == ERR_BAD_REQUEST)
        err_field(err, "file", "Không đọc được XML của tệp");
    return false;
}

static bool inspect(struct text file, const struct statement_options *o, struct statement_info *info, struct err *err)
{
    struct camt *c = arena_new_of(o->mem, struct camt);
    if (!c)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    c->o = o;
    c->info = info;
    return run(c, file, err);
}

static bool read_rows(struct text file, const struct statement_options *o, struct statement_info *info,
                      statement_row_fn *each, void *to, struct err *err)
{
    struct camt *c = arena_new_of(o->mem, struct camt);
    if (!c)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    c->o = o;
    c->info = info;
    c->each = each;
    c->to = to;
    return run(c, file, err);
}

const struct statement_format STATEMENT_CAMT = {"camt", detect, inspect, read_rows};
