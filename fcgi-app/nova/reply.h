/*
 * How the assistant answers one message: the guard first, then the provider with the tools if one is configured, else
 * nova-local. No database connection is held while somebody outside is waited for. Writes nothing but proposals.
 */
#ifndef NOVA_REPLY_H
#define NOVA_REPLY_H

#include "finance/nova/answer.h"
#include "finance/proposal.h"
#include "http/call.h"
#include "nova/pieces.h"

enum {
    WINDOW_MESSAGES_MAX = 20, /* the contract: only the last 20 go to the model */
    WINDOW_TOKENS_MAX = 6000, /* of them, about; the message itself always goes */
    REPLY_SOURCES_MAX = 16
};

/* The words of "provider". */
extern const char *const NOVA_PROVIDERS[];
enum { PROVIDER_GEMINI, PROVIDER_GPTOSS, PROVIDER_LOCAL };

struct said {
    int64_t role; /* index into NOVA_ROLES */
    struct text content;
};
extern const char *const NOVA_ROLES[]; /* "user", "assistant" */
enum { ROLE_USER, ROLE_ASSISTANT };

struct reply {
    struct text text;
    const char *provider; /* as the client is told */
    struct text model;
    const struct tool_result *sources[REPLY_SOURCES_MAX];
    size_t source_count;
    struct proposal *proposal; /* a write that was understood (nova-local); or NULL */
};

/* The last of `said` is the user's message. False with ERR_RATE_LIMITED for somebody who was refused too often.
 * *refused: the reply is a refusal. */
bool reply_guard(struct call *call, struct text message, struct reply *out, bool *refused, struct err *err) MUST_CHECK;
/* provider: as the client wishes; pieces: where the reply's text grows. ERR_UNAVAILABLE: the provider fails. */
bool reply_think(struct call *call, const struct said *said, size_t count, int64_t provider, struct pieces *pieces,
                 struct reply *out, struct err *err) MUST_CHECK;
/* The members reply, provider, modelUsed and sources of an answer. */
void reply_write_members(struct json_out *j, const struct reply *r, const struct currency *cur);

/* provider.c: the same by the configured provider. */
bool provider_think(struct call *call, const struct said *said, size_t count, int64_t provider,
                    const struct nova_context *ctx, struct pieces *pieces, struct reply *out,
                    struct err *err) MUST_CHECK;
/* Where the window of the history begins. Pure. */
size_t window_begin(const struct said *said, size_t count);

#endif
