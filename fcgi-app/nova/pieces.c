#include "nova/pieces.h"

#include "nova/assistant.h"
#include "base/clock.h"
#include "finance/guard.h"
#include "http/stream.h"

enum { REPLY_MAX = 512 * 1024, HEARTBEAT_MS = 5000, EVENT_JSON_MAX = 256 * 1024 };

void pieces_init(struct pieces *p, struct call *call)
{
    *p = (struct pieces){.call = call, .last_ms = clock_monotonic_ms()};
    buf_init(&p->pending, REPLY_MAX);
    buf_init(&p->reply, REPLY_MAX);
}

void pieces_release(struct pieces *p)
{
    buf_release(&p->pending);
    buf_release(&p->reply);
}

static void tell(struct pieces *p, struct text words)
{
    AUTO(buf) struct buf event;
    struct json_out j;
    buf_init(&event, EVENT_JSON_MAX);
    if (!stream_begun(p->call))
        return;
    json_out_init(&j, &event);
    json_begin_object(&j);
    json_put_text(&j, "text", words);
    json_end_object(&j);
    p->last_ms = clock_monotonic_ms();
    if (!event.failed)
        stream_event(p->call, "token", buf_view(&event));
}

static void wait(struct pieces *p)
{
    int64_t now = clock_monotonic_ms();
    if (!stream_begun(p->call) || now - p->last_ms < HEARTBEAT_MS)
        return;
    p->last_ms = now;
    stream_heartbeat(p->call);
}

/* Hands on the first n bytes of what is pending. */
static void flush(struct pieces *p, size_t n)
{
    struct arena *mem = p->call->scope.mem;
    const struct assistant *a = p->call->app->assistant;
    struct text whole = buf_view(&p->pending);
    struct text words = guard_mask_links(text_slice(whole, 0, n), a->own_host, mem);
    struct text rest = arena_text(mem, text_slice(whole, n, whole.n));
    if (!words.p || !rest.p) {
        p->reply.failed = true;
        return;
    }
    buf_text(&p->reply, words);
    buf_reset(&p->pending);
    buf_text(&p->pending, rest);
    tell(p, words);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

bool pieces_add(struct text piece, void *pieces)
{
    struct pieces *p = pieces;
    if (!piece.n) {
        wait(p);
        return true;
    }
    buf_text(&p->pending, piece);
    size_t n = p->pending.failed ? 0 : p->pending.n;
    while (n > 0 && !is_blank(p->pending.p[n - 1]))
        n--;
    if (n)
        flush(p, n);
    return true;
}

bool pieces_end(struct pieces *p, struct text *reply, struct err *err)
{
    if (p->pending.n && !p->pending.failed)
        flush(p, p->pending.n);
    *reply = p->reply.n ? buf_view(&p->reply) : TEXT("");
    return !(p->pending.failed || p->reply.failed) || err_set(err, ERR_INTERNAL, "The assistant's answer is too long");
}
