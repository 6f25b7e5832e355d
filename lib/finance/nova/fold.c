#include "finance/nova/fold.h"

#include <stdint.h>

struct range {
    uint32_t first, last;
    char base;
};

/* Latin letters with marks, in order; upper and lower case alike. Vietnamese needs Latin-1, Extended-A/B and
 * U+1EA0..1EF9. */
static const struct range RANGES[] = {
    {0x00C0, 0x00C5, 'a'}, {0x00C7, 0x00C7, 'c'}, {0x00C8, 0x00CB, 'e'}, {0x00CC, 0x00CF, 'i'}, {0x00D1, 0x00D1, 'n'},
    {0x00D2, 0x00D6, 'o'}, {0x00D9, 0x00DC, 'u'}, {0x00DD, 0x00DD, 'y'}, {0x00E0, 0x00E5, 'a'}, {0x00E7, 0x00E7, 'c'},
    {0x00E8, 0x00EB, 'e'}, {0x00EC, 0x00EF, 'i'}, {0x00F1, 0x00F1, 'n'}, {0x00F2, 0x00F6, 'o'}, {0x00F9, 0x00FC, 'u'},
    {0x00FD, 0x00FD, 'y'}, {0x00FF, 0x00FF, 'y'}, {0x0102, 0x0103, 'a'}, {0x0110, 0x0111, 'd'}, {0x0128, 0x0129, 'i'},
    {0x0168, 0x0169, 'u'}, {0x01A0, 0x01A1, 'o'}, {0x01AF, 0x01B0, 'u'}, {0x1EA0, 0x1EB7, 'a'}, {0x1EB8, 0x1EC7, 'e'},
    {0x1EC8, 0x1ECB, 'i'}, {0x1ECC, 0x1EE3, 'o'}, {0x1EE4, 0x1EF1, 'u'}, {0x1EF2, 0x1EF9, 'y'},
};

static char base_letter(uint32_t c)
{
    size_t low = 0, high = ARRAY_LEN(RANGES);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > RANGES[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ARRAY_LEN(RANGES) && c >= RANGES[low].first ? RANGES[low].base : '\0';
}

static bool is_mark(uint32_t c)
{
    return c >= 0x0300 && c <= 0x036F;
}

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x00A0 || (c >= 0x2000 && c <= 0x200B) || c == 0x202F ||
           c == 0x3000;
}

struct folding {
    char *p;
    size_t *map;
    size_t n;
};

static void put(struct folding *f, char c, size_t from)
{
    f->map[f->n] = from;
    f->p[f->n++] = c;
}

static void put_one(struct folding *f, struct text t, size_t at, size_t n, uint32_t c)
{
    char base = base_letter(c);
    if (is_mark(c))
        return;
    if (is_space(c)) {
        if (f->n && f->p[f->n - 1] != ' ')
            put(f, ' ', at);
    } else if (base) {
        put(f, base, at);
    } else if (c >= 'A' && c <= 'Z') {
        put(f, (char)(c - 'A' + 'a'), at);
    } else {
        for (size_t i = 0; i < n; i++)
            put(f, t.p[at + i], at);
    }
}

struct text nova_fold_mapped(struct text t, struct arena *mem, size_t **map)
{
    struct folding f = {.p = arena_alloc(mem, t.n + 1), .map = arena_array(mem, t.n + 1, sizeof(size_t))};
    if (!f.p || !f.map)
        return TEXT_NONE;
    for (size_t at = 0; at < t.n;) {
        uint32_t c;
        size_t n = text_decode(t, at, &c);
        if (!n) {
            at++; /* not UTF-8: left out */
            continue;
        }
        put_one(&f, t, at, n, c);
        at += n;
    }
    while (f.n && f.p[f.n - 1] == ' ')
        f.n--;
    f.map[f.n] = t.n;
    f.p[f.n] = '\0';
    *map = f.map;
    return (struct text){f.p, f.n};
}

struct text nova_fold(struct text t, struct arena *mem)
{
    size_t *map;
    return nova_fold_mapped(t, mem, &map);
}
