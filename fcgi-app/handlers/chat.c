#include "handlers/chat.h"

#include "base/fields.h"
#include "http/own_tx.h"
#include "http/stream.h"
#include "nova/history.h"
#include "nova/reply.h"

enum { MESSAGES_MAX = 200, CONTENT_MAX = 64 * 1024, MESSAGE_CHARACTERS_MAX = 4000, EVENT_JSON_MAX = 1024 * 1024 };

static const struct field SAID_FIELDS[] = {
    FIELD_CHOICE("role", struct said, role, FF_REQUIRED, NOVA_ROLES),
    FIELD_TEXT("content", struct said, content, FF_REQUIRED | FF_MULTILINE, 1, CONTENT_MAX),
    FIELD_END,
};

/* ---- POST /ai/chat ---- */

struct chat_body {
    int64_t provider;
    struct field_list messages;
    struct text session_id;
    bool save, save_given;
};

static const struct field CHAT_FIELDS[] = {
    FIELD_CHOICE("provider", struct chat_body, provider, FF_REQUIRED, NOVA_PROVIDERS),
    FIELD_LIST("messages", struct chat_body, messages, FF_REQUIRED, SAID_FIELDS, struct said, 1, MESSAGES_MAX),
    FIELD_TEXT("sessionId", struct chat_body, session_id, 0, 0, 64),
    {.name = "saveHistory",
     .kind = FK_BOOL,
     .offset = offsetof(struct chat_body, save),
     .given_offset = offsetof(struct chat_body, save_given)},
    FIELD_END,
};
const struct body_def CHAT_BODY = {.fields = CHAT_FIELDS, .size = sizeof(struct chat_body)};

/* What is asked for is the last message. */
static bool check_order(const struct said *said, size_t count, struct err *err)
{
    char name[64];
    const struct said *last = &said[count - 1];
    snprintf(name, sizeof(name), "messages[%zu].role", count - 1);
    if (last->role != ROLE_USER)
        return err_field(err, name, "Tin nhắn cuối cùng phải là của người dùng");
    snprintf(name, sizeof(name), "messages[%zu].content", count - 1);
    return text_length(last->content) <= MESSAGE_CHARACTERS_MAX ||
           err_field(err, name, "Dài nhất %d ký tự", MESSAGE_CHARACTERS_MAX);
}

static struct text first_of_user(const struct said *said, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (said[i].role == ROLE_USER)
            return said[i].content;
    return said[count - 1].content;
}

static void put_proposal(struct json_out *j, const struct proposal *p)
{
    json_key(j, "proposal");
    if (!p || !p->id[0]) {
        json_null(j);
        return;
    }
    json_begin_object(j);
    json_put_str(j, "intent", nova_intent_name(p->kind));
    json_key(j, "extractedFields");
    json_raw(j, p->fields);
    json_end_object(j);
}

static void put_chat(struct json_out *j, const struct call *call, const struct reply *r, const struct history *h)
{
    json_begin_object(j);
    reply_write_members(j, r, call->scope.currency);
    put_proposal(j, r->proposal);
    json_put_text(j, "sessionId", history_id(h));
    json_put_bool(j, "saved", h->saved);
    json_end_object(j);
}

/* A provider that fails takes nothing of what the user wrote; the answer names the conversation it is in. */
static void name_session(const struct history *h, struct err *err)
{
    struct text id = history_id(h);
    if (id.p && uuid_is_valid(id))
        snprintf(err->extra, sizeof(err->extra), "\"sessionId\":\"%.*s\",\"saved\":%s", TEXT_ARG(id),
                 h->saved ? "true" : "false");
}

/* The last event is the whole answer. */
static bool send_done(struct call *call, const struct reply *r, const struct history *h, struct err *err)
{
    AUTO(buf) struct buf event;
    struct json_out j;
    buf_init(&event, EVENT_JSON_MAX);
    json_out_init(&j, &event);
    put_chat(&j, call, r, h);
    if (event.failed)
        return err_set(err, ERR_INTERNAL, "The answer is too large");
    stream_event(call, "done", buf_view(&event));
    return true;
}

static bool think(struct call *call, const struct chat_body *body, struct history *h, struct pieces *pieces,
                  struct reply *r, struct err *err)
{
    const struct said *said = body->messages.items;
    size_t count = body->messages.count;
    struct text message = said[count - 1].content, title = first_of_user(said, count);
    bool refused;
    if (!reply_guard(call, message, r, &refused, err))
        return false;
    if (stream_wanted(call))
        stream_begin(call);
    if (refused) {
        pieces_add(r->text, pieces);
        if (!pieces_end(pieces, &r->text, err))
            return false;
    } else if (!reply_think(call, said, count, body->provider, pieces, r, err)) {
        history_keep(call, h, title, message, TEXT_NONE);
        name_session(h, err);
        return false;
    }
    history_keep(call, h, title, message, r->text);
    return true;
}

