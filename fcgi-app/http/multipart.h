/*
 * multipart/form-data (RFC 7578 in RFC 2046's framing), read piece by piece: nothing is kept but the head of the part
 * at hand and what may be the beginning of a boundary. Pure. Every size has a limit here; what the parts may be in all
 * is the handler's own business.
 */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70,   /* RFC 2046 section 5.1.1 */
    MULTIPART_HEAD_MAX = 4 * 1024, /* of one part */
    MULTIPART_PARTS_MAX = 32
};

/* Texts live until the next piece is fed. */
struct multipart_part {
    struct text name;         /* never empty */
    struct text file_name;    /* as sent, a path perhaps; TEXT_NONE when the part names none */
    struct text content_type; /* TEXT_NONE when absent */
};

/* Each may refuse (false with *err set), which ends the reading. */
struct multipart_handler {
    bool (*begin)(void *to, const struct multipart_part *part, struct err *err);
    bool (*data)(void *to, struct text bytes, struct err *err);
    bool (*end)(void *to, struct err *err);
};

enum multipart_state {
    MULTIPART_BODY,       /* of a part, or what stands before the first */
    MULTIPART_AFTER,      /* behind a boundary: "--", or blanks and a line's end */
    MULTIPART_AFTER_CR,   /* the same, within its line's end */
    MULTIPART_AFTER_DASH, /* the same, one '-' was seen */
    MULTIPART_HEAD,
    MULTIPART_DONE
};

struct multipart {
    const struct multipart_handler *handler;
    void *to;
    enum multipart_state state;
    char delimiter[MULTIPART_BOUNDARY_MAX + 5]; /* CR LF "--" boundary */
    size_t delimiter_n, matched;                /* bytes of it seen and not yet given out */
    bool in_part;
    size_t parts;
    size_t head_n;
    char head[MULTIPART_HEAD_MAX];
};

/* The boundary of a Content-Type "multipart/form-data; boundary=..."; TEXT_NONE when it is another type or has none
 * that RFC 2046 allows. Points into content_type. */
struct text multipart_boundary(struct text content_type);

/* boundary: as multipart_boundary gives it. */
void multipart_init(struct multipart *m, struct text boundary, const struct multipart_handler *handler, void *to);
/* ERR_BAD_REQUEST for a broken frame; else the handler's own. */
bool multipart_feed(struct multipart *m, struct text bytes, struct err *err) MUST_CHECK;
/* After the last piece: ERR_BAD_REQUEST when the closing boundary never came. */
bool multipart_finish(const struct multipart *m, struct err *err) MUST_CHECK;

#endif
