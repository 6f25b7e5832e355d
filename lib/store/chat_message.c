/* The messages of a conversation, and what changes them. */
#include "store/chat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "service/digest.h"
#include "store/chat_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ITEM_ATTRS = 6,
    GENERATION_BITS = 20, /* by chance, below the milliseconds: no two replacements share a generation */
    CLEAR_ARENA_FIRST = 64 * 1024,
    CLEAR_ARENA_MAX = 1024 * 1024
};

static const char *const ROLES[] = {[CHAT_USER] = "user", [CHAT_ASSISTANT] = "assistant"};

static struct text key_of(const char *session, int64_t generation, char out[CHAT_KEY_MAX])
{
    snprintf(out, CHAT_KEY_MAX, "%s#%" PRId64, session, generation);
    return text_of(out);
}

/* ---- rows ---- */

/* False for what readers do not see. */
static bool from_item(const struct dynamodb_item *item, struct text key, struct chat_message *out)
{
    struct text id = dynamodb_text(item, "id"), content = dynamodb_text(item, "content");
    if (id.n != UUID_TEXT_MAX - 1 || !text_eq(dynamodb_text(item, "session_id"), key) || chat_is_expired(item))
        return false;
    *out = (struct chat_message){.role = text_eq(dynamodb_text(item, "role"), TEXT("assistant")) ? CHAT_ASSISTANT
                                                                                                 : CHAT_USER,
                                 .content = content.p ? content : TEXT(""),
                                 .at_ms = dynamodb_int(item, "created_at", 0)};
    memcpy(out->id, id.p, id.n + 1);
    return true;
}

static struct dynamodb_write put_of(const struct chat_store *c, int64_t user, struct text key,
                                    const struct chat_message *m, struct dynamodb_attr item[ITEM_ATTRS])
{
    const struct dynamodb_attr attrs[ITEM_ATTRS] = {
        DYNAMODB_S("session_id", key),
        DYNAMODB_N("user_id", user),
        DYNAMODB_S("role", text_of(ROLES[m->role])),
        DYNAMODB_S("content", m->content),
        DYNAMODB_N("created_at", m->at_ms),
        DYNAMODB_N("expires_at", chat_expiry(c, m->at_ms)),
    };
    memcpy(item, attrs, sizeof(attrs));
    return (struct dynamodb_write){
        .verb = DYNAMODB_PUT, .table = CHAT_MESSAGES, .id = text_of(m->id), .item = item, .item_count = ITEM_ATTRS};
}

/* Gives ids and instants in order. */
static bool number(struct chat_message *messages, size_t count, int64_t now_ms, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (messages[i].content.n > CHAT_CONTENT_MAX)
            return err_field(err, "messages", "Tin nhắn quá dài.");
        uuid7(now_ms, messages[i].id);
        messages[i].at_ms = now_ms;
    }
    return true;
}

/* The last `keep` of the ids in `before` and those of the messages, by commas. */
static struct text recent_of(struct text before, const struct chat_message *messages, size_t count, size_t keep,
                             struct arena *mem)
{
    struct buf b;
    buf_init(&b, (size_t)UUID_TEXT_MAX * (CHAT_RECENT_MAX + 1));
    size_t first = count > keep ? count - keep : 0, old = keep - (count - first);
    /* Each id takes UUID_TEXT_MAX bytes with its comma, but for the last one. */
    size_t bytes = old * UUID_TEXT_MAX > 0 ? old * UUID_TEXT_MAX - 1 : 0;
    if (before.n > 0 && bytes > 0)
        buf_text(&b, before.n > bytes ? text_slice(before, before.n - bytes, before.n) : before);
    for (size_t i = first; i < count; i++) {
        if (b.n > 0)
            buf_char(&b, ',');
        buf_str(&b, messages[i].id);
    }
    struct text out = b.failed ? TEXT_NONE : arena_text(mem, b.n > 0 ? buf_view(&b) : TEXT(""));
    buf_release(&b);
    return out;
}

/* ---- list ---- */

static bool is_there(const struct chat_message *found, size_t n, struct text id)
{
    for (size_t i = 0; i < n; i++)
        if (text_eq(text_of(found[i].id), id))
            return true;
    return false;
}

static int order(struct text a, struct text b)
{
    return memcmp(a.p, b.p, UUID_TEXT_MAX - 1);
}

/* The session's newest ids that belong between `after` and `before` (none: the end) and were not found. */
static size_t missing_ids(const struct chat_session *s, const struct chat_message *found, size_t n, struct text after,
                          struct text before, struct text ids[CHAT_RECENT_MAX])
{
    struct text rest = s->recent, id;
    size_t count = 0;
    while (rest.p && count < CHAT_RECENT_MAX && text_split(&rest, ',', &id)) {
        if (id.n == UUID_TEXT_MAX - 1 && (!after.p || order(id, after) > 0) && (!before.p || order(id, before) < 0) &&
            !is_there(found, n, id))
            ids[count++] = id;
    }
    return count;
}

