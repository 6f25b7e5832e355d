#include "nova/reply.h"

#include <inttypes.h>

#include "nova/assistant.h"
#include "finance/guard.h"
#include "http/limits.h"
#include "http/own_tx.h"
#include "service/log.h"

enum { PIECE_BYTES = 24, VIOLATIONS = 10, HOUR_MS = 3600 * 1000 };

const char *const NOVA_PROVIDERS[] = {"gemini", "gptoss", "nova-local", NULL};
const char *const NOVA_ROLES[] = {"user", "assistant", NULL};

/* ---- the guard ---- */

/* Counted with decay: so many in an hour, then there is a pause. A message that tells of despair is never held against
 * anybody. */
static bool count_violation(struct call *call, enum guard_verdict verdict, struct err *err)
{
    static const struct rate_policy POLICY = {"guard", VIOLATIONS, HOUR_MS, true};
    log_info("nova", "refused: %s", guard_name(verdict));
    if (verdict == GUARD_SELF_HARM)
        return true;
    char *subject = arena_printf(call->scope.mem, "user|%" PRId64, call->scope.user_id);
    if (!subject)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    return limit_verdict(rate_check(call->app->redis, call->app->rate_local, &POLICY, text_of(subject), call->scope.mem,
                                    call->scope.now_ms),
                         err);
}

/* Sentences about what is not talked about hold few of the words that nova-local knows. */
static bool sounds_english(struct text message)
{
    static const char *const WORDS[] = {"all",  "the",  "is",  "are",    "how",  "what", "which", "who", "should",
                                        "want", "your", "you", "ignore", "kill", "and",  "of",    "show"};
    struct text word;
    while (text_split(&message, ' ', &word))
        for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
            if (text_eq_nocase(word, text_of(WORDS[i])))
                return true;
    return false;
}

static bool is_ascii(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] >= 0x80)
            return false;
    return true;
}

static enum nova_language language_of(struct call *call, struct text message)
{
    const struct nova_context nothing = {.today = call->scope.today, .currency = call->scope.currency};
    struct nova_intent intent = {.language = NOVA_VI};
    struct err ignored = {0};
    if (is_ascii(message) && sounds_english(message))
        return NOVA_EN;
    if (message.n <= NOVA_SENTENCE_MAX && !nova_understand(message, &nothing, call->scope.mem, &intent, &ignored))
        return NOVA_VI;
    return intent.language;
}

bool reply_guard(struct call *call, struct text message, struct reply *out, bool *refused, struct err *err)
{
    enum guard_verdict verdict = guard_check(message, call->scope.mem);
    *refused = verdict != GUARD_FINE;
    if (!*refused)
        return true;
    *out = (struct reply){.text = guard_refusal(verdict, language_of(call, message)),
                          .provider = "nova-guard",
                          .model = TEXT("nova-guard")};
    return count_violation(call, verdict, err);
}

/* ---- nova-local ---- */

/* In pieces too, so that a client that shows them grow has one way for all. */
static void tell(struct pieces *pieces, struct text reply)
{
    while (reply.n) {
        size_t n = reply.n < PIECE_BYTES ? reply.n : PIECE_BYTES;
        while (n < reply.n && reply.p[n - 1] != ' ' && reply.p[n - 1] != '\n')
            n++;
        pieces_add(text_slice(reply, 0, n), pieces);
        reply = text_slice(reply, n, reply.n);
    }
}

static bool propose(struct call *call, const struct nova_intent *intent, const struct nova_context *ctx,
                    struct pieces *pieces, struct reply *out, struct err *err)
{
    out->proposal = arena_new_of(call->scope.mem, struct proposal);
    if (!out->proposal)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    if (!proposal_make(&call->scope, intent, ctx, out->proposal, err))
        return false;
    tell(pieces, out->proposal->prompt);
    return true;
}

static bool answer(struct call *call, const struct nova_intent *intent, const struct nova_context *ctx,
                   struct pieces *pieces, struct reply *out, struct err *err)
{
    struct nova_answer a = {0};
    if (!nova_answer(&call->scope, intent, ctx, &a, err))
        return false;
    for (size_t i = 0; i < a.source_count; i++)
        out->sources[out->source_count++] = a.sources[i];
    tell(pieces, a.reply);
    return true;
}

static bool think_alone(struct call *call, struct text message, const struct nova_context *ctx, struct pieces *pieces,
                        struct reply *out, struct err *err)
{
    struct nova_intent intent;
    *out = (struct reply){.provider = "nova-local", .model = TEXT("nova-local")};
    if (!nova_understand(message, ctx, call->scope.mem, &intent, err) || !call_db(call, err))
        return false;
    bool ok = nova_intent_is_command(intent.kind) ? propose(call, &intent, ctx, pieces, out, err)
                                                  : answer(call, &intent, ctx, pieces, out, err);
    call_db_done(call);
    return ok;
}

bool reply_think(struct call *call, const struct said *said, size_t count, int64_t provider, struct pieces *pieces,
                 struct reply *out, struct err *err)
{
    struct nova_context ctx = {0};
    bool read = call_db(call, err) && nova_context_read(&call->scope, &ctx, err);
    call_db_done(call);
    if (!read)
        return false;
    bool alone = provider == PROVIDER_LOCAL || !call->app->assistant->llm;
    bool ok = alone ? think_alone(call, said[count - 1].content, &ctx, pieces, out, err)
                    : provider_think(call, said, count, provider, &ctx, pieces, out, err);
    return ok && pieces_end(pieces, &out->text, err);
}

void reply_write_members(struct json_out *j, const struct reply *r, const struct currency *cur)
{
    json_put_text(j, "reply", r->text);
    json_put_str(j, "provider", r->provider);
    json_put_text(j, "modelUsed", r->model);
    json_key(j, "sources");
    json_begin_array(j);
    for (size_t i = 0; i < r->source_count; i++)
        tool_write_json(j, r->sources[i], cur);
    json_end_array(j);
}
