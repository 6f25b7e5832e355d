/*
 * A chat completion as it comes from a provider, read piece by piece: server-sent events, or one JSON object from a
 * provider that does not stream. Untrusted and bounded: what goes beyond is cut (the reply) or refused (all else).
 * Pure.
 */
#ifndef SERVICE_LLM_STREAM_H
#define SERVICE_LLM_STREAM_H

#include "base/buf.h"
#include "service/llm.h"

enum { LLM_LINE_MAX = 1024 * 1024, LLM_BYTES_MAX = 4 * 1024 * 1024, LLM_NAME_MAX = 128, LLM_ARGUMENTS_MAX = 16 * 1024 };

struct llm_stream_tool {
    struct buf id, name, arguments;
};

struct llm_stream {
    const struct llm_request *req;
    struct buf line, content, model;
    struct llm_stream_tool tools[LLM_TOOL_CALLS_MAX];
    size_t tool_count;
    size_t bytes;
    bool whole;      /* not events but one JSON object, kept in `line` */
    bool unheard;    /* nobody listens to the pieces any more */
    bool finished;   /* the provider said that this is all */
    bool cut;        /* the reply became too long: the rest is not wanted */
    const char *why; /* what could not be read, or NULL */
};

void llm_stream_init(struct llm_stream *s, const struct llm_request *req, bool whole);
void llm_stream_release(struct llm_stream *s);
/* False when no more is wanted: cut, or unreadable. */
bool llm_stream_feed(struct llm_stream *s, struct text part);
/* ERR_UNAVAILABLE for an answer that is not whole or cannot be read. */
bool llm_stream_end(struct llm_stream *s, struct arena *mem, struct llm_reply *out, struct err *err) MUST_CHECK;

#endif
