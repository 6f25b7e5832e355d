#include <assert.h>

#include "base/embedded.h"
#include "service/redis_internal.h"

bool redis_unavailable(struct err *err, const char *cause)
{
    err_set(err, ERR_UNAVAILABLE, "The cache cannot be reached at the moment.");
    err->retry_after_seconds = 1;
    return err_cause(err, "redis: %s", cause);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
}

/* ---- answers ---- */

static bool copy_reply(const redisReply *from, struct redis_reply *to, struct arena *mem);

static bool copy_list(const redisReply *from, struct redis_reply *to, struct arena *mem)
{
    to->kind = REDIS_LIST;
    to->count = from->elements;
    to->list = arena_array(mem, from->elements ? from->elements : 1, sizeof *to->list);
    if (!to->list)
        return false;
    for (size_t i = 0; i < from->elements; i++)
        if (!copy_reply(from->element[i], &to->list[i], mem))
            return false;
    return true;
}

static bool copy_reply(const redisReply *from, struct redis_reply *to, struct arena *mem)
{
    *to = (struct redis_reply){.kind = REDIS_NIL};
    switch (from->type) {
    case REDIS_REPLY_NIL: return true;
    case REDIS_REPLY_ARRAY: return copy_list(from, to, mem);
    case REDIS_REPLY_INTEGER:
        to->kind = REDIS_INT;
        to->i = from->integer;
        return true;
    default:
        to->kind = REDIS_TEXT;
        to->t = arena_text(mem, (struct text){from->str, from->len});
        return to->t.p != NULL;
    }
}

static bool says(const redisReply *reply, const char *word)
{
    return reply->type == REDIS_REPLY_ERROR && text_starts((struct text){reply->str, reply->len}, text_of(word));
}

/* A server that answers so will not serve this connection: demoted, starting, or cut off from its master. */
static bool is_useless(const redisReply *reply)
{
    static const char *const WORDS[] = {"READONLY ", "LOADING ", "MASTERDOWN ", "CLUSTERDOWN ", "NOAUTH "};
    for (size_t i = 0; i < ARRAY_LEN(WORDS); i++)
        if (says(reply, WORDS[i]))
            return true;
    return false;
}

static bool take_reply(const redisReply *from, struct redis_reply *to, struct arena *mem, bool *lost, struct err *err)
{
    if (is_useless(from)) {
        *lost = true;
        return redis_unavailable(err, from->str);
    }
    if (from->type == REDIS_REPLY_ERROR) {
        err_set(err, ERR_INTERNAL, "The cache refused a command.");
        return err_cause(err, "redis: %s", from->str);
    }
    return copy_reply(from, to, mem) || no_memory(err);
}

/* ---- commands ---- */

static bool append(redisContext *c, const struct redis_command *cmd)
{
    const char *argv[REDIS_ARGS_MAX];
    size_t lengths[REDIS_ARGS_MAX];
    assert(cmd->argc > 0 && cmd->argc <= REDIS_ARGS_MAX);
    for (size_t i = 0; i < cmd->argc; i++) {
        argv[i] = cmd->argv[i].p ? cmd->argv[i].p : "";
        lengths[i] = cmd->argv[i].n;
    }
    return redisAppendCommandArgv(c, (int)cmd->argc, argv, lengths) == REDIS_OK;
}

static redisReply *next_reply(redisContext *c)
{
    void *reply = NULL;
    return redisGetReply(c, &reply) == REDIS_OK ? reply : NULL;
}

/* A restarted or failed-over server does not know the script any more: sent whole, once, it does. */
static redisReply *send_script(redisContext *c, const struct redis_command *cmd, const struct embedded_file *script)
{
    struct redis_command eval = *cmd;
    eval.argv[0] = TEXT("EVAL");
    eval.argv[1] = (struct text){script->data, script->size};
    return append(c, &eval) ? next_reply(c) : NULL;
}

static void free_all(redisReply **replies, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (replies[i])
            freeReplyObject(replies[i]);
}

static bool exchange(redisContext *c, const struct redis_command *commands, size_t n, redisReply **replies)
{
    for (size_t i = 0; i < n; i++)
        if (!append(c, &commands[i]))
            return false;
    for (size_t i = 0; i < n; i++)
        if (!(replies[i] = next_reply(c)))
            return false;
    for (size_t i = 0; i < n; i++) {
        const struct embedded_file *script = says(replies[i], "NOSCRIPT ") ? redis_script_of(&commands[i]) : NULL;
        if (!script)
            continue;
        freeReplyObject(replies[i]);
        if (!(replies[i] = send_script(c, &commands[i], script)))
            return false;
    }
    return true;
}

bool redis_pipe(redisContext *c, const struct redis_command *commands, size_t n, struct arena *mem,
                struct redis_reply *replies, bool *lost, struct err *err)
{
    redisReply *raw[REDIS_PIPELINE_MAX] = {0};
    assert(n > 0 && n <= REDIS_PIPELINE_MAX);
    bool ok = exchange(c, commands, n, raw);
    if (!ok) {
        *lost = true;
        redis_unavailable(err, c->err ? c->errstr : "out of memory");
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = take_reply(raw[i], &replies[i], mem, lost, err);
    free_all(raw, n);
    return ok;
}
