#include "finance/statement/csv_record.h"

#include "finance/statement/parts.h"

void csv_init(struct csv *c, struct text file, char delimiter)
{
    c->rest = file;
    c->delimiter = delimiter;
    c->line = c->lines = 0;
    c->count = 0;
    c->broken = false;
}

struct cursor {
    struct text t;
    size_t at, used;
    int64_t breaks; /* line ends within quotes */
};

static bool put(struct csv *c, struct cursor *k, char byte)
{
    if (k->used == CSV_RECORD_MAX)
        return false;
    c->space[k->used++] = byte;
    k->breaks += byte == '\n';
    return true;
}

/* Behind the opening quote, to behind the closing one; "" is a quote. */
static bool quoted(struct csv *c, struct cursor *k)
{
    for (; k->at < k->t.n; k->at++) {
        if (k->t.p[k->at] == '"') {
            k->at++;
            if (k->at == k->t.n || k->t.p[k->at] != '"')
                return true;
        }
        if (!put(c, k, k->t.p[k->at]))
            return false;
    }
    return false;
}

static bool at_end(const struct csv *c, const struct cursor *k)
{
    return k->at == k->t.n || k->t.p[k->at] == c->delimiter || k->t.p[k->at] == '\n';
}

static bool field(struct csv *c, struct cursor *k)
{
    size_t begin = k->used;
    while (k->at < k->t.n && k->t.p[k->at] == ' ' && c->delimiter != ' ')
        k->at++;
    if (k->at < k->t.n && k->t.p[k->at] == '"') {
        k->at++;
        if (!quoted(c, k))
            return false;
    }
    for (; !at_end(c, k); k->at++)
        if (!put(c, k, k->t.p[k->at]))
            return false;
    if (c->count == STATEMENT_COLUMNS_MAX)
        return false;
    c->fields[c->count++] = text_trim((struct text){c->space + begin, k->used - begin});
    return true;
}

static bool record(struct csv *c, struct cursor *k)
{
    c->count = 0;
    while (field(c, k)) {
        if (k->at == k->t.n)
            return true;
        if (k->t.p[k->at++] == '\n')
            return true;
    }
    return false;
}

static bool is_empty(const struct csv *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->fields[i].n)
            return false;
    return true;
}

bool csv_next(struct csv *c)
{
    while (c->rest.n) {
        struct cursor k = {.t = c->rest};
        struct text line;
        c->line = c->lines + 1;
        c->broken = !record(c, &k);
        if (c->broken) {
            part_line(&c->rest, &c->lines, &line);
            c->count = 0;
            return true;
        }
        c->rest = text_slice(c->rest, k.at, c->rest.n);
        c->lines += 1 + k.breaks;
        if (!is_empty(c))
            return true;
    }
    return false;
}

struct text csv_field(const struct csv *c, int64_t column)
{
    return column >= 1 && column <= (int64_t)c->count ? c->fields[column - 1] : TEXT("");
}

/* How many of the first records have as many fields as the most common count above one, weighted by it. */
static size_t agreement(struct csv *c, struct text file, char delimiter)
{
    size_t with[STATEMENT_COLUMNS_MAX + 1] = {0}, best = 0;
    csv_init(c, file, delimiter);
    for (int i = 0; i < 40 && csv_next(c); i++)
        with[c->count]++;
    for (size_t n = 2; n <= STATEMENT_COLUMNS_MAX; n++)
        if (with[n] * 8 + n > best && with[n])
            best = with[n] * 8 + n;
    return best;
}

char csv_delimiter(struct text file)
{
    static const char SIGNS[] = {';', '\t', '|', ','};
    struct csv c;
    char found = 0;
    size_t best = 0;
    for (size_t i = 0; i < sizeof(SIGNS); i++) {
        size_t score = agreement(&c, file, SIGNS[i]);
        if (score > best)
            best = score, found = SIGNS[i];
    }
    return found;
}
