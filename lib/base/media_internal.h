/* What the formats of base/media.h share; used by media_*.c only. */
#ifndef BASE_MEDIA_INTERNAL_H
#define BASE_MEDIA_INTERNAL_H

#include "base/media.h"

enum { MEDIA_PIECE = 16 * 1024 };

/* ERR_UNSUPPORTED_MEDIA_TYPE. */
bool media_broken(struct err *err);
/* Broken when the bytes are not all there. */
bool media_read(const struct media_source *s, int64_t at, void *out, size_t n, struct err *err) MUST_CHECK;
bool media_write(const struct media_sink *sink, const void *p, size_t n, struct err *err) MUST_CHECK;
bool media_copy(const struct media_source *s, const struct media_sink *sink, int64_t at, int64_t n,
                struct err *err) MUST_CHECK;

bool media_strip_jpeg(const struct media_source *s, const struct media_sink *sink, struct err *err) MUST_CHECK;
bool media_strip_png(const struct media_source *s, const struct media_sink *sink, struct err *err) MUST_CHECK;
bool media_strip_webp(const struct media_source *s, const struct media_sink *sink, struct err *err) MUST_CHECK;
bool media_strip_gif(const struct media_source *s, const struct media_sink *sink, struct err *err) MUST_CHECK;

#endif
