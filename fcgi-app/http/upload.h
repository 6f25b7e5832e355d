/*
 * A file sent as multipart/form-data: the part "file" goes to an unlinked spool file while it is read, the text parts
 * into the struct of the route's field table, as a query would. A route asks for it by .upload = &X_UPLOAD; it is read
 * in the route's lane, so a lane's threads bound how many spool files there are.
 */
#ifndef HTTP_UPLOAD_H
#define HTTP_UPLOAD_H

#include "base/media.h"
#include "http/exchange.h"
#include "service/digest.h"
#include "service/spool.h"

enum {
    UPLOAD_FRAME_MAX = 128 * 1024, /* what the body may have beside the file's bytes */
    UPLOAD_NAME_MAX = 255          /* bytes of a file's name */
};

struct upload_def {
    const struct field *fields; /* of the text parts; NULL: none */
    size_t size;                /* of the struct that they fill */
    bool strict;                /* text parts that no row names are refused */
    int64_t max_bytes;          /* of the file */
    unsigned types;             /* MEDIA_BIT()s by content; 0: any */
};

struct upload {
    int fd; /* closed after the answer */
    int64_t size;
    char sha256[DIGEST_TEXT];
    struct text name; /* without path, control and direction signs; never empty */
    enum media_type type;
};

/* Before anything is read: ERR_UNSUPPORTED_MEDIA_TYPE when it is no multipart, ERR_PAYLOAD_TOO_LARGE by its length. */
bool upload_check(struct exchange *x, struct err *err) MUST_CHECK;
/* Fills call->upload and call->body. ERR_BAD_REQUEST for what is cut or broken, ERR_VALIDATION for fields (`file` when
 * it is absent or empty), ERR_PAYLOAD_TOO_LARGE, ERR_UNSUPPORTED_MEDIA_TYPE, ERR_UNAVAILABLE without room for the spool
 * file. x->raw_body becomes a text that two equal uploads share. */
bool upload_read(struct exchange *x, struct err *err) MUST_CHECK;
void upload_release(struct exchange *x);

/* The name to keep of what a client calls its file; pure. */
struct text upload_clean_name(struct text sent, struct arena *mem);

#endif
