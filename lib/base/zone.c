/* Time zones of base/date.h, read from the system's TZif files (RFC 8536): the C library's own way is process-wide
 * state. */
#include "base/date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX = 64 * 1024, /* the largest zone of the tz database has under 4 KiB */
    HEADER_SIZE = 44,
    TYPE_SIZE = 6, /* int32 offset, bool dst, index of the name */
    OFFSET_MAX_S = 26 * 3600
};

struct zone {
    int64_t *at;     /* transition times, seconds, ascending */
    int32_t *offset; /* seconds east of UTC from at[i] on */
    size_t count;
    int32_t before; /* offset before the first transition */
};

/* For machines without the tz database: slim containers have none. These zones have not changed since 1975. */
static const struct {
    const char *name;
    int32_t offset;
} FIXED[] = {
    {"UTC", 0}, {"Etc/UTC", 0}, {"Asia/Ho_Chi_Minh", 7 * 3600}, {"Asia/Saigon", 7 * 3600}, {"Asia/Bangkok", 7 * 3600},
};

static uint32_t read_be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_be64(const unsigned char *p)
{
    return (int64_t)((uint64_t)read_be32(p) << 32 | read_be32(p + 4));
}

/* One data block: its counts, and where its parts lie. */
struct block {
    size_t utc_flags, std_flags, leaps, times, types, chars;
    size_t size; /* without the header */
};

static bool block_read(const unsigned char *p, size_t left, size_t time_size, struct block *b)
{
    if (left < HEADER_SIZE || memcmp(p, "TZif", 4) != 0)
        return false;
    b->utc_flags = read_be32(p + 20);
    b->std_flags = read_be32(p + 24);
    b->leaps = read_be32(p + 28);
    b->times = read_be32(p + 32);
    b->types = read_be32(p + 36);
    b->chars = read_be32(p + 40);
    if (b->utc_flags > FILE_MAX || b->std_flags > FILE_MAX || b->leaps > FILE_MAX || b->times > FILE_MAX ||
        b->types > FILE_MAX || b->chars > FILE_MAX || b->types == 0)
        return false;
    b->size = b->times * (time_size + 1) + b->types * TYPE_SIZE + b->chars + b->leaps * (time_size + 4) + b->std_flags +
              b->utc_flags;
    return b->size <= left - HEADER_SIZE;
}

static bool zone_room(struct zone *z, size_t count)
{
    z->at = calloc(count + 2, sizeof(*z->at));
    z->offset = calloc(count + 2, sizeof(*z->offset));
    return z->at && z->offset;
}

static bool plausible(int32_t offset)
{
    return offset >= -OFFSET_MAX_S && offset <= OFFSET_MAX_S;
}

static bool transitions_read(struct zone *z, const unsigned char *p, const struct block *b)
{
    const unsigned char *index = p + b->times * 8;
    const unsigned char *types = index + b->times;
    z->before = (int32_t)read_be32(types);
    if (!zone_room(z, b->times) || !plausible(z->before))
        return false;
    for (size_t i = 0; i < b->times; i++) {
        if (index[i] >= b->types)
            return false;
        z->at[i] = read_be64(p + i * 8);
        z->offset[i] = (int32_t)read_be32(types + (size_t)index[i] * TYPE_SIZE);
        if (!plausible(z->offset[i]) || (i > 0 && z->at[i] <= z->at[i - 1]))
            return false;
    }
    z->count = b->times;
    return true;
}

/* Version 2 and later: the block with 32-bit times is skipped, the second one has 64-bit times. */
static bool zone_parse(struct zone *z, const unsigned char *p, size_t n)
{
    struct block b;
    if (!block_read(p, n, 4, &b) || p[4] < '2')
        return false;
    p += HEADER_SIZE + b.size;
    n -= HEADER_SIZE + b.size;
    return block_read(p, n, 8, &b) && transitions_read(z, p + HEADER_SIZE, &b);
}

/* "Area/Place": nothing that leaves the folder. */
static bool is_zone_name(const char *name)
{
    if (!name || !*name || *name == '/' || strstr(name, "..") || strlen(name) > 64)
        return false;
    return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-") == strlen(name);
}

static bool zone_file(struct zone *z, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    unsigned char *data = malloc(FILE_MAX);
    size_t n = data ? fread(data, 1, FILE_MAX, file) : 0;
    bool ok = n > 0 && n < FILE_MAX && zone_parse(z, data, n);
    free(data);
    fclose(file);
    return ok;
}

static bool zone_fixed(struct zone *z, const char *name)
{
    for (size_t i = 0; i < sizeof(FIXED) / sizeof(FIXED[0]); i++) {
        if (strcmp(FIXED[i].name, name) == 0) {
            z->count = 0;
            z->before = FIXED[i].offset;
            return true;
        }
    }
    return false;
}

struct zone *zone_load(const char *name)
{
    if (!is_zone_name(name))
        return NULL;
    struct zone *z = calloc(1, sizeof(*z));
    if (z && (zone_file(z, name) || zone_fixed(z, name)))
        return z;
    zone_free(z);
    return NULL;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    free(z->at);
    free(z->offset);
    free(z);
}

static int32_t zone_offset(const struct zone *z, int64_t seconds)
{
    size_t low = 0, high = z->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->at[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? z->offset[low - 1] : z->before;
}

struct instant_parts zone_split(const struct zone *z, int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    return instant_split(ms + (int64_t)zone_offset(z, seconds) * 1000);
}

int32_t zone_date(const struct zone *z, int64_t ms)
{
    struct instant_parts p = zone_split(z, ms);
    return p.year * 10000 + p.month * 100 + p.day;
}
