#include "base/media_internal.h"

enum {
    GIF_HEAD = 13,     /* signature and screen */
    GIF_TABLE_AT = 10, /* the screen's byte that tells of a colour table */
    IMAGE_HEAD = 10,   /* with its separator */
    IMAGE_TABLE_AT = 9,
    B_EXTENSION = 0x21,
    B_IMAGE = 0x2C,
    B_TRAILER = 0x3B,
    X_CONTROL = 0xF9,
    X_APPLICATION = 0xFF,
    APPLICATION_NAME = 11
};

static int64_t colour_table(unsigned flags)
{
    return flags & 0x80 ? INT64_C(3) << ((flags & 7) + 1) : 0;
}

/* *end: behind the chain of sub-blocks that begins at `at`. */
static bool chain_end(const struct media_source *s, int64_t at, int64_t *end, struct err *err)
{
    unsigned char n;
    do {
        if (!media_read(s, at, &n, 1, err))
            return false;
        at += 1 + (int64_t)n;
    } while (n);
    *end = at;
    return at <= s->size || media_broken(err);
}

/* How often it repeats; every other application's words go. */
static bool is_loop(const unsigned char name[APPLICATION_NAME])
{
    return memcmp(name, "NETSCAPE2.0", APPLICATION_NAME) == 0 || memcmp(name, "ANIMEXTS1.0", APPLICATION_NAME) == 0;
}

static bool extension(const struct media_source *s, const struct media_sink *sink, int64_t *at, struct err *err)
{
    unsigned char head[3 + APPLICATION_NAME] = {0};
    int64_t end;
    if (!media_read(s, *at, head, 3, err) || !chain_end(s, *at + 2, &end, err))
        return false;
    bool kept = head[1] == X_CONTROL;
    if (head[1] == X_APPLICATION && head[2] == APPLICATION_NAME) {
        if (!media_read(s, *at, head, sizeof(head), err))
            return false;
        kept = is_loop(head + 3);
    }
    if (kept && !media_copy(s, sink, *at, end - *at, err))
        return false;
    *at = end;
    return true;
}

static bool image(const struct media_source *s, const struct media_sink *sink, int64_t *at, struct err *err)
{
    unsigned char head[IMAGE_HEAD];
    int64_t end;
    if (!media_read(s, *at, head, sizeof(head), err))
        return false;
    /* The byte behind the colours is the code size of the pixels. */
    int64_t pixels = *at + IMAGE_HEAD + colour_table(head[IMAGE_TABLE_AT]) + 1;
    if (!chain_end(s, pixels, &end, err) || !media_copy(s, sink, *at, end - *at, err))
        return false;
    *at = end;
    return true;
}

bool media_strip_gif(const struct media_source *s, const struct media_sink *sink, struct err *err)
{
    unsigned char head[GIF_HEAD], kind = 0;
    if (!media_read(s, 0, head, sizeof(head), err))
        return false;
    int64_t at = GIF_HEAD + colour_table(head[GIF_TABLE_AT]);
    if (!media_copy(s, sink, 0, at, err))
        return false;
    bool seen = false;
    for (;;) {
        if (!media_read(s, at, &kind, 1, err))
            return false;
        if (kind == B_TRAILER)
            return seen ? media_write(sink, &kind, 1, err) : media_broken(err);
        seen = seen || kind == B_IMAGE;
        bool ok = kind == B_EXTENSION ? extension(s, sink, &at, err)
                  : kind == B_IMAGE   ? image(s, sink, &at, err)
                                      : media_broken(err);
        if (!ok)
            return false;
    }
}
