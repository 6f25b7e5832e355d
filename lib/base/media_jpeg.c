#include "base/media_internal.h"

enum {
    M_SOF0 = 0xC0,
    M_DHT = 0xC4,
    M_JPG = 0xC8, /* reserved */
    M_DAC = 0xCC,
    M_SOF15 = 0xCF,
    M_RST0 = 0xD0,
    M_RST7 = 0xD7,
    M_SOI = 0xD8,
    M_EOI = 0xD9,
    M_SOS = 0xDA,
    M_EXP = 0xDF, /* SOS to EXP: tables and counts of the coding */
    M_APP0 = 0xE0,
    M_APP1 = 0xE1,
    M_APP2 = 0xE2,
    M_APP14 = 0xEE,
    M_APP15 = 0xEF,
    M_COM = 0xFE,
    NAME_MAX_BYTES = 12,
    IFD_ENTRY = 12,
    IFD_ENTRIES_MAX = 512,
    TAG_ORIENTATION = 0x0112,
    TYPE_SHORT = 3
};

struct jpeg {
    const struct media_source *s;
    const struct media_sink *sink;
    int64_t at;
    bool frame_seen, scan_seen, turned; /* turned: the orientation is written */
};

struct segment {
    int marker;
    int64_t at, n; /* the marker's two bytes to the segment's end */
};

static unsigned get16(const unsigned char *p, bool little)
{
    return little ? (unsigned)(p[0] | p[1] << 8) : (unsigned)(p[0] << 8 | p[1]);
}

static uint32_t get32(const unsigned char *p, bool little)
{
    uint32_t first = get16(p, little), second = get16(p + 2, little);
    return little ? second << 16 | first : first << 16 | second;
}

/* ---- the orientation of an EXIF segment ---- */

/* 1 to 8; 1 (as it is) when the segment tells nothing that can be read. `at`, n: the TIFF part of the segment. */
static unsigned tiff_orientation(const struct jpeg *j, int64_t at, int64_t n, struct err *err)
{
    unsigned char head[8], count[2], entry[IFD_ENTRY];
    if (n < (int64_t)sizeof(head) || !media_read(j->s, at, head, sizeof(head), err))
        return 1;
    bool little = head[0] == 'I';
    int64_t ifd = get32(head + 4, little);
    if (ifd + 2 > n || !media_read(j->s, at + ifd, count, sizeof(count), err))
        return 1;
    unsigned entries = get16(count, little);
    for (unsigned i = 0; i < entries && i < IFD_ENTRIES_MAX; i++) {
        int64_t where = ifd + 2 + (int64_t)i * IFD_ENTRY;
        if (where + IFD_ENTRY > n || !media_read(j->s, at + where, entry, sizeof(entry), err))
            return 1;
        if (get16(entry, little) == TAG_ORIENTATION && get16(entry + 2, little) == TYPE_SHORT) {
            unsigned value = get16(entry + 8, little);
            return value >= 1 && value <= 8 ? value : 1;
        }
    }
    return 1;
}

/* A picture taken upright by a turned camera is turned by its viewers; so that one field stays. */
static bool put_orientation(struct jpeg *j, const struct segment *seg, struct err *err)
{
    struct err ignored = {0};
    unsigned value = tiff_orientation(j, seg->at + 10, seg->n - 10, &ignored);
    unsigned char exif[] = {0xFF, M_APP1, 0,    34,   'E', 'x',        'i', 'f', 0, 0,
                            'M',  'M',    0,    42,   0,   0,          0,   8,         /* TIFF, IFD at 8 */
                            0,    1,      0x01, 0x12, 0,   TYPE_SHORT, 0,   0,   0, 1, /* one entry, one value */
                            0,    0,      0,    0,    0,   0,          0,   0};        /* it, and no next IFD */
    if (value == 1 || j->turned)
        return true;
    j->turned = true;
    exif[29] = (unsigned char)value;
    return media_write(j->sink, exif, sizeof(exif), err);
}

/* ---- segments ---- */

static bool named(const char *name, size_t name_n, const unsigned char *bytes, size_t n)
{
    return n >= name_n && memcmp(bytes, name, name_n) == 0;
}