/* POST /ai/chat   body: provider, model?, messages[], sessionId?, saveHistory?   200: {reply, provider, modelUsed,
 * sources, proposal, sessionId, saved}, or events "token" {text} and at last "done" with the same object where the
 * client accepts text/event-stream   errors: 404 foreign session, 429, 503 */
bool chat_post(struct call *call, struct response *res, struct err *err)
{
    const struct chat_body *body = call->body;
    struct history h;
    struct reply r = {0};
    struct pieces pieces;
    /* A conversation that goes on is kept unless the client says no; a new one only if it says so. */
    bool save = body->save_given ? body->save : body->session_id.n > 0;
    if (!check_order(body->messages.items, body->messages.count, err) ||
        !history_open(call, body->session_id, save, &h, err))
        return false;
    pieces_init(&pieces, call);
    bool ok = think(call, body, &h, &pieces, &r, err);
    if (ok && stream_begun(call))
        ok = send_done(call, &r, &h, err);
    else if (ok)
        put_chat(&res->json, call, &r, &h);
    pieces_release(&pieces);
    return ok;
}

/* ---- POST /gemini/chat ---- */

struct short_body {
    struct text message;
};

static const struct field SHORT_FIELDS[] = {
    FIELD_TEXT("message", struct short_body, message, FF_REQUIRED | FF_MULTILINE, 1, 2000),
    FIELD_END,
};
const struct body_def SHORT_CHAT_BODY = {.fields = SHORT_FIELDS, .size = sizeof(struct short_body)};

static bool answer_one(struct call *call, const struct said *said, size_t count, int64_t provider,
                       struct pieces *pieces, struct reply *r, struct err *err)
{
    bool refused;
    return reply_guard(call, said[count - 1].content, r, &refused, err) &&
           (refused || reply_think(call, said, count, provider, pieces, r, err));
}

/* POST /gemini/chat   body: message   200: {reply, model, sources}   errors: 429, 503 */
bool chat_short(struct call *call, struct response *res, struct err *err)
{
    const struct short_body *body = call->body;
    const struct said said = {ROLE_USER, body->message};
    struct reply r = {0};
    struct pieces pieces;
    pieces_init(&pieces, call);
    bool ok = answer_one(call, &said, 1, PROVIDER_GEMINI, &pieces, &r, err);
    if (ok) {
        json_begin_object(&res->json);
        reply_write_members(&res->json, &r, call->scope.currency);
        json_put_text(&res->json, "model", r.model);
        json_end_object(&res->json);
    }
    pieces_release(&pieces);
    return ok;
}

/* ---- POST /ai/parse-intent ---- */

struct parse_body {
    int64_t provider;
    struct text message, session_id;
    struct field_list history;
};

static const struct field PARSE_FIELDS[] = {
    FIELD_CHOICE("provider", struct parse_body, provider, FF_REQUIRED, NOVA_PROVIDERS),
    FIELD_TEXT("userMessage", struct parse_body, message, FF_REQUIRED | FF_MULTILINE, 1, 800),
    FIELD_LIST("conversationHistory", struct parse_body, history, 0, SAID_FIELDS, struct said, 0, MESSAGES_MAX),
    FIELD_TEXT("sessionId", struct parse_body, session_id, 0, 0, 64),
    FIELD_END,
};
const struct body_def PARSE_INTENT_BODY = {.fields = PARSE_FIELDS, .size = sizeof(struct parse_body)};

struct parsed {
    struct nova_intent intent;
    struct reply reply; /* of a question */
    struct proposal *proposal;
    bool refused;
};

static void put_missing(struct json_out *j, const struct proposal *p)
{
    json_key(j, "missingFields");
    json_begin_array(j);
    for (size_t i = 0; p && i < p->missing_count; i++)
        json_text(j, text_of(p->missing[i]));
    json_end_array(j);
}

static void put_empty(struct json_out *j, const char *key, const char *empty)
{
    json_key(j, key);
    json_raw(j, text_of(empty));
}

