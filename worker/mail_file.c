#include "mail_file.h"

#include <unistd.h>

#include "service/spool.h"
#include "store/document.h"

/* *found is false for one that was deleted meanwhile. */
static bool find(struct worker *w, const struct mail_row *row, struct arena *mem, struct document *d, bool *found,
                 struct err *err)
{
    struct err miss = {0};
    AUTO(db) struct db *db = db_take(w->db_pool, err);
    if (!db)
        return false;
    *found = document_find(db, row->household_id, row->document_id, mem, d, &miss) && d->state == DOCUMENT_STORED;
    if (*found || miss.code == ERR_NONE || miss.code == ERR_NOT_FOUND)
        return true;
    *err = miss;
    return false;
}

bool mail_file_fetch(struct worker *w, const struct mail_row *row, struct arena *mem, struct mail_file *out,
                     struct err *err)
{
    struct document d;
    bool found;
    int64_t size;
    *out = (struct mail_file){0};
    if (!find(w, row, mem, &d, &found, err))
        return false;
    out->linked = found && d.size > MAIL_FILE_MAX;
    if (!found || out->linked)
        return true;
    /* Known within a moment that S3 is away: other mails wait behind this one. */
    if (!s3_ping(w->s3, NULL, err))
        return false;
    int fd = spool_open(&w->config, err);
    if (fd < 0)
        return false;
    struct err get = {0};
    if (s3_get_file(w->s3, d.object_key, fd, MAIL_FILE_MAX, &size, &get)) {
        *out = (struct mail_file){.attached = true, .fd = fd, .name = d.name, .content_type = d.content_type};
        return true;
    }
    close(fd);
    if (get.code == ERR_NOT_FOUND || get.code == ERR_PAYLOAD_TOO_LARGE)
        return true;
    *err = get;
    return false;
}

void mail_file_release(struct mail_file *file)
{
    if (file->attached)
        close(file->fd);
    *file = (struct mail_file){0};
}
