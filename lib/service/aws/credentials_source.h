/* Where keys come from: one fetch from the container endpoint or IMDSv2. Used by credentials.c alone. */
#ifndef SERVICE_AWS_CREDENTIALS_SOURCE_H
#define SERVICE_AWS_CREDENTIALS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/aws/credentials.h"
#include "service/http.h"

enum { SOURCE_TEXT_MAX = 2048 };

struct credentials_source {
    char container_url[SOURCE_TEXT_MAX]; /* "": not in a container */
    char container_token[SOURCE_TEXT_MAX];
    char container_token_file[SOURCE_TEXT_MAX];
    char imds_endpoint[SOURCE_TEXT_MAX]; /* "": disabled */
    char imds_token[SOURCE_TEXT_MAX];    /* kept until it ends or is refused */
    int64_t imds_token_ends_ms;          /* monotonic */
};

bool credentials_source_init(struct credentials_source *s, const struct aws_credentials_options *opts,
                             struct err *err) MUST_CHECK;
bool credentials_source_fetch(struct credentials_source *s, struct http *http, struct arena *mem, struct aws_keys *out,
                              struct err *err) MUST_CHECK;

#endif
