#include "service/cache.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"

/* A token is 16 hex digits. */
enum { TOKEN_BYTES = 8, TOKEN_TEXT = 2 * TOKEN_BYTES + 1, KEY_MAX = 200 };

static const char GENERATION_TTL_S[] = "86400"; /* far longer than any value lives */

static char letter_of(enum cache_owner owner)
{
    return owner == CACHE_HOUSEHOLD ? 'h' : 'u';
}

static struct text generation_key(enum cache_owner owner, int64_t id, struct arena *mem)
{
    return text_of(arena_printf(mem, "mm:g:%c%" PRId64, letter_of(owner), id));
}

static struct text value_key(const struct cache_slot *slot, struct arena *mem)
{
    return text_of(arena_printf(mem, "mm:v:%c%" PRId64 ":%s", letter_of(slot->owner), slot->owner_id, slot->what));
}

static void reset(struct cache_slot *slot)
{
    slot->stamp[0] = '\0';
    slot->new_epoch = slot->new_generation = slot->hit = false;
    slot->value = TEXT_NONE;
}

/* MGET epoch, then generation and value of each slot. */
static bool make_mget(struct redis_command *cmd, const struct cache_slot *slots, size_t n, struct arena *mem)
{
    *cmd = (struct redis_command){.argc = 2, .argv = {TEXT("MGET"), TEXT("mm:epoch")}};
    for (size_t i = 0; i < n; i++) {
        struct text generation = generation_key(slots[i].owner, slots[i].owner_id, mem),
                    value = value_key(&slots[i], mem);
        if (!generation.p || !value.p)
            return false;
        cmd->argv[cmd->argc++] = generation;
        cmd->argv[cmd->argc++] = value;
    }
    return true;
}

static struct text token_or_new(const struct redis_reply *reply, char fresh[TOKEN_TEXT], bool *is_new)
{
    if (reply->kind == REDIS_TEXT && reply->t.n && reply->t.n < TOKEN_TEXT)
        return reply->t;
    *is_new = true;
    random_hex(TOKEN_BYTES, fresh);
    return text_of(fresh);
}

static void fill(struct cache_slot *slot, const struct redis_reply *epoch, const struct redis_reply *generation,
                 const struct redis_reply *value)
{
    char fresh_epoch[TOKEN_TEXT], fresh_generation[TOKEN_TEXT];
    struct text e = token_or_new(epoch, fresh_epoch, &slot->new_epoch);
    struct text g = token_or_new(generation, fresh_generation, &slot->new_generation);
    int n = snprintf(slot->stamp, sizeof slot->stamp, "%.*s.%.*s", TEXT_ARG(e), TEXT_ARG(g));
    assert(n > 0 && (size_t)n < sizeof slot->stamp);
    struct text rest = value->kind == REDIS_TEXT ? value->t : TEXT_NONE, stamp = {slot->stamp, (size_t)n};
    if (rest.n > stamp.n && text_starts(rest, stamp) && rest.p[stamp.n] == '\n') {
        slot->hit = true;
        slot->value = text_slice(rest, stamp.n + 1, rest.n);
    }
}

bool cache_read(struct redis *r, struct cache_slot *slots, size_t n, const struct redis_command *extra, size_t extra_n,
                struct redis_reply *extra_replies, struct arena *mem, struct err *err)
{
    struct redis_command commands[REDIS_PIPELINE_MAX];
    struct redis_reply replies[REDIS_PIPELINE_MAX];
    assert(n <= CACHE_SLOTS_MAX && extra_n < REDIS_PIPELINE_MAX);

    for (size_t i = 0; i < n; i++)
        reset(&slots[i]);
    if (!make_mget(&commands[0], slots, n, mem))
        return err_set(err, ERR_NO_MEMORY, "There is not enough memory.");
    for (size_t i = 0; i < extra_n; i++)
        commands[1 + i] = extra[i];
    if (!redis_call(r, commands, 1 + extra_n, mem, replies, err))
        return false;
    for (size_t i = 0; i < extra_n; i++)
        extra_replies[i] = replies[1 + i];
    const struct redis_reply *got = &replies[0];
    if (got->kind != REDIS_LIST || got->count != 1 + 2 * n)
        return err_set(err, ERR_INTERNAL, "The cache gave an answer of another form.");
    for (size_t i = 0; i < n; i++)
        fill(&slots[i], &got->list[0], &got->list[1 + 2 * i], &got->list[2 + 2 * i]);
    return true;
}

/* When another reader or a commit was first with a token, SET NX changes nothing, and our value will never be believed.
 */
static void set_token(struct redis_command *cmd, struct text key, struct text token, bool keep)
{
    *cmd = (struct redis_command){.argc = 4, .argv = {TEXT("SET"), key, token, TEXT("NX")}};
    if (keep)
        return;
    cmd->argv[cmd->argc++] = TEXT("EX");
    cmd->argv[cmd->argc++] = text_of(GENERATION_TTL_S);
}

void cache_write(struct redis *r, const struct cache_slot *slot, struct text value, struct arena *mem)
{
    struct redis_command commands[REDIS_PIPELINE_MAX];
    struct redis_reply replies[REDIS_PIPELINE_MAX];
    struct text generation = text_of(slot->stamp), epoch;
    struct err ignored;
    size_t n = 0;

    if (!slot->stamp[0] || !value.p || value.n > CACHE_VALUE_MAX)
        return;
    text_split(&generation, '.', &epoch);
    struct text key = value_key(slot, mem), generation_at = generation_key(slot->owner, slot->owner_id, mem);
    char *stamped = arena_printf(mem, "%s\n%.*s", slot->stamp, TEXT_ARG(value));
    char *ttl = arena_printf(mem, "%d", (int)CACHE_TTL_S);
    if (!key.p || !generation_at.p || !stamped || !ttl)
        return;
    if (slot->new_epoch)
        set_token(&commands[n++], TEXT("mm:epoch"), epoch, true);
    if (slot->new_generation)
        set_token(&commands[n++], generation_at, generation, false);
    struct text whole = {stamped, strlen(slot->stamp) + 1 + value.n};
    commands[n++] = (struct redis_command){.argc = 5, .argv = {TEXT("SET"), key, whole, TEXT("EX"), text_of(ttl)}};
    if (!redis_call(r, commands, n, mem, replies, &ignored))
        return; /* not written: the next reader reads the database again */
}

void cache_move(struct redis *r, enum cache_owner owner, int64_t owner_id, struct arena *mem)
{
    char *token = arena_alloc(mem, TOKEN_TEXT);
    struct text key = generation_key(owner, owner_id, mem);
    struct redis_reply reply;
    struct err ignored;
    if (!token || !key.p)
        return;
    random_hex(TOKEN_BYTES, token);
    struct redis_command set = {.argc = 5,
                                .argv = {TEXT("SET"), key, text_of(token), TEXT("EX"), text_of(GENERATION_TTL_S)}};
    if (!redis_call(r, &set, 1, mem, &reply, &ignored))
        return; /* the client counts as down now, and renews the epoch before it believes anything */
}
