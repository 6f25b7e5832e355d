/* The file that goes along with a mail, from S3 to the spool. A large one, or one that is gone, does not go along. */
#ifndef MAIL_FILE_H
#define MAIL_FILE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "store/mail_ledger.h"
#include "worker.h"

enum { MAIL_FILE_MAX = 10 * 1000 * 1000 };

struct mail_file {
    bool attached, linked; /* linked: it is there and too large, so the mail says where */
    int fd;                /* of an attached one */
    struct text name, content_type;
};

/* No connection of the database is held meanwhile. ERR_UNAVAILABLE while the database or S3 is away. */
bool mail_file_fetch(struct worker *w, const struct mail_row *row, struct arena *mem, struct mail_file *out,
                     struct err *err) MUST_CHECK;
void mail_file_release(struct mail_file *file);

#endif
