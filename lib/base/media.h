/*
 * What a file is by its first bytes, and pictures without what tells more than they show: places, devices, times,
 * texts. Only what a picture needs to look the same is copied (allow-lists, not lists of what is bad). Pure: bytes come
 * and go through two callbacks, memory is a fixed buffer. Sources: ISO/IEC 10918-1 annex B and EXIF 2.3 (JPEG), W3C PNG
 * (third edition), RFC 9649 (WebP), GIF89a, ISO 32000 (PDF).
 */
#ifndef BASE_MEDIA_H
#define BASE_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum media_type { MEDIA_OTHER, MEDIA_JPEG, MEDIA_PNG, MEDIA_WEBP, MEDIA_GIF, MEDIA_PDF, MEDIA_TYPE_COUNT };

/* Sets of types. */
#define MEDIA_BIT(type) (1u << (type))
#define MEDIA_IMAGES (MEDIA_BIT(MEDIA_JPEG) | MEDIA_BIT(MEDIA_PNG) | MEDIA_BIT(MEDIA_WEBP) | MEDIA_BIT(MEDIA_GIF))

enum { MEDIA_HEAD = 32 }; /* first bytes that media_sniff looks at */

enum media_type media_sniff(struct text head);
/* "image/jpeg"; "application/octet-stream" for MEDIA_OTHER. */
const char *media_mime(enum media_type type);
enum media_type media_of_mime(struct text mime);

struct media_source {
    /* Fills all of out with the n bytes at `at`; the caller stays within size. */
    bool (*read_at)(void *from, int64_t at, void *out, size_t n, struct err *err);
    void *from;
    int64_t size;
};

struct media_sink {
    bool (*write)(void *to, const void *p, size_t n, struct err *err);
    void *to;
};

/* Copies a picture of `type` without its metadata; a JPEG keeps its orientation. A type that is no picture is copied as
 * it is. ERR_UNSUPPORTED_MEDIA_TYPE when its structure is broken or cut; else the callbacks' own. */
bool media_strip(enum media_type type, const struct media_source *source, const struct media_sink *sink,
                 struct err *err) MUST_CHECK;

#endif
