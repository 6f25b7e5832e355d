#include "finance/documents.h"

#include <inttypes.h>

#include "store/household.h"
#include "store/transaction.h"

static bool check_transaction(struct scope *s, int64_t id, struct transaction *t, struct err *err)
{
    if (!transaction_find(s->db, s->household_id, id, s->mem, t, err))
        return false;
    return !t->deleted_at_ms || err_set(err, ERR_NOT_FOUND, "There is no such transaction");
}

static bool check_quota(struct scope *s, int64_t size, int64_t quota, struct err *err)
{
    int64_t used;
    if (!document_bytes(s->db, s->household_id, &used, err))
        return false;
    return used + size <= quota ||
           err_set(err, ERR_QUOTA, "The files of a household may have %" PRId64 " MB together", quota / (1024 * 1024));
}

bool documents_begin(struct scope *s, const struct document_new *in, int64_t quota, struct document *out,
                     struct err *err)
{
    struct transaction t;
    char key[DOCUMENT_OBJECT_KEY], public_key[DOCUMENT_PUBLIC_KEY];
    if (in->transaction_id && !check_transaction(s, in->transaction_id, &t, err))
        return false;
    /* Its lock, so that two uploads at a time cannot both take the last of the room. */
    if (!household_lock(s->db, s->household_id, err) || !check_quota(s, in->size, quota, err))
        return false;
    document_object_key(s->household_id, in->kind, s->now_ms, key);
    document_public_key(public_key);
    *out = (struct document){.household_id = s->household_id,
                             .user_id = s->user_id,
                             .kind = in->kind,
                             .object_key = arena_text(s->mem, text_of(key)),
                             .public_key = in->is_public ? arena_text(s->mem, text_of(public_key)) : TEXT_NONE,
                             .name = in->name,
                             .content_type = in->content_type,
                             .sha256 = in->sha256,
                             .size = in->size,
                             .transaction_id = in->transaction_id};
    if (!out->object_key.p || (in->is_public && !out->public_key.p))
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    return document_insert(s->db, out, s->now_ms, err);
}

static bool show(struct scope *s, int64_t transaction, int64_t document, struct text base_url, struct err *err)
{
    while (base_url.n && base_url.p[base_url.n - 1] == '/')
        base_url.n--;
    char *url = document
                    ? arena_printf(s->mem, "%.*s/api/v1.0/documents/%" PRId64 "/content", TEXT_ARG(base_url), document)
                    : NULL;
    if (document && !url)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    return transaction_set_receipt(s->db, s->household_id, transaction, document, text_of(url), s->now_ms, err);
}

bool documents_keep(struct scope *s, struct document *d, struct text base_url, struct err *err)
{
    if (!document_stored(s->db, s->household_id, d->id, d->size, d->content_type, d->sha256, s->now_ms, err))
        return false;
    d->state = DOCUMENT_STORED;
    d->stored_at_ms = s->now_ms;
    /* A transaction that was deleted meanwhile shows nothing, and the file is kept all the same. */
    struct err gone = {0};
    if (!d->transaction_id || show(s, d->transaction_id, d->id, base_url, &gone))
        return true;
    if (gone.code != ERR_NOT_FOUND) {
        *err = gone;
        return false;
    }
    return true;
}

static bool stop_showing(struct scope *s, const struct document *d, struct err *err)
{
    struct err gone = {0};
    if (!d->transaction_id ||
        transaction_clear_receipt(s->db, s->household_id, d->transaction_id, d->id, s->now_ms, &gone))
        return true;
    if (gone.code == ERR_NOT_FOUND)
        return true;
    *err = gone;
    return false;
}

bool documents_drop(struct scope *s, int64_t id, struct document *was, struct err *err)
{
    return document_find(s->db, s->household_id, id, s->mem, was, err) && stop_showing(s, was, err) &&
           document_deleting(s->db, s->household_id, id, s->now_ms, err);
}

bool documents_attach(struct scope *s, int64_t transaction, int64_t document, struct text base_url, struct err *err)
{
    struct transaction t;
    struct document d;
    if (!check_transaction(s, transaction, &t, err))
        return false;
    if (document) {
        if (!document_find(s->db, s->household_id, document, s->mem, &d, err))
            return false;
        if (d.state != DOCUMENT_STORED)
            return err_set(err, ERR_NOT_FOUND, "There is no such document");
        if (d.transaction_id != transaction &&
            (!stop_showing(s, &d, err) || !document_attach(s->db, s->household_id, document, transaction, err)))
            return false;
    }
    return show(s, transaction, document, base_url, err);
}