static void insert(struct chat_message *found, size_t *n, const struct chat_message *m)
{
    size_t at = *n;
    for (; at > 0 && strcmp(found[at - 1].id, m->id) > 0; at--)
        found[at] = found[at - 1];
    found[at] = *m;
    ++*n;
}

/* Adds what the index does not show yet. found[] has room for CHAT_RECENT_MAX more. */
static bool add_missing(const struct chat_store *c, const struct chat_session *s, struct text key, struct text after,
                        struct text before, struct arena *mem, struct chat_message *found, size_t *n, struct err *err)
{
    struct text ids[CHAT_RECENT_MAX];
    size_t wanted = missing_ids(s, found, *n, after, before, ids), got;
    struct chat_message m;
    if (wanted == 0)
        return true;
    struct dynamodb_item *items = arena_array(mem, wanted, sizeof(*items));
    if (!items)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for messages");
    if (!dynamodb_get_many(c->db, CHAT_MESSAGES, ids, wanted, mem, items, &got, err))
        return false;
    for (size_t i = 0; i < got; i++)
        if (from_item(&items[i], key, &m) && !is_there(found, *n, text_of(m.id)))
            insert(found, n, &m);
    return true;
}

/* Up to `wanted` messages after `after`, as the index shows them. *last: where to read on when not all was read, though
 * fewer were found (many expired ones before them); else no text. */
static bool read_index(const struct chat_store *c, struct text key, struct text after, size_t wanted, struct arena *mem,
                       struct chat_message *found, size_t *n, struct text *last, struct err *err)
{
    const struct dynamodb_attr values[] = {DYNAMODB_S(":session", key)};
    const struct dynamodb_attr start[] = {DYNAMODB_S("id", after), DYNAMODB_S("session_id", key)};
    struct dynamodb_query q = {.table = CHAT_MESSAGES,
                               .index = CHAT_BY_SESSION,
                               .key = "session_id = :session",
                               .values = values,
                               .value_count = ARRAY_LEN(values),
                               .start = after.p ? start : NULL,
                               .start_count = ARRAY_LEN(start)};
    struct dynamodb_page page = {.more = true};
    *n = 0;
    for (int reads = 0; *n < wanted && page.more && reads < CHAT_READS_MAX; reads++) {
        q.limit = wanted - *n;
        if (!dynamodb_query(c->db, &q, mem, &page, err))
            return false;
        for (size_t i = 0; i < page.count && *n < wanted; i++)
            *n += from_item(&page.items[i], key, &found[*n]);
        q.start = page.last.attrs;
        q.start_count = page.last.count;
    }
    *last = *n < wanted && page.more ? dynamodb_text(&page.last, "id") : TEXT_NONE;
    return true;
}

bool chat_message_list(const struct chat_store *c, const struct chat_session *session, struct text cursor, size_t limit,
                       struct arena *mem, struct chat_message *out, size_t *count, struct text *next, struct err *err)
{
    char key_text[CHAT_KEY_MAX];
    struct text key = key_of(session->id, session->generation, key_text), owner = text_of(session->id), after, last;
    size_t n;
    struct chat_message *found = arena_array(mem, limit + 1 + CHAT_RECENT_MAX, sizeof(*found));
    if (!found)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for messages");
    if (!chat_cursor_read(cursor, "m", owner, mem, &after, err))
        return false;
    if (after.p && !uuid_is_valid(after))
        return err_field(err, "cursor", "Con trỏ trang không hợp lệ.");
    if (!read_index(c, key, after, limit + 1, mem, found, &n, &last, err))
        return false;
    /* Beyond a full page nothing need be known. */
    if (n > limit)
        last = arena_text(mem, text_of(found[n - 1].id));
    if (!add_missing(c, session, key, after, last, mem, found, &n, err))
        return false;
    *next = TEXT_NONE;
    if (n > limit)
        last = text_of(found[limit - 1].id);
    if (last.p && !chat_cursor_make("m", owner, last, mem, next, err))
        return false;
    *count = n > limit ? limit : n;
    memcpy(out, found, *count * sizeof(*out));
    return true;
}

/* ---- append ---- */

/* Tokens are one name space in the whole account. */
static void token_of(int64_t user, const char *token, int64_t now_ms, struct arena *mem, char out[DIGEST_TEXT])
{
    const char *own = token ? arena_printf(mem, "%" PRId64 ":%s", user, token) : NULL;
    if (own) {
        digest_hex(text_of(own), out);
        out[DYNAMODB_TOKEN_MAX] = '\0';
    } else {
        uuid7(now_ms, out);
    }
}

