/*
 * Builds a mail with GMime: multipart/alternative of plain text and HTML, with a file beside it if there is one, UTF-8
 * throughout, headers encoded as RFC 2047 wants it, bodies quoted-printable, every line ended by CRLF. One thread at a
 * time.
 */
#ifndef SERVICE_MIME_H
#define SERVICE_MIME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct mime_mail {
    struct text from_name, from_address, to_name, to_address;
    struct text subject, plain, html;
    struct text event_id;   /* X-Money-Manager-Event */
    int64_t message_number; /* with the event's id it makes the Message-Id, the same at each try */
    int64_t date_ms;
    /* A file that goes along, from its beginning; the caller's. attachment_name TEXT_NONE: none. */
    struct text attachment_name, attachment_type;
    int attachment_fd;
};

void mime_global_init(void); /* once, before threads */
/* ERR_PERMANENT when a header's value holds CR, LF or NUL, or an address is none; ERR_NO_MEMORY. */
bool mime_build(const struct mime_mail *mail, struct arena *mem, struct text *out, struct err *err) MUST_CHECK;

#endif
