#include "http/stream.h"

#include "http/exchange.h"

enum { EVENT_MAX = 256 * 1024 };

/* One of the media types of Accept, without its parameters. */
static bool accepts(struct text accept, struct text type)
{
    struct text one, name;
    while (text_split(&accept, ',', &one))
        if (text_split(&one, ';', &name) && text_eq_nocase(text_trim(name), type))
            return true;
    return false;
}

bool stream_wanted(const struct call *call)
{
    return call->stream && call->stream->x->in.write && accepts(call->accept, TEXT("text/event-stream"));
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
    put(call, buf_view(&s->x->head));
}

bool stream_begun(const struct call *call)
{
    return call->stream && call->stream->begun;
}

bool stream_event(struct call *call, const char *name, struct text data)
{
    AUTO(buf) struct buf event;
    if (call->stream->gone)
        return false;
    buf_init(&event, EVENT_MAX);
    buf_printf(&event, "event: %s\ndata: ", name);
    buf_text(&event, data);
    buf_str(&event, "\n\n");
    return !event.failed && put(call, buf_view(&event));
}

bool stream_heartbeat(struct call *call)
{
    return put(call, TEXT(": \n\n"));
}