/* Whether it is there no more, or has another generation. */
static bool why_refused(const struct chat_store *c, const struct chat_session *s, struct arena *mem, struct err *err)
{
    struct chat_session now;
    if (!chat_session_find(c, s->user_id, text_of(s->id), mem, &now, err))
        return false;
    return err_set(err, ERR_CONFLICT, "The conversation was changed meanwhile");
}

bool chat_turn_append(const struct chat_store *c, struct chat_session *session, struct chat_message *messages,
                      size_t count, const char *token, int64_t now_ms, struct arena *mem, struct err *err)
{
    char key_text[CHAT_KEY_MAX], request_token[DIGEST_TEXT];
    struct text key = key_of(session->id, session->generation, key_text);
    struct dynamodb_attr items[CHAT_TURN_MAX][ITEM_ATTRS];
    struct dynamodb_write writes[CHAT_TURN_MAX + 1];
    if (count == 0 || count > CHAT_TURN_MAX)
        return err_set(err, ERR_INTERNAL, "A turn has too many messages");
    if (!number(messages, count, now_ms, err))
        return false;
    struct text recent = recent_of(session->recent, messages, count, CHAT_RECENT_TURN, mem);
    if (!recent.p)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a turn");
    for (size_t i = 0; i < count; i++) {
        writes[i] = put_of(c, session->user_id, key, &messages[i], items[i]);
        writes[i].condition = "attribute_not_exists(id)";
    }
    const struct dynamodb_attr values[] = {DYNAMODB_N(":user", session->user_id),
                                           DYNAMODB_N(":generation", session->generation),
                                           DYNAMODB_N(":now", now_ms),
                                           DYNAMODB_N(":expiry", chat_expiry(c, now_ms)),
                                           DYNAMODB_S(":recent", recent),
                                           DYNAMODB_N(":n", (int64_t)count)};
    writes[count] = (struct dynamodb_write){
        .verb = DYNAMODB_UPDATE,
        .table = CHAT_SESSIONS,
        .id = text_of(session->id),
        .update = "SET updated_at = :now, expires_at = :expiry, recent = :recent ADD message_count :n",
        .condition = "user_id = :user AND generation = :generation AND attribute_not_exists(deleting_since)",
        .values = values,
        .value_count = ARRAY_LEN(values)};
    token_of(session->user_id, token, now_ms, mem, request_token);
    struct err why = {0};
    if (!dynamodb_transact(c->db, writes, count + 1, request_token, &why)) {
        if (why.code == ERR_CONFLICT)
            return why_refused(c, session, mem, err);
        *err = why;
        return false;
    }
    session->updated_at_ms = now_ms;
    session->message_count += (int64_t)count;
    session->recent = recent;
    return true;
}

/* ---- remove ---- */

static bool remove_ids(const struct chat_store *c, const struct text *ids, size_t n, struct err *err)
{
    struct dynamodb_write writes[CHAT_RECENT_MAX];
    for (size_t i = 0; i < n; i++)
        writes[i] = (struct dynamodb_write){.verb = DYNAMODB_DELETE, .table = CHAT_MESSAGES, .id = ids[i]};
    return dynamodb_write_many(c->db, writes, n, err);
}

static bool remove_page(const struct chat_store *c, const struct dynamodb_page *page, struct err *err)
{
    struct text ids[CHAT_PAGE_MAX];
    for (size_t i = 0; i < page->count; i++)
        ids[i] = dynamodb_text(&page->items[i], "id");
    return remove_ids(c, ids, page->count, err);
}

static bool remove_indexed(const struct chat_store *c, struct text key, struct arena *mem, struct err *err)
{
    const struct dynamodb_attr values[] = {DYNAMODB_S(":session", key)};
    struct dynamodb_page page = {.more = true};
    char last[UUID_TEXT_MAX] = "";
    while (page.more) {
        const struct dynamodb_attr start[] = {DYNAMODB_S("id", text_of(last)), DYNAMODB_S("session_id", key)};
        const struct dynamodb_query q = {.table = CHAT_MESSAGES,
                                         .index = CHAT_BY_SESSION,
                                         .key = "session_id = :session",
                                         .projection = "id",
                                         .values = values,
                                         .value_count = ARRAY_LEN(values),
                                         .start = *last ? start : NULL,
                                         .start_count = ARRAY_LEN(start),
                                         .limit = CHAT_PAGE_MAX};
        arena_reset(mem);
        if (!dynamodb_query(c->db, &q, mem, &page, err) || !remove_page(c, &page, err))
            return false;
        snprintf(last, sizeof(last), "%.*s", TEXT_ARG(dynamodb_text(&page.last, "id")));
    }
    return true;
}

