/*
 * An OpenAI-compatible chat-completions provider: base URL, model, several keys in round robin with back-off per key,
 * streaming, tools. At most `concurrency` calls at a time; no retries but on another key. Its answers are untrusted
 * input and bounded (LLM_REPLY_MAX).
 */
#ifndef SERVICE_LLM_H
#define SERVICE_LLM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

enum { LLM_REPLY_MAX = 64 * 1024, LLM_TOOL_CALLS_MAX = 8, LLM_KEYS_MAX = 16 };

struct llm_options {
    const char *base_url; /* "https://host/v1" */
    const char *model;
    const char *keys; /* comma list */
    size_t concurrency;
    int connect_timeout_ms, total_timeout_ms;
    /* Asked before a key is used (a cap that all processes share); NULL: always. */
    bool (*key_allowed)(struct text key, void *to);
    void *to;
};

struct llm_tool_call {
    struct text id, name, arguments; /* arguments: JSON text, untrusted */
};

/* A picture, sent as a data URL. */
struct llm_image {
    const char *mime; /* "image/jpeg" */
    int fd;           /* read from its beginning; the caller's */
    size_t size;
};

struct llm_message {
    const char *role; /* system, user, assistant, tool */
    struct text content;
    struct text tool_call_id;               /* role tool */
    const struct llm_tool_call *tool_calls; /* role assistant */
    size_t tool_call_count;
    const struct llm_image *image; /* role user: beside the content; or NULL */
};

struct llm_request {
    const struct llm_message *messages;
    size_t message_count;
    struct text tools; /* JSON array of tool definitions, or none */
    int timeout_ms;    /* 0: the client's */
    /* Called with each piece of the reply as it comes, and with an empty one now and then while none does. False:
       nobody listens any more, but the reply is read to its end. NULL: no streaming. */
    bool (*piece)(struct text piece, void *to);
    void *to;
};

struct llm_reply {
    struct text content;
    struct llm_tool_call tool_calls[LLM_TOOL_CALLS_MAX];
    size_t tool_call_count;
    struct text model;
};

struct llm;
struct llm *llm_open(const struct llm_options *opts, struct err *err) MUST_CHECK;
void llm_close(struct llm *l); /* no call may be running */
/* Running and later calls end at once with ERR_UNAVAILABLE. From any thread; for good. */
void llm_cancel(struct llm *l);
/* ERR_UNAVAILABLE with retry_after_seconds: provider down, slow, throttled on every key, or an answer that cannot be
 * read. */
bool llm_chat(struct llm *l, const struct llm_request *req, struct arena *mem, struct llm_reply *out,
              struct err *err) MUST_CHECK;

#endif
