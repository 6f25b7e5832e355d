#include "base/media.h"

#include "base/media_internal.h"

static const char *const MIMES[] = {
    [MEDIA_OTHER] = "application/octet-stream",
    [MEDIA_JPEG] = "image/jpeg",
    [MEDIA_PNG] = "image/png",
    [MEDIA_WEBP] = "image/webp",
    [MEDIA_GIF] = "image/gif",
    [MEDIA_PDF] = "application/pdf",
};

/* Readers of PDF take some line ends and a byte order mark before the header. */
static bool is_pdf(struct text head)
{
    if (text_starts(head, TEXT("\xEF\xBB\xBF")))
        head = text_slice(head, 3, head.n);
    return text_starts(text_trim(head), TEXT("%PDF-"));
}

enum media_type media_sniff(struct text head)
{
    if (text_starts(head, TEXT("\xFF\xD8\xFF")))
        return MEDIA_JPEG;
    if (text_starts(head, TEXT("\x89PNG\r\n\x1A\n")))
        return MEDIA_PNG;
    if (text_starts(head, TEXT("GIF87a")) || text_starts(head, TEXT("GIF89a")))
        return MEDIA_GIF;
    if (text_starts(head, TEXT("RIFF")) && text_starts(text_slice(head, 8, head.n), TEXT("WEBP")))
        return MEDIA_WEBP;
    return is_pdf(head) ? MEDIA_PDF : MEDIA_OTHER;
}

const char *media_mime(enum media_type type)
{
    return (unsigned)type < MEDIA_TYPE_COUNT ? MIMES[type] : MIMES[MEDIA_OTHER];
}

enum media_type media_of_mime(struct text mime)
{
    for (size_t i = 0; i < MEDIA_TYPE_COUNT; i++)
        if (text_eq(mime, text_of(MIMES[i])))
            return (enum media_type)i;
    return MEDIA_OTHER;
}

/* ---- what the formats share ---- */

bool media_broken(struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "The picture is broken or cut short");
}

bool media_read(const struct media_source *s, int64_t at, void *out, size_t n, struct err *err)
{
    if (at < 0 || at > s->size || (int64_t)n > s->size - at)
        return media_broken(err);
    return s->read_at(s->from, at, out, n, err);
}

bool media_write(const struct media_sink *sink, const void *p, size_t n, struct err *err)
{
    return sink->write(sink->to, p, n, err);
}

bool media_copy(const struct media_source *s, const struct media_sink *sink, int64_t at, int64_t n, struct err *err)
{
    unsigned char piece[MEDIA_PIECE];
    if (at < 0 || n < 0 || at > s->size || n > s->size - at)
        return media_broken(err);
    for (size_t part; n > 0; at += (int64_t)part, n -= (int64_t)part) {
        part = n < (int64_t)sizeof(piece) ? (size_t)n : sizeof(piece);
        if (!media_read(s, at, piece, part, err) || !media_write(sink, piece, part, err))
            return false;
    }
    return true;
}

bool media_strip(enum media_type type, const struct media_source *source, const struct media_sink *sink,
                 struct err *err)
{
    switch (type) {
    case MEDIA_JPEG: return media_strip_jpeg(source, sink, err);
    case MEDIA_PNG: return media_strip_png(source, sink, err);
    case MEDIA_WEBP: return media_strip_webp(source, sink, err);
    case MEDIA_GIF: return media_strip_gif(source, sink, err);
    default: return media_copy(source, sink, 0, source->size, err);
    }
}
