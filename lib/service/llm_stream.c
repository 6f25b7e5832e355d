#include "service/llm_stream.h"

#include "base/json.h"

void llm_stream_init(struct llm_stream *s, const struct llm_request *req, bool whole)
{
    *s = (struct llm_stream){.req = req, .whole = whole};
    buf_init(&s->line, LLM_LINE_MAX);
    buf_init(&s->content, LLM_REPLY_MAX + 1);
    buf_init(&s->model, LLM_NAME_MAX);
    for (size_t i = 0; i < LLM_TOOL_CALLS_MAX; i++) {
        buf_init(&s->tools[i].id, LLM_NAME_MAX);
        buf_init(&s->tools[i].name, LLM_NAME_MAX);
        buf_init(&s->tools[i].arguments, LLM_ARGUMENTS_MAX);
    }
}

void llm_stream_release(struct llm_stream *s)
{
    buf_release(&s->line);
    buf_release(&s->content);
    buf_release(&s->model);
    for (size_t i = 0; i < LLM_TOOL_CALLS_MAX; i++) {
        buf_release(&s->tools[i].id);
        buf_release(&s->tools[i].name);
        buf_release(&s->tools[i].arguments);
    }
}

static bool unreadable(struct llm_stream *s, const char *why)
{
    if (!s->why)
        s->why = why;
    return false;
}

static const struct json_node *member(const struct json_node *v, const char *key)
{
    const struct json_node *value = NULL;
    return json_kind(v) == JSON_OBJECT && json_get(v, key, &value) ? value : NULL;
}

static struct text member_text(const struct json_node *v, const char *key)
{
    const struct json_node *value = member(v, key);
    return json_kind(value) == JSON_TEXT ? json_as_text(value) : TEXT_NONE;
}

/* The longest beginning that fits and ends between two characters. */
static struct text cut_to(struct text t, size_t room)
{
    if (t.n <= room)
        return t;
    while (room > 0 && ((unsigned char)t.p[room] & 0xC0) == 0x80)
        room--;
    return text_slice(t, 0, room);
}

static void add_content(struct llm_stream *s, struct text piece)
{
    struct text kept = cut_to(piece, LLM_REPLY_MAX - s->content.n);
    s->cut = s->cut || kept.n < piece.n;
    buf_text(&s->content, kept);
    if (kept.n && s->req->piece && !s->unheard)
        s->unheard = !s->req->piece(kept, s->req->to);
}

/* One element of tool_calls: whole, or a further part of the one at its index. */
static bool add_tool_call(struct llm_stream *s, const struct json_node *v, size_t place)
{
    const struct json_node *function = member(v, "function");
    int64_t index = json_kind(v) == JSON_OBJECT ? json_get_int(v, "index", (int64_t)place) : -1;
    if (index < 0 || index >= LLM_TOOL_CALLS_MAX)
        return unreadable(s, "too many tool calls");
    struct llm_stream_tool *tool = &s->tools[index];
    if (s->tool_count <= (size_t)index)
        s->tool_count = (size_t)index + 1;
    buf_text(&tool->id, member_text(v, "id"));
    buf_text(&tool->name, member_text(function, "name"));
    buf_text(&tool->arguments, member_text(function, "arguments"));
    return !(tool->id.failed || tool->name.failed || tool->arguments.failed) ||
           unreadable(s, "a tool call is too long");
}

/* The "delta" of an event, or the "message" of a whole answer. */
static bool add_message(struct llm_stream *s, const struct json_node *message)
{
    struct text content = member_text(message, "content");
    const struct json_node *calls = member(message, "tool_calls");
    if (content.n)
        add_content(s, content);
    for (size_t i = 0; json_kind(calls) == JSON_ARRAY && i < json_count(calls); i++)
        if (!add_tool_call(s, json_at(calls, i), i))
            return false;
    return true;
}