static bool remove_recent(const struct chat_store *c, struct text recent, struct err *err)
{
    struct text ids[CHAT_RECENT_MAX], id;
    size_t n = 0;
    while (recent.n > 0 && n < CHAT_RECENT_MAX && text_split(&recent, ',', &id))
        ids[n++] = id;
    return remove_ids(c, ids, n, err);
}

bool chat_generation_clear(const struct chat_store *c, const char *session, int64_t generation, struct text recent,
                           struct err *err)
{
    char key_text[CHAT_KEY_MAX];
    struct arena *mem = arena_new(CLEAR_ARENA_FIRST, CLEAR_ARENA_MAX);
    if (!mem)
        return err_set(err, ERR_NO_MEMORY, "There is no memory to remove messages");
    bool ok = remove_indexed(c, key_of(session, generation, key_text), mem, err) && remove_recent(c, recent, err);
    arena_free(mem);
    return ok;
}

/* ---- replace ---- */

static bool put_all(const struct chat_store *c, const struct chat_session *s, struct text key,
                    const struct chat_message *messages, size_t count, struct arena *mem, struct err *err)
{
    struct dynamodb_write *writes = arena_array(mem, count ? count : 1, sizeof(*writes));
    struct dynamodb_attr *items = arena_array(mem, (count ? count : 1) * ITEM_ATTRS, sizeof(*items));
    if (!writes || !items)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a conversation");
    for (size_t i = 0; i < count; i++)
        writes[i] = put_of(c, s->user_id, key, &messages[i], items + i * ITEM_ATTRS);
    return dynamodb_write_many(c->db, writes, count, err);
}

static bool switch_generation(const struct chat_store *c, const struct chat_session *s, const struct chat_session *to,
                              struct arena *mem, struct err *err)
{
    const struct dynamodb_attr values[] = {DYNAMODB_N(":user", s->user_id),
                                           DYNAMODB_N(":old", s->generation),
                                           DYNAMODB_N(":new", to->generation),
                                           DYNAMODB_N(":now", to->updated_at_ms),
                                           DYNAMODB_N(":expiry", chat_expiry(c, to->updated_at_ms)),
                                           DYNAMODB_S(":recent", to->recent),
                                           DYNAMODB_N(":n", to->message_count)};
    struct dynamodb_write update = {
        .verb = DYNAMODB_UPDATE,
        .table = CHAT_SESSIONS,
        .id = text_of(s->id),
        .update =
            "SET generation = :new, updated_at = :now, expires_at = :expiry, recent = :recent, message_count = :n",
        .condition = "user_id = :user AND generation = :old AND attribute_not_exists(deleting_since)",
        .values = values,
        .value_count = ARRAY_LEN(values)};
    struct err why = {0};
    struct chat_session now;
    if (dynamodb_write(c->db, &update, &why))
        return true;
    if (why.code != ERR_CONFLICT) {
        *err = why;
        return false;
    }
    if (!chat_session_find(c, s->user_id, text_of(s->id), mem, &now, err))
        return false;
    /* Ours already: a try whose answer got lost did it. */
    return now.generation == to->generation || err_set(err, ERR_CONFLICT, "The conversation was changed meanwhile");
}

bool chat_replace(const struct chat_store *c, struct chat_session *session, struct chat_message *messages, size_t count,
                  int64_t now_ms, struct arena *mem, struct err *err)
{
    char key_text[CHAT_KEY_MAX];
    struct err ignored = {0};
    if (count > CHAT_REPLACE_MAX)
        return err_field(err, "messages", "Hội thoại có quá nhiều tin nhắn.");
    if (!number(messages, count, now_ms, err))
        return false;
    struct chat_session to = *session;
    to.generation = now_ms << GENERATION_BITS | random_below(1u << GENERATION_BITS);
    to.updated_at_ms = now_ms;
    to.message_count = (int64_t)count;
    to.recent = recent_of(TEXT_NONE, messages, count, CHAT_RECENT_MAX, mem);
    if (!to.recent.p)
        return err_set(err, ERR_NO_MEMORY, "There is no memory for a conversation");
    struct text key = key_of(session->id, to.generation, key_text);
    struct err why = {0};
    bool written = put_all(c, session, key, messages, count, mem, &why);
    bool ok = written && switch_generation(c, session, &to, mem, &why);
    if (!ok)
        *err = why;
    /* Nobody reads the generation that lost; what is not removed now expires. While it is not known which one lost,
     * both stay. */
    bool known = ok || !written || why.code == ERR_CONFLICT || why.code == ERR_NOT_FOUND;
    const struct chat_session *lost = ok ? session : &to;
    bool cleared = known && chat_generation_clear(c, session->id, lost->generation, lost->recent, &ignored);
    (void)cleared;
    if (ok)
        *session = to;
    return ok;
}