/* Kept: the frame (JFIF), the colours (ICC, Adobe). */
static bool application_segment(struct jpeg *j, const struct segment *seg, struct err *err)
{
    unsigned char name[NAME_MAX_BYTES] = {0};
    size_t n = seg->n - 4 < NAME_MAX_BYTES ? (size_t)(seg->n - 4) : NAME_MAX_BYTES;
    if (!media_read(j->s, seg->at + 4, name, n, err))
        return false;
    if (seg->marker == M_APP1 && named("Exif\0", 6, name, n))
        return put_orientation(j, seg, err);
    bool kept = (seg->marker == M_APP0 && named("JFIF", 5, name, n)) ||
                (seg->marker == M_APP2 && named("ICC_PROFILE", 12, name, n)) ||
                (seg->marker == M_APP14 && named("Adobe", 5, name, n));
    return !kept || media_copy(j->s, j->sink, seg->at, seg->n, err);
}

static bool is_frame(int marker)
{
    return marker >= M_SOF0 && marker <= M_SOF15 && marker != M_DHT && marker != M_JPG && marker != M_DAC;
}

static bool is_coding(int marker)
{
    return (marker >= M_SOF0 && marker <= M_SOF15 && marker != M_JPG) || (marker >= M_SOS && marker <= M_EXP);
}

/* The next marker and how long its segment is; fill bytes (FF) may stand before it. */
static bool next_segment(struct jpeg *j, struct segment *seg, struct err *err)
{
    unsigned char b[2];
    if (!media_read(j->s, j->at, b, 2, err))
        return false;
    while (b[0] == 0xFF && b[1] == 0xFF)
        if (!media_read(j->s, ++j->at, b, 2, err))
            return false;
    if (b[0] != 0xFF)
        return media_broken(err);
    *seg = (struct segment){.marker = b[1], .at = j->at, .n = 2};
    if (seg->marker == M_EOI)
        return true;
    if (!media_read(j->s, j->at + 2, b, 2, err))
        return false;
    seg->n += get16(b, false);
    return (seg->n >= 4 && seg->n <= j->s->size - seg->at) || media_broken(err);
}

/* The coded bytes behind SOS, up to the next marker that does not belong to them. */
static bool coded_bytes(struct jpeg *j, struct err *err)
{
    unsigned char piece[MEDIA_PIECE];
    int64_t begin = j->at, at = begin;
    while (at < j->s->size) {
        size_t n = j->s->size - at < MEDIA_PIECE ? (size_t)(j->s->size - at) : MEDIA_PIECE, i = 0;
        if (!media_read(j->s, at, piece, n, err))
            return false;
        for (; i + 1 < n; i++)
            if (piece[i] == 0xFF && piece[i + 1] != 0 && (piece[i + 1] < M_RST0 || piece[i + 1] > M_RST7) &&
                piece[i + 1] != 0xFF) {
                j->at = at + (int64_t)i;
                return media_copy(j->s, j->sink, begin, j->at - begin, err);
            }
        if (i == 0)
            break;
        at += (int64_t)i; /* the last byte is looked at again, with the one behind it */
    }
    return media_broken(err);
}

static bool one_segment(struct jpeg *j, const struct segment *seg, struct err *err)
{
    j->at = seg->at + seg->n;
    if (seg->marker >= M_APP0 && seg->marker <= M_APP15)
        return application_segment(j, seg, err);
    if (seg->marker == M_COM)
        return true;
    if (!is_coding(seg->marker))
        return media_broken(err);
    j->frame_seen = j->frame_seen || is_frame(seg->marker);
    if (!media_copy(j->s, j->sink, seg->at, seg->n, err))
        return false;
    if (seg->marker != M_SOS)
        return true;
    j->scan_seen = j->frame_seen;
    return coded_bytes(j, err);
}

/* What stands behind EOI (further pictures, films) goes. */
bool media_strip_jpeg(const struct media_source *s, const struct media_sink *sink, struct err *err)
{
    static const unsigned char SOI[] = {0xFF, M_SOI}, EOI[] = {0xFF, M_EOI};
    struct jpeg j = {.s = s, .sink = sink, .at = sizeof(SOI)};
    struct segment seg = {0};
    unsigned char first[2];
    if (!media_read(s, 0, first, sizeof(first), err))
        return false;
    if (memcmp(first, SOI, sizeof(SOI)) != 0)
        return media_broken(err);
    if (!media_write(sink, SOI, sizeof(SOI), err))
        return false;
    for (;;) {
        if (!next_segment(&j, &seg, err))
            return false;
        if (seg.marker == M_EOI)
            break;
        if (!one_segment(&j, &seg, err))
            return false;
    }
    return j.scan_seen ? media_write(sink, EOI, sizeof(EOI), err) : media_broken(err);
}