static bool add_object(struct llm_stream *s, struct text json)
{
    struct err ignored = {0};
    AUTO(json_doc) struct json_doc *doc = json_parse(json, &ignored);
    const struct json_node *root = doc ? json_root(doc) : NULL;
    if (json_kind(root) != JSON_OBJECT || member(root, "error"))
        return unreadable(s, doc ? "the provider reported an error within its answer" : "what came is no JSON");
    if (!s->model.n)
        buf_text(&s->model, cut_to(member_text(root, "model"), LLM_NAME_MAX - 1));
    const struct json_node *choices = member(root, "choices");
    const struct json_node *first =
        json_kind(choices) == JSON_ARRAY && json_count(choices) ? json_at(choices, 0) : NULL;
    if (member_text(first, "finish_reason").n)
        s->finished = true;
    return add_message(s, member(first, s->whole ? "message" : "delta"));
}

static bool take_line(struct llm_stream *s)
{
    struct text line = buf_view(&s->line);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (!text_starts(line, TEXT("data:")))
        return true;
    line = text_trim(text_slice(line, 5, line.n));
    if (!text_eq(line, TEXT("[DONE]")))
        return add_object(s, line);
    s->finished = true;
    return true;
}

static bool feed_events(struct llm_stream *s, struct text part)
{
    while (part.n && !s->cut) {
        const char *end = memchr(part.p, '\n', part.n);
        size_t n = end ? (size_t)(end - part.p) : part.n;
        buf_put(&s->line, part.p, n);
        if (s->line.failed)
            return unreadable(s, "a line is too long");
        if (!end)
            return true;
        if (s->line.n && !take_line(s))
            return false;
        buf_reset(&s->line);
        part = text_slice(part, n + 1, part.n);
    }
    return !s->cut;
}

bool llm_stream_feed(struct llm_stream *s, struct text part)
{
    if (!part.n) { /* nothing has come for a while */
        if (s->req->piece && !s->unheard)
            s->unheard = !s->req->piece(TEXT(""), s->req->to);
        return true;
    }
    s->bytes += part.n;
    if (s->bytes > LLM_BYTES_MAX)
        return unreadable(s, "the answer is too long");
    if (!s->whole)
        return feed_events(s, part);
    buf_text(&s->line, part);
    return !s->line.failed || unreadable(s, "the answer is too long");
}

static bool copy(struct arena *mem, const struct buf *b, struct text *out)
{
    *out = b->n ? arena_text(mem, buf_view(b)) : TEXT("");
    return out->p != NULL;
}

static bool copy_tools(const struct llm_stream *s, struct arena *mem, struct llm_reply *out)
{
    bool ok = true;
    for (size_t i = 0; ok && i < s->tool_count; i++) {
        struct llm_tool_call *call = &out->tool_calls[i];
        ok = copy(mem, &s->tools[i].id, &call->id) && copy(mem, &s->tools[i].name, &call->name) &&
             copy(mem, &s->tools[i].arguments, &call->arguments);
    }
    out->tool_call_count = s->tool_count;
    return ok;
}

bool llm_stream_end(struct llm_stream *s, struct arena *mem, struct llm_reply *out, struct err *err)
{
    if (s->whole && !s->why && add_object(s, buf_view(&s->line)))
        s->finished = true;
    if (!s->why && !s->finished && !s->cut)
        s->why = "the answer ended early";
    if (!s->why && !s->content.n && !s->tool_count)
        s->why = "the answer is empty";
    if (s->why) {
        err_set(err, ERR_UNAVAILABLE, "The assistant's provider gave no usable answer");
        return err_cause(err, "llm: %s", s->why);
    }
    *out = (struct llm_reply){0};
    return (copy(mem, &s->content, &out->content) && copy(mem, &s->model, &out->model) && copy_tools(s, mem, out)) ||
           err_set(err, ERR_NO_MEMORY, "Not enough memory for the assistant's answer");
}
