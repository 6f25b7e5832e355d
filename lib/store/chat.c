#include "store/chat.h"

#include "base/clock.h"
#include "store/chat_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A session that is being deleted stays for this long when its deletion is never ended. */
enum { DELETING_S = 24 * 3600 };

const struct dynamodb_table CHAT_TABLE_ROWS[CHAT_TABLES] = {
    {.name = CHAT_SESSIONS,
     .index = {CHAT_BY_USER, "user_id", "updated_at", DYNAMODB_NUMBER, DYNAMODB_NUMBER},
     .ttl = "expires_at"},
    {.name = CHAT_MESSAGES,
     .index = {CHAT_BY_SESSION, "session_id", "id", DYNAMODB_STRING, DYNAMODB_STRING},
     .ttl = "expires_at"},
};

/* Expressions: none of the attributes' names is a reserved word. */
#define OWNED "user_id = :user"
#define ALIVE OWNED " AND attribute_not_exists(deleting_since) AND expires_at > :now_s"

bool chat_no_session(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "There is no such conversation");
}

int64_t chat_expiry(const struct chat_store *c, int64_t now_ms)
{
    return (now_ms + c->ttl_ms) / 1000;
}

/* DynamoDB removes what is expired within days; until then it is still read. */
bool chat_is_expired(const struct dynamodb_item *item)
{
    return dynamodb_int(item, "expires_at", INT64_MAX) <= clock_now_ms() / 1000;
}

/* ---- cursors ---- */

bool chat_cursor_make(const char *kind, struct text owner, struct text position, struct arena *mem, struct text *out,
                      struct err *err)
{
    char plain[CHAT_CURSOR_MAX], coded[CHAT_CURSOR_MAX * 2];
    int n = snprintf(plain, sizeof(plain), "%s:%.*s:%.*s", kind, TEXT_ARG(owner), TEXT_ARG(position));
    if (n < 0 || (size_t)n >= sizeof(plain))
        return err_set(err, ERR_INTERNAL, "A cursor is too long");
    base64url_encode(plain, (size_t)n, coded, sizeof(coded));
    *out = arena_text(mem, text_of(coded));
    return out->p || err_set(err, ERR_NO_MEMORY, "There is no memory for a cursor");
}

bool chat_cursor_read(struct text cursor, const char *kind, struct text owner, struct arena *mem, struct text *position,
                      struct err *err)
{
    char plain[CHAT_CURSOR_MAX];
    size_t n = 0;
    *position = TEXT_NONE;
    if (cursor.n == 0)
        return true;
    struct text rest = {plain, 0}, part;
    bool good = base64url_decode(cursor, plain, sizeof(plain), &n);
    rest.n = n;
    good = good && text_split(&rest, ':', &part) && text_eq(part, text_of(kind)) && text_split(&rest, ':', &part) &&
           text_eq(part, owner) && rest.n > 0;
    if (!good)
        return err_field(err, "cursor", "Con trỏ trang không hợp lệ.");
    *position = arena_text(mem, rest);
    return position->p || err_set(err, ERR_NO_MEMORY, "There is no memory for a cursor");
}

/* ---- one session ---- */

static bool copy_id(char out[UUID_TEXT_MAX], struct text id)
{
    if (id.n != UUID_TEXT_MAX - 1)
        return false;
    memcpy(out, id.p, id.n);
    out[id.n] = '\0';
    return true;
}

/* False for what readers do not see. */
static bool from_item(const struct dynamodb_item *item, int64_t user, struct chat_session *out)
{
    struct text title = dynamodb_text(item, "title");
    *out = (struct chat_session){
        .user_id = dynamodb_int(item, "user_id", 0),
        .title = title.p ? title : TEXT(""),
        .created_at_ms = dynamodb_int(item, "created_at", 0),
        .updated_at_ms = dynamodb_int(item, "updated_at", 0),
        .generation = dynamodb_int(item, "generation", 0),
        .message_count = dynamodb_int(item, "message_count", 0),
        .recent = dynamodb_text(item, "recent"),
    };
    return copy_id(out->id, dynamodb_text(item, "id")) && out->user_id == user && !chat_is_expired(item) &&
           dynamodb_int(item, "deleting_since", 0) == 0;
}

