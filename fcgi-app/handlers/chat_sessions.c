#include "handlers/chat_sessions.h"

#include "nova/assistant.h"
#include "base/fields.h"
#include "nova/reply.h"
#include "store/chat.h"

enum {
    PAGE_DEFAULT = 500, /* the clients know no pages */
    PAGE_MAX = 1000,
    ANSWER_BYTES_MAX = 4 * 1024 * 1024 /* of conversations at once; the rest is the next page */
};

struct page_query {
    int64_t limit;
    struct text cursor;
};

static const struct field PAGE_FIELDS[] = {
    FIELD_INT("limit", struct page_query, limit, 0, 1, PAGE_MAX),
    FIELD_TEXT("cursor", struct page_query, cursor, 0, 0, 2000),
    FIELD_END,
};
const struct query_def CHAT_PAGE_QUERY = {.fields = PAGE_FIELDS, .size = sizeof(struct page_query)};

static const struct field SAID_FIELDS[] = {
    FIELD_CHOICE("role", struct said, role, FF_REQUIRED, NOVA_ROLES),
    FIELD_TEXT("content", struct said, content, FF_REQUIRED | FF_MULTILINE, 1, 64 * 1024),
    FIELD_END,
};

struct messages_body {
    struct field_list messages;
};
static const struct field MESSAGES_FIELDS[] = {
    FIELD_LIST("messages", struct messages_body, messages, FF_REQUIRED, SAID_FIELDS, struct said, 0, CHAT_REPLACE_MAX),
    FIELD_END,
};
const struct body_def CHAT_MESSAGES_BODY = {.fields = MESSAGES_FIELDS, .size = sizeof(struct messages_body)};

struct rename_body {
    struct text title;
};
static const struct field RENAME_FIELDS[] = {
    FIELD_TEXT("title", struct rename_body, title, FF_REQUIRED, 1, CHAT_TITLE_MAX),
    FIELD_END,
};
const struct body_def CHAT_RENAME_BODY = {.fields = RENAME_FIELDS, .size = sizeof(struct rename_body)};

static const struct chat_store *store(const struct call *call)
{
    return &call->app->assistant->chat;
}

static bool find(struct call *call, struct chat_session *out, struct err *err)
{
    if (!uuid_is_valid(call->word))
        return err_set(err, ERR_NOT_FOUND, "There is no such conversation");
    return chat_session_find(store(call), call->scope.user_id, call->word, call->scope.mem, out, err);
}

/* ---- lists: pages of the store until the asked number is there ---- */

struct page {
    size_t left;
    struct text cursor, next;
};

static struct page page_begin(const struct call *call)
{
    const struct page_query *q = call->query;
    return (struct page){.left = q->limit ? (size_t)q->limit : PAGE_DEFAULT, .cursor = q->cursor};
}

static size_t page_size(const struct page *p)
{
    return p->left < CHAT_PAGE_MAX ? p->left : CHAT_PAGE_MAX;
}

/* False when the list ends here. */
static bool page_go_on(struct page *p, const struct response *res, size_t count)
{
    p->left -= count < p->left ? count : p->left;
    p->cursor = p->next;
    return p->next.n && p->left && res->body->n < ANSWER_BYTES_MAX;
}

static bool page_end(struct call *call, struct response *res, const struct page *p, struct err *err)
{
    return !p->next.n || response_next_cursor(call, res, p->next, err);
}

static void put_session(struct json_out *j, const struct chat_session *s)
{
    json_begin_object(j);
    json_put_str(j, "id", s->id);
    json_put_text(j, "title", s->title.p ? s->title : TEXT(""));
    json_put_instant(j, "createdAt", s->created_at_ms);
    json_put_instant(j, "updatedAt", s->updated_at_ms);
    json_end_object(j);
}

