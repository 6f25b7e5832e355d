/*
 * Addresses of files that need no sign-in: /files/{key}. A key made here tells whose document, which one, until when,
 * with a seal over that.
 */
#ifndef FINANCE_FILE_LINK_H
#define FINANCE_FILE_LINK_H

#include "base/arena.h"
#include "service/token.h"

enum { FILE_LINK_TEXT = 64 };

struct file_link {
    int64_t household_id, document_id;
    int64_t expires_s; /* epoch seconds */
};

bool file_link_make(const struct token_keys *keys, const struct file_link *link, char out[FILE_LINK_TEXT],
                    struct err *err) MUST_CHECK;
/* ERR_NOT_FOUND for what is no link, altered or over. Pure but for `keys`. */
bool file_link_read(const struct token_keys *keys, struct text key, int64_t now_s, struct file_link *out,
                    struct err *err) MUST_CHECK;
/* The absolute address of a key. base: how clients reach the API, with or without a closing slash. NULL without
 * memory. */
char *file_link_url(struct text base, const char *key, struct arena *mem) MUST_CHECK;

#endif
