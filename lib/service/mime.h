/*
 * Builds one mail as text: multipart/alternative of plain text and HTML, in UTF-8, every line ended by CRLF and none longer than
 * RFC 5322 allows, whatever the parts hold. GMime does the encoding.
 */
#ifndef SERVICE_MIME_H
#define SERVICE_MIME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct mime_mail {
    struct text from_name, from_address; /* the name may be TEXT_NONE */
    struct text to_address;
    struct text subject;
    struct text plain, html;
    struct text message_id; /* "id@domain", without brackets */
    struct text event_id;   /* header X-Money-Manager-Event */
    int64_t date_ms;
};

/* Once, before threads. */
void mime_global_init(void);

/*
 * The whole message, in mem. ERR_PERMANENT for a header value with CR, LF, NUL or another control character, for an address that is none,
 * and for text that is not UTF-8; ERR_NO_MEMORY.
 */
bool mime_build(const struct mime_mail *mail, struct arena *mem, struct text *out, struct err *err) MUST_CHECK;

#endif
