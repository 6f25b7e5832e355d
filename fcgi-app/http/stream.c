#include "http/stream.h"

#include "http/exchange.h"

enum { EVENT_MAX = 256 * 1024 };

/* Events stand in Accept, and JSON does not stand before them. */
static bool accepts_events(struct text accept)
{
    struct text one, name;
    while (text_split(&accept, ',', &one)) {
        if (!text_split(&one, ';', &name))
            continue;
        name = text_trim(name);
        if (text_eq_nocase(name, TEXT("text/event-stream")) || text_eq_nocase(name, TEXT("application/json")))
            return name.p[0] == 't' || name.p[0] == 'T';
    }
    return false;
}

bool stream_wanted(const struct call *call)
{
    return call->stream && call->stream->x->in.write && accepts_events(call->accept);
}

static bool put(struct call *call, struct text bytes)
{
    struct stream *s = call->stream;
    if (!s->gone && !s->x->in.write(s->x->in.to, bytes))
        s->gone = true;
    return !s->gone;
}

void stream_begin(struct call *call)
{
    struct stream *s = call->stream;
    dispatch_stream_head(s->x);
    s->begun = true;
    /* With a first sign of life, since nginx keeps a head to itself until something of the body is there. */
    buf_str(&s->x->head, ": \n\n");
    put(call, buf_view(&s->x->head));
}

bool stream_begun(const struct call *call)
{
    return call->stream && call->stream->begun;
}

bool stream_event(struct call *call, const char *name, struct text data)
{
    AUTO(buf) struct buf event;
    buf_init(&event, EVENT_MAX);
    if (call->stream->gone)
        return false;
    buf_printf(&event, "event: %s\ndata: ", name);
    buf_text(&event, data);
    buf_str(&event, "\n\n");
    return !event.failed && put(call, buf_view(&event));
}

bool stream_heartbeat(struct call *call)
{
    return put(call, TEXT(": \n\n"));
}
