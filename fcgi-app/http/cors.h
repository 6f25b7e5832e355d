/* Cross-origin rules (api-contract.md 1.5): exact origins of the configuration, echoed; credentials; never "*". */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"
#include "service/config.h"

/* Header lines for any answer; only Vary when the origin is not one of ours. */
void cors_headers(struct buf *head, const struct config *config, struct text origin);
/* The further lines of an answer to OPTIONS. */
void cors_preflight(struct buf *head, const struct config *config, struct text origin);

#endif