bool chat_session_read(const struct chat_store *c, int64_t user, struct text id, struct arena *mem,
                       struct dynamodb_item *item, struct err *err)
{
    bool found = false;
    if (!uuid_is_valid(id))
        return chat_no_session(err);
    if (!dynamodb_get(c->db, CHAT_SESSIONS, id, mem, item, &found, err))
        return false;
    return (found && dynamodb_int(item, "user_id", 0) == user) || chat_no_session(err);
}

bool chat_session_find(const struct chat_store *c, int64_t user, struct text id, struct arena *mem,
                       struct chat_session *out, struct err *err)
{
    struct dynamodb_item item;
    struct chat_session s;
    if (!chat_session_read(c, user, id, mem, &item, err))
        return false;
    if (!from_item(&item, user, &s))
        return chat_no_session(err);
    *out = s;
    return true;
}

bool chat_session_create(const struct chat_store *c, int64_t user, struct text title, int64_t now_ms, struct arena *mem,
                         struct chat_session *out, struct err *err)
{
    struct chat_session s = {
        .user_id = user, .title = arena_text(mem, title), .created_at_ms = now_ms, .updated_at_ms = now_ms};
    if (!s.title.p)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a conversation");
    uuid7(now_ms, s.id);
    const struct dynamodb_attr item[] = {
        DYNAMODB_N("user_id", user),
        DYNAMODB_S("title", title),
        DYNAMODB_N("created_at", now_ms),
        DYNAMODB_N("updated_at", now_ms),
        DYNAMODB_N("generation", 0),
        DYNAMODB_N("message_count", 0),
        DYNAMODB_N("expires_at", chat_expiry(c, now_ms)),
    };
    struct dynamodb_write put = {.verb = DYNAMODB_PUT,
                                 .table = CHAT_SESSIONS,
                                 .id = text_of(s.id),
                                 .item = item,
                                 .item_count = ARRAY_LEN(item),
                                 .condition = "attribute_not_exists(id)"};
    struct err why = {0};
    /* The id is new, so what is there under it was written by a try whose answer got lost. */
    if (!dynamodb_write(c->db, &put, &why) && why.code != ERR_CONFLICT) {
        *err = why;
        return false;
    }
    *out = s;
    return true;
}

/* An update whose condition names the owner. */
static bool update_owned(const struct chat_store *c, struct text id, const char *update, const char *condition,
                         const struct dynamodb_attr *values, size_t n, struct err *err)
{
    struct dynamodb_write write = {.verb = DYNAMODB_UPDATE,
                                   .table = CHAT_SESSIONS,
                                   .id = id,
                                   .update = update,
                                   .condition = condition,
                                   .values = values,
                                   .value_count = n};
    struct err why = {0};
    if (!uuid_is_valid(id))
        return chat_no_session(err);
    if (dynamodb_write(c->db, &write, &why))
        return true;
    if (why.code == ERR_CONFLICT)
        return chat_no_session(err);
    *err = why;
    return false;
}

bool chat_session_rename(const struct chat_store *c, int64_t user, struct text id, struct text title, int64_t now_ms,
                         struct arena *mem, struct err *err)
{
    (void)mem;
    const struct dynamodb_attr values[] = {DYNAMODB_S(":title", title), DYNAMODB_N(":now", now_ms),
                                           DYNAMODB_N(":expiry", chat_expiry(c, now_ms)), DYNAMODB_N(":user", user),
                                           DYNAMODB_N(":now_s", now_ms / 1000)};
    return update_owned(c, id, "SET title = :title, updated_at = :now, expires_at = :expiry", ALIVE, values,
                        ARRAY_LEN(values), err);
}

/* Marked first: from then on it is in no list and takes no turn, and a second call may end what a first one began. */
bool chat_session_delete(const struct chat_store *c, int64_t user, struct text id, struct arena *mem, struct err *err)
{
    int64_t now_s = clock_now_ms() / 1000;
    const struct dynamodb_attr values[] = {DYNAMODB_N(":user", user), DYNAMODB_N(":now_s", now_s),
                                           DYNAMODB_N(":soon", now_s + DELETING_S)};
    struct dynamodb_item item;
    struct dynamodb_write removal = {.verb = DYNAMODB_DELETE, .table = CHAT_SESSIONS, .id = id};
    char session[UUID_TEXT_MAX];
    if (!update_owned(c, id, "SET deleting_since = :now_s, expires_at = :soon", OWNED, values, ARRAY_LEN(values),
                      err) ||
        !chat_session_read(c, user, id, mem, &item, err))
        return false;
    return copy_id(session, id) &&
           chat_generation_clear(c, session, dynamodb_int(&item, "generation", 0), dynamodb_text(&item, "recent"),
                                 err) &&
           dynamodb_write(c->db, &removal, err);
}

