#include "finance/report_document.h"

bool report_document_insert(struct db *db, int64_t household, int64_t user, const struct report_file *file,
                            int64_t now_ms, struct arena *mem, struct document *out, struct err *err)
{
    char key[DOCUMENT_OBJECT_KEY];
    document_object_key(household, DOCUMENT_REPORT, now_ms, key);
    *out = (struct document){.household_id = household,
                             .user_id = user,
                             .kind = DOCUMENT_REPORT,
                             .object_key = arena_text(mem, text_of(key)),
                             .name = text_of(file->name),
                             .content_type = text_of(file->content_type),
                             .size = file->size,
                             .sha256 = text_of(file->sha256)};
    if (!out->object_key.p)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for a file");
    return document_insert(db, out, now_ms, err);
}

bool report_document_put(struct s3 *s3, const struct document *d, const struct report_file *file, struct err *err)
{
    const struct http_source source = {.fd = file->fd, .size = file->size};
    const struct s3_put put = {.key = d->object_key,
                               .file = &source,
                               .sha256 = text_of(file->sha256),
                               .content_type = text_of(file->content_type)};
    return s3_put(s3, &put, err);
}

bool report_document_stored(struct db *db, const struct document *d, const struct report_file *file, int64_t now_ms,
                            struct err *err)
{
    return document_stored(db, d->household_id, d->id, file->size, text_of(file->content_type), text_of(file->sha256),
                           now_ms, err);
}