/* GET /ai/chat/sessions   200: Session[], the latest change first */
bool chat_sessions_get(struct call *call, struct response *res, struct err *err)
{
    struct page p = page_begin(call);
    struct chat_session *sessions = arena_array(call->scope.mem, CHAT_PAGE_MAX, sizeof(*sessions));
    size_t count = 0;
    if (!sessions)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the conversations");
    json_begin_array(&res->json);
    do {
        if (!chat_session_list(store(call), call->scope.user_id, p.cursor, page_size(&p), call->scope.mem, sessions,
                               &count, &p.next, err))
            return false;
        for (size_t i = 0; i < count; i++)
            put_session(&res->json, &sessions[i]);
    } while (page_go_on(&p, res, count));
    json_end_array(&res->json);
    return page_end(call, res, &p, err);
}

static void put_message(struct json_out *j, const struct chat_message *m)
{
    json_begin_object(j);
    json_put_str(j, "id", m->id);
    json_put_str(j, "role", NOVA_ROLES[m->role == CHAT_USER ? ROLE_USER : ROLE_ASSISTANT]);
    json_put_text(j, "content", m->content.p ? m->content : TEXT(""));
    json_put_instant(j, "timestamp", m->at_ms);
    json_end_object(j);
}

/* GET /ai/chat/sessions/{session}/messages   200: ChatMessage[], oldest first   errors: 404 */
bool chat_messages_get(struct call *call, struct response *res, struct err *err)
{
    struct page p = page_begin(call);
    struct chat_session session;
    struct chat_message *messages = arena_array(call->scope.mem, CHAT_PAGE_MAX, sizeof(*messages));
    size_t count = 0;
    if (!messages)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the conversation");
    if (!find(call, &session, err))
        return false;
    json_begin_array(&res->json);
    do {
        if (!chat_message_list(store(call), &session, p.cursor, page_size(&p), call->scope.mem, messages, &count,
                               &p.next, err))
            return false;
        for (size_t i = 0; i < count; i++)
            put_message(&res->json, &messages[i]);
    } while (page_go_on(&p, res, count));
    json_end_array(&res->json);
    return page_end(call, res, &p, err);
}

/* ---- changes ---- */

/* PUT /ai/chat/sessions/{session}/messages   body: messages[{role, content}], replaces all   200: Message   errors: 404
 */
bool chat_messages_put(struct call *call, struct response *res, struct err *err)
{
    const struct messages_body *body = call->body;
    const struct said *said = body->messages.items;
    size_t count = body->messages.count;
    struct chat_session session;
    struct chat_message *messages = arena_array(call->scope.mem, count, sizeof(*messages));
    if (!messages)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the conversation");
    for (size_t i = 0; i < count; i++)
        messages[i] = (struct chat_message){.role = said[i].role == ROLE_USER ? CHAT_USER : CHAT_ASSISTANT,
                                            .content = said[i].content};
    if (!find(call, &session, err) ||
        !chat_replace(store(call), &session, messages, count, call->scope.now_ms, call->scope.mem, err))
        return false;
    response_message(res, "Đã lưu đoạn hội thoại.");
    return true;
}

/* PUT /ai/chat/sessions/{session}/rename   body: title   200: Message   errors: 404 */
bool chat_session_put_name(struct call *call, struct response *res, struct err *err)
{
    const struct rename_body *body = call->body;
    if (!uuid_is_valid(call->word))
        return err_set(err, ERR_NOT_FOUND, "There is no such conversation");
    if (!chat_session_rename(store(call), call->scope.user_id, call->word, body->title, call->scope.now_ms,
                             call->scope.mem, err))
        return false;
    response_message(res, "Đã đổi tên đoạn hội thoại.");
    return true;
}

/* DELETE /ai/chat/sessions/{session}   200: Message   errors: 404 */
bool chat_session_remove(struct call *call, struct response *res, struct err *err)
{
    if (!uuid_is_valid(call->word))
        return err_set(err, ERR_NOT_FOUND, "There is no such conversation");
    if (!chat_session_delete(store(call), call->scope.user_id, call->word, call->scope.mem, err))
        return false;
    response_message(res, "Đã xóa đoạn hội thoại.");
    return true;
}
