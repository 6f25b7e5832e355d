#include "nova/history.h"

#include "nova/assistant.h"
#include "base/clock.h"
#include "service/log.h"

enum { TITLE_CHARACTERS = 50 };

bool history_open(struct call *call, struct text session_id, bool save, struct history *out, struct err *err)
{
    struct err e = {0};
    *out = (struct history){.wanted = save, .given = session_id.n ? session_id : TEXT_NONE};
    if (!session_id.n)
        return true;
    if (!uuid_is_valid(session_id))
        return err_set(err, ERR_NOT_FOUND, "There is no such conversation");
    if (chat_session_find(&call->app->assistant->chat, call->scope.user_id, session_id, call->scope.mem, &out->session,
                          &e)) {
        out->found = true;
        return true;
    }
    if (e.code == ERR_NOT_FOUND || e.code == ERR_NO_MEMORY) {
        *err = e;
        return false;
    }
    log_err(LOG_WARN, "nova", "the conversation could not be looked up", &e);
    out->down = true;
    return true;
}

struct text history_title(struct text message, struct arena *mem)
{
    size_t n = 0, count = 0;
    uint32_t c;
    for (size_t step; n < message.n && count < TITLE_CHARACTERS && (step = text_decode(message, n, &c)) > 0; count++)
        n += step;
    char *title = arena_printf(mem, "%.*s%s", (int)n, message.p, n < message.n ? "..." : "");
    for (char *p = title; p && *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return text_of(title);
}

static bool make_session(struct call *call, struct history *h, struct text title_of, struct err *err)
{
    struct scope *s = &call->scope;
    struct text title = history_title(title_of, s->mem);
    if (!title.p)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the conversation");
    h->found =
        chat_session_create(&call->app->assistant->chat, s->user_id, title, clock_now_ms(), s->mem, &h->session, err);
    return h->found;
}

/* A turn of a known conversation that is sent again under its Idempotency-Key is kept once. */
static bool keep(struct call *call, struct history *h, struct text title_of, struct text message, struct text reply,
                 struct err *err)
{
    struct chat_message turn[2] = {{.role = CHAT_USER, .content = message}, {.role = CHAT_ASSISTANT, .content = reply}};
    const char *token = h->found && call->idempotency_key.n
                            ? arena_printf(call->scope.mem, "%.*s", TEXT_ARG(call->idempotency_key))
                            : NULL;
    if (!h->found && !make_session(call, h, title_of, err))
        return false;
    return chat_turn_append(&call->app->assistant->chat, &h->session, turn, reply.p ? 2 : 1, token, clock_now_ms(),
                            call->scope.mem, err) ||
           err->code == ERR_DUPLICATE;
}

void history_keep(struct call *call, struct history *h, struct text title_of, struct text message, struct text reply)
{
    struct err err = {0};
    if (!h->wanted || h->down)
        return;
    h->saved = keep(call, h, title_of, message, reply, &err);
    if (!h->saved)
        log_err(LOG_WARN, "nova", "a turn of a conversation was not kept", &err);
}

struct text history_id(const struct history *h)
{
    return h->found ? text_of(h->session.id) : h->given;
}
