#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "base/media.h"
#include "finance/documents.h"
#include "service/aws/s3.h"
#include "service/log.h"
#include "service/spool.h"
#include "tasks/tasks.h"

enum {
    ROWS_MAX = 10000,                /* of one state in one run: the rest waits for the next */
    OBJECT_PAGES_MAX = 1000,         /* of S3_LIST_MAX objects */
    ORPHAN_MS = 24 * 60 * 60 * 1000, /* so old an object without a row is nobody's upload any more */
};

struct cleaning {
    struct task_run *run;
    int64_t rows, objects;
};

/* ---- one row ---- */

static bool remove_row(struct worker *w, const struct document *d, struct err *err)
{
    AUTO(db) struct db *db = db_take(w->db_pool, err);
    return db && document_remove(db, d->household_id, d->id, err);
}

/* The object first: a row without one is found again, an object without a row costs a listing. */
static bool delete_both(struct worker *w, const struct document *d, struct err *err)
{
    return s3_delete(w->s3, d->object_key, err) && remove_row(w, d, err);
}

/* ---- what clients sent to S3 themselves ---- */

struct copy {
    int from, to;
    int64_t size; /* of what was sent */
};

static enum media_type sniff(int fd)
{
    char head[MEDIA_HEAD];
    ssize_t n = pread(fd, head, sizeof head, 0);
    return n > 0 ? media_sniff((struct text){head, (size_t)n}) : MEDIA_OTHER;
}

/* Pictures lose their metadata here as they do in uploads through the API, and the object is replaced; a run that ended
 * between that and the row's change left a smaller one than was announced (S3 itself takes only the announced size).
 * ERR_UNSUPPORTED_MEDIA_TYPE for what is not what was announced. */
static bool clean(struct worker *w, struct document *d, struct copy *c, char sha256[DIGEST_TEXT], struct err *err)
{
    enum media_type type = sniff(c->from);
    if (c->size > d->size || type != media_of_mime(d->content_type) || type == MEDIA_OTHER)
        return err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "not what was announced");
    if (!spool_copy_bare(c->from, c->size, type, c->to, err) || !spool_measure(c->to, &d->size, sha256, err))
        return false;
    d->sha256 = text_of(sha256);
    const struct http_source file = {c->to, 0, d->size};
    const struct s3_put put = {
        .key = d->object_key, .file = &file, .sha256 = d->sha256, .content_type = d->content_type};
    return s3_put(w->s3, &put, err);
}

static bool keep(struct worker *w, struct document *d, int64_t now_ms, struct arena *mem, struct err *err)
{
    AUTO(db) struct db *db = db_take(w->db_pool, err);
    if (!db)
        return false;
    AUTO(tx) struct tx *tx = tx_begin(db, err);
    struct scope s = {.db = db, .mem = mem, .household_id = d->household_id, .user_id = d->user_id, .now_ms = now_ms};
    struct text base = text_of(w->config.api_base_url ? w->config.api_base_url : "");
    return tx && documents_keep(&s, d, base, err) && tx_commit(tx, err);
}

static bool take_arrival(struct worker *w, struct document *d, int64_t now_ms, struct arena *mem, struct err *err)
{
    char sha256[DIGEST_TEXT];
    struct copy c = {.from = spool_open(&w->config, err), .to = -1};
    bool ok = c.from >= 0 && (c.to = spool_open(&w->config, err)) >= 0 &&
              s3_get_file(w->s3, d->object_key, c.from, DOCUMENT_BYTES_MAX, &c.size, err) &&
              clean(w, d, &c, sha256, err) && keep(w, d, now_ms, mem, err);
    if (c.from >= 0)
        close(c.from);
    if (c.to >= 0)
        close(c.to);
    return ok;
}

/* What has not come yet may still come. What is something else is deleted at once. */
static bool look_at(struct worker *w, struct document *d, int64_t now_ms, struct arena *mem, struct err *err)
{
    struct err why = {0};
    if (take_arrival(w, d, now_ms, mem, &why) || why.code == ERR_NOT_FOUND)
        return true;
    if (why.code == ERR_UNSUPPORTED_MEDIA_TYPE || why.code == ERR_PAYLOAD_TOO_LARGE) {
        log_warn("documents", "document %" PRId64 ": what was sent to S3 is not what was announced", d->id);
        return delete_both(w, d, err);
    }
    *err = why;
    return false;
}

static bool list_state(struct worker *w, enum document_state state, int64_t before_ms, const struct document *after,
                       int64_t since_ms, struct arena *mem, struct document_list *out, struct err *err)
{
    AUTO(db) struct db *db = db_take(w->db_pool, err);
    return db && document_list_state(db, state, before_ms, after ? after->created_at_ms : since_ms,
                                     after ? after->id : 0, mem, out, err);
}