/* ---- a user's sessions ---- */

/* "updated_at:id" */
static bool start_of(struct text position, int64_t user, struct dynamodb_attr start[3], struct err *err)
{
    struct text updated = TEXT_NONE;
    int64_t updated_ms;
    if (!text_split(&position, ':', &updated) || !text_to_int64(updated, &updated_ms) || !uuid_is_valid(position))
        return err_field(err, "cursor", "Con trỏ trang không hợp lệ.");
    start[0] = (struct dynamodb_attr)DYNAMODB_S("id", position);
    start[1] = (struct dynamodb_attr)DYNAMODB_N("user_id", user);
    start[2] = (struct dynamodb_attr)DYNAMODB_N("updated_at", updated_ms);
    return true;
}

static bool next_of(int64_t user, struct text id, int64_t updated_ms, struct arena *mem, struct text *next,
                    struct err *err)
{
    char owner[24], position[64];
    snprintf(owner, sizeof(owner), "%" PRId64, user);
    snprintf(position, sizeof(position), "%" PRId64 ":%.*s", updated_ms, TEXT_ARG(id));
    return chat_cursor_make("s", text_of(owner), text_of(position), mem, next, err);
}

/* Up to `wanted` sessions. *last: where to read on when not all was read, though fewer were found; else empty. */
static bool read_sessions(const struct chat_store *c, int64_t user, struct dynamodb_query *q, size_t wanted,
                          struct arena *mem, struct chat_session *found, size_t *n, struct dynamodb_item *last,
                          struct err *err)
{
    struct dynamodb_page page = {.more = true};
    *n = 0;
    for (int reads = 0; *n < wanted && page.more && reads < CHAT_READS_MAX; reads++) {
        q->limit = wanted - *n;
        if (!dynamodb_query(c->db, q, mem, &page, err))
            return false;
        for (size_t i = 0; i < page.count && *n < wanted; i++)
            *n += from_item(&page.items[i], user, &found[*n]);
        q->start = page.last.attrs;
        q->start_count = page.last.count;
    }
    *last = *n < wanted && page.more ? page.last : (struct dynamodb_item){0};
    return true;
}

bool chat_session_list(const struct chat_store *c, int64_t user, struct text cursor, size_t limit, struct arena *mem,
                       struct chat_session *out, size_t *count, struct text *next, struct err *err)
{
    const struct dynamodb_attr values[] = {DYNAMODB_N(":user", user)};
    struct dynamodb_query q = {.table = CHAT_SESSIONS,
                               .index = CHAT_BY_USER,
                               .key = OWNED,
                               .values = values,
                               .value_count = ARRAY_LEN(values),
                               .newest_first = true};
    char owner[24];
    struct dynamodb_attr start[3];
    struct text position;
    size_t n;
    snprintf(owner, sizeof(owner), "%" PRId64, user);
    struct chat_session *found = arena_array(mem, limit + 1, sizeof(*found));
    if (!found)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a list of conversations");
    if (!chat_cursor_read(cursor, "s", text_of(owner), mem, &position, err) ||
        (position.p && !start_of(position, user, start, err)))
        return false;
    if (position.p) {
        q.start = start;
        q.start_count = ARRAY_LEN(start);
    }
    struct dynamodb_item last;
    if (!read_sessions(c, user, &q, limit + 1, mem, found, &n, &last, err))
        return false;
    *next = TEXT_NONE;
    *count = n > limit ? limit : n;
    memcpy(out, found, *count * sizeof(*out));
    if (n > limit)
        return next_of(user, text_of(out[limit - 1].id), out[limit - 1].updated_at_ms, mem, next, err);
    return last.count == 0 ||
           next_of(user, dynamodb_text(&last, "id"), dynamodb_int(&last, "updated_at", 0), mem, next, err);
}