static void put_confidence(struct json_out *j, int percent, struct arena *mem)
{
    char *ratio = percent >= 100 ? arena_printf(mem, "1") : arena_printf(mem, "0.%02d", percent > 0 ? percent : 0);
    json_key(j, "confidence");
    json_raw(j, ratio ? text_of(ratio) : TEXT("0"));
}

static void put_parsed(struct call *call, struct json_out *j, const struct parsed *p, struct text session_id)
{
    const struct proposal *action = p->proposal;
    bool invalid = !action && (p->refused || p->intent.kind == INTENT_UNKNOWN);
    struct text reply = action ? TEXT_NONE : p->reply.text;
    json_begin_object(j);
    json_put_str(j, "status", action ? "NEED_CONFIRMATION" : "SUCCESS");
    json_put_text(j, "sessionId", session_id);
    json_put_str(j, "intent",
                 action    ? nova_intent_name(action->kind)
                 : invalid ? "INVALID_REQUEST"
                           : "ANSWER_QUESTION");
    json_put_str(j, "intentType", action ? "ACTION" : invalid ? "INVALID" : "QUESTION");
    json_key(j, "extractedFields");
    json_raw(j, action && action->fields.n ? action->fields : TEXT("{}"));
    put_empty(j, "suggestedValues", "{}");
    put_empty(j, "validationErrors", "[]");
    put_missing(j, action);
    json_put_text(j, "confirmationPrompt", action ? action->prompt : TEXT_NONE);
    json_put_text(j, "answer", invalid ? TEXT_NONE : reply);
    json_put_text(j, "reply", reply);
    put_confidence(j, p->intent.confidence, call->scope.mem);
    json_put_str(j, "provider", action ? "nova-local" : p->reply.provider);
    json_put_text(j, "modelUsed", action ? TEXT("nova-local") : p->reply.model);
    json_end_object(j);
}

/* A write that was understood becomes a proposal, whoever answers the questions. */
static bool understand(struct call *call, struct text message, struct parsed *p, struct err *err)
{
    struct nova_context ctx = {0};
    struct scope *s = &call->scope;
    if (!call_db(call, err) || !nova_context_read(s, &ctx, err) ||
        !nova_understand(message, &ctx, s->mem, &p->intent, err))
        return false;
    if (nova_intent_is_command(p->intent.kind)) {
        p->proposal = arena_new_of(s->mem, struct proposal);
        if (!p->proposal)
            return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
        return proposal_make(s, &p->intent, &ctx, p->proposal, err);
    }
    return true;
}

static bool answer_question(struct call *call, const struct parse_body *body, struct pieces *pieces, struct parsed *p,
                            struct err *err)
{
    size_t count = body->history.count;
    struct said *said = arena_array(call->scope.mem, count + 1, sizeof(*said));
    if (!said)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    if (count)
        memcpy(said, body->history.items, count * sizeof(*said));
    said[count] = (struct said){ROLE_USER, body->message};
    bool ok = reply_think(call, said, count + 1, body->provider, pieces, &p->reply, err);
    /* What nova-local does not understand a provider may. */
    if (ok && p->intent.kind == INTENT_UNKNOWN && strcmp(p->reply.provider, "nova-local") != 0)
        p->intent.kind = INTENT_HELP;
    return ok;
}

static bool parse(struct call *call, const struct parse_body *body, struct pieces *pieces, struct parsed *p,
                  struct err *err)
{
    if (!reply_guard(call, body->message, &p->reply, &p->refused, err))
        return false;
    if (p->refused)
        return true;
    bool ok = understand(call, body->message, p, err);
    call_db_done(call);
    return ok && (p->proposal || answer_question(call, body, pieces, p, err));
}

/* POST /ai/parse-intent   body: provider, userMessage, conversationHistory?, sessionId?   200: what is meant; a write
 * is a proposal to confirm, a question is answered   errors: 404 foreign session, 429, 503 */
bool chat_parse_intent(struct call *call, struct response *res, struct err *err)
{
    const struct parse_body *body = call->body;
    struct history h;
    struct parsed *p = arena_new_of(call->scope.mem, struct parsed);
    struct pieces pieces;
    if (!p)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    if (!history_open(call, body->session_id, body->session_id.n > 0, &h, err))
        return false;
    pieces_init(&pieces, call);
    bool ok = parse(call, body, &pieces, p, err);
    history_keep(call, &h, body->message, body->message,
                 !ok           ? TEXT_NONE
                 : p->proposal ? p->proposal->prompt
                               : p->reply.text);
    if (ok)
        put_parsed(call, &res->json, p, history_id(&h));
    pieces_release(&pieces);
    return ok;
}