bool documents_check_arrivals(struct worker *w, int64_t now_ms, struct arena *mem, struct err *err)
{
    struct document_list page = {.count = DOCUMENT_PAGE_MAX};
    const struct document *after = NULL;
    if (!w->config.s3_office_endpoint)
        return true;
    for (size_t n = 0; n < ROWS_MAX && page.count == DOCUMENT_PAGE_MAX; n += DOCUMENT_PAGE_MAX) {
        if (!list_state(w, DOCUMENT_PENDING, now_ms, after, now_ms - DOCUMENT_PENDING_MS, mem, &page, err))
            return false;
        for (size_t i = 0; i < page.count; i++)
            if (!page.items[i].sha256.n && !look_at(w, &page.items[i], now_ms, mem, err))
                return false;
        after = page.count ? &page.items[page.count - 1] : NULL;
    }
    return true;
}

/* ---- rows that are left over ---- */

static bool clean_state(struct cleaning *c, enum document_state state, int64_t before_ms, struct err *err)
{
    struct worker *w = c->run->worker;
    struct document_list page = {.count = DOCUMENT_PAGE_MAX};
    for (size_t n = 0; n < ROWS_MAX && page.count == DOCUMENT_PAGE_MAX; n += DOCUMENT_PAGE_MAX) {
        arena_reset(c->run->mem);
        if (!list_state(w, state, before_ms, NULL, 0, c->run->mem, &page, err))
            return false;
        for (size_t i = 0; i < page.count; i++, c->rows++)
            if (!delete_both(w, &page.items[i], err))
                return false;
    }
    return true;
}

/* ---- objects that are left over ---- */

/* As S3 and the database order keys: by bytes. */
static int compare(struct text a, struct text b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static bool is_known(struct text key, const struct text *known, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(known[middle], key);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool known_between(struct cleaning *c, const struct s3_list *list, struct text *known, size_t *count,
                          struct err *err)
{
    AUTO(db) struct db *db = db_take(c->run->worker->db_pool, err);
    return db && document_keys_between(db, list->items[0].key, list->items[list->count - 1].key, S3_LIST_MAX,
                                       c->run->mem, known, count, err);
}

static bool clean_page(struct cleaning *c, const struct s3_list *list, struct err *err)
{
    size_t count = 0;
    struct text *known = arena_array(c->run->mem, S3_LIST_MAX, sizeof *known);
    if (!known)
        return err_set(err, ERR_NO_MEMORY, "no memory for a task");
    if (!list->count)
        return true;
    if (!known_between(c, list, known, &count, err))
        return false;
    /* More rows than places: what lies behind the last one known is left for a run that sees fewer. */
    struct text end = count == S3_LIST_MAX ? known[count - 1] : list->items[list->count - 1].key;
    for (size_t i = 0; i < list->count; i++) {
        const struct s3_item *item = &list->items[i];
        if (item->modified_at_ms > c->run->now_ms - ORPHAN_MS || compare(item->key, end) > 0 ||
            is_known(item->key, known, count))
            continue;
        if (!s3_delete(c->run->worker->s3, item->key, err))
            return false;
        log_warn("documents", "deleted object %.*s, which belongs to no document", TEXT_ARG(item->key));
        c->objects++;
    }
    return true;
}

static bool clean_objects(struct cleaning *c, struct err *err)
{
    char next[S3_KEY_MAX * 2];
    size_t next_n = 0;
    for (size_t page = 0; page < OBJECT_PAGES_MAX; page++) {
        struct s3_list list;
        arena_reset(c->run->mem);
        struct text from = next_n ? (struct text){next, next_n} : TEXT_NONE;
        if (!s3_list(c->run->worker->s3, TEXT("h/"), from, S3_LIST_MAX, c->run->mem, &list, err) ||
            !clean_page(c, &list, err))
            return false;
        if (!list.next.n || list.next.n > sizeof next)
            return true;
        memcpy(next, list.next.p, list.next.n);
        next_n = list.next.n;
    }
    return true;
}

bool task_documents(struct task_run *run, struct err *err)
{
    struct cleaning c = {.run = run};
    if (!documents_check_arrivals(run->worker, run->now_ms, run->mem, err) ||
        !clean_state(&c, DOCUMENT_PENDING, run->now_ms - DOCUMENT_PENDING_MS, err) ||
        !clean_state(&c, DOCUMENT_DELETING, run->now_ms, err) || !clean_objects(&c, err))
        return false;
    snprintf(run->result, sizeof run->result, "removed %" PRId64 " documents and %" PRId64 " objects without one",
             c.rows, c.objects);
    return true;
}
