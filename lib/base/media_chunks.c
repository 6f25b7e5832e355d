/* PNG and WebP: both are a row of chunks with a name and a length. */
#include "base/media_internal.h"

enum {
    PNG_SIGNATURE = 8,
    PNG_FRAME = 12, /* length, name, checksum around a chunk's bytes */
    RIFF_HEAD = 12,
    RIFF_FRAME = 8,
    VP8X_BYTES = 10,
    VP8X_METADATA = 0x08 | 0x04, /* EXIF, XMP */
};

static bool in_list(const char *names, const unsigned char name[4])
{
    for (; *names; names += 4)
        if (memcmp(names, name, 4) == 0)
            return true;
    return false;
}

/* ---- PNG ---- */

/* Pixels, colours, animation. Texts, times, EXIF and what nobody knows are not among them. */
static const char PNG_KEPT[] = "IHDRPLTEIDATIENDtRNSgAMAcHRMsRGBiCCPcICPmDCVcLLIsBITbKGDhISTpHYssPLTacTLfcTLfdAT";

struct chunk {
    unsigned char name[4];
    int64_t at, n; /* with its frame */
};

static bool png_chunk(const struct media_source *s, int64_t at, struct chunk *c, struct err *err)
{
    unsigned char head[8];
    if (!media_read(s, at, head, sizeof(head), err))
        return false;
    int64_t n = (int64_t)head[0] << 24 | (int64_t)head[1] << 16 | (int64_t)head[2] << 8 | head[3];
    memcpy(c->name, head + 4, 4);
    c->at = at;
    c->n = n + PNG_FRAME;
    return c->n <= s->size - at || media_broken(err);
}

bool media_strip_png(const struct media_source *s, const struct media_sink *sink, struct err *err)
{
    struct chunk c = {.name = ""};
    if (s->size < PNG_SIGNATURE || !media_copy(s, sink, 0, PNG_SIGNATURE, err))
        return media_broken(err);
    bool pixels = false;
    for (int64_t at = PNG_SIGNATURE; memcmp(c.name, "IEND", 4) != 0; at += c.n) {
        if (!png_chunk(s, at, &c, err))
            return false;
        bool kept = in_list(PNG_KEPT, c.name), critical = !(c.name[0] & 0x20);
        if ((critical && !kept) || (at == PNG_SIGNATURE && memcmp(c.name, "IHDR", 4) != 0))
            return media_broken(err);
        pixels = pixels || memcmp(c.name, "IDAT", 4) == 0;
        if (kept && !media_copy(s, sink, c.at, c.n, err))
            return false;
    }
    return pixels || media_broken(err);
}

/* ---- WebP ---- */

static const char WEBP_KEPT[] = "VP8 VP8LVP8XALPHANIMANMFICCP";

static int64_t get32_little(const unsigned char p[4])
{
    return (int64_t)p[3] << 24 | (int64_t)p[2] << 16 | (int64_t)p[1] << 8 | p[0];
}

static void put32_little(unsigned char p[4], int64_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

/* Chunks have an even length in the file. */
static bool riff_chunk(const struct media_source *s, int64_t at, int64_t end, struct chunk *c, struct err *err)
{
    unsigned char head[RIFF_FRAME];
    if (at + RIFF_FRAME > end)
        return media_broken(err);
    if (!media_read(s, at, head, sizeof(head), err))
        return false;
    int64_t n = get32_little(head + 4);
    memcpy(c->name, head, 4);
    c->at = at;
    c->n = RIFF_FRAME + n + (n & 1);
    return c->n <= end - at || media_broken(err);
}

/* The features' byte must not promise what is gone. */
static bool put_vp8x(const struct media_source *s, const struct media_sink *sink, const struct chunk *c,
                     struct err *err)
{
    unsigned char bytes[RIFF_FRAME + VP8X_BYTES];
    if (c->n != (int64_t)sizeof(bytes))
        return media_broken(err);
    if (!media_read(s, c->at, bytes, sizeof(bytes), err))
        return false;
    bytes[RIFF_FRAME] &= (unsigned char)~VP8X_METADATA;
    return media_write(sink, bytes, sizeof(bytes), err);
}

static bool is_vp8x(const struct chunk *c)
{
    return memcmp(c->name, "VP8X", 4) == 0;
}

/* Walks the chunks; sink NULL: only *kept_bytes is wanted. */
static bool webp_chunks(const struct media_source *s, const struct media_sink *sink, int64_t end, int64_t *kept_bytes,
                        struct err *err)
{
    struct chunk c;
    *kept_bytes = 0;
    for (int64_t at = RIFF_HEAD; at < end; at += c.n) {
        if (!riff_chunk(s, at, end, &c, err))
            return false;
        if (!in_list(WEBP_KEPT, c.name))
            continue;
        *kept_bytes += c.n;
        if (sink && !(is_vp8x(&c) ? put_vp8x(s, sink, &c, err) : media_copy(s, sink, c.at, c.n, err)))
            return false;
    }
    return *kept_bytes > 0 || media_broken(err);
}

bool media_strip_webp(const struct media_source *s, const struct media_sink *sink, struct err *err)
{
    unsigned char head[RIFF_HEAD];
    int64_t kept;
    if (!media_read(s, 0, head, sizeof(head), err))
        return false;
    int64_t end = get32_little(head + 4) + 8;
    if (end > s->size)
        return media_broken(err);
    if (!webp_chunks(s, NULL, end, &kept, err))
        return false;
    put32_little(head + 4, kept + 4);
    return media_write(sink, head, sizeof(head), err) && webp_chunks(s, sink, end, &kept, err);
}
