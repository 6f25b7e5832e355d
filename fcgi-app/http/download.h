/*
 * Files that nginx streams from S3: the API says which (X-Accel-Redirect) and hands nginx a signed address that lives
 * for a minute and never leaves it. When nginx cannot fetch it, it asks the same route again with STORAGE_STATUS.
 */
#ifndef HTTP_DOWNLOAD_H
#define HTTP_DOWNLOAD_H

#include "http/call.h"
#include "store/document.h"

/* The answer to a GET or HEAD of the document's bytes: 304 by its ETag (the SHA-256), ranges, a name for saving.
 * ERR_UNAVAILABLE when S3 cannot be asked or refused, ERR_NOT_FOUND when the object is gone. The call's connection is
 * given back. */
bool download_answer(struct call *call, struct response *res, const struct document *d, struct err *err) MUST_CHECK;

/* RFC 6266 with RFC 8187 for what is not ASCII: inline for pictures and PDF. NULL without memory; pure. */
char *content_disposition(struct text name, bool attachment, struct arena *mem) MUST_CHECK;

/* How clients reach the API, without a closing slash: API_BASE_URL, else by the request's own Host. TEXT_NONE without
 * memory or for a Host that is none. */
struct text public_base(const struct call *call);

#endif
