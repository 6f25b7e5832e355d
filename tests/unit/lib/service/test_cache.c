/* The cache protocol against a real Redis. */
#include "check.h"

#include <signal.h>

#include "lib/service/server.h"
#include "service/cache.h"

static struct server server;
static struct arena *mem;
static struct redis *client;

static int set_up_all(void **state)
{
    char url[128];
    struct err err = {0};
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    server_start_redis(&server);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    struct redis_options opts = {
        .url = url, .pool_size = 2, .connect_timeout_ms = 500, .io_timeout_ms = 500, .pool_wait_ms = 50};
    client = redis_open(&opts, &err);
    mem = arena_new(4096, 1 << 24);
    return client && mem ? 0 : -1;
}

static int tear_down_all(void **state)
{
    (void)state;
    redis_close(client);
    arena_free(mem);
    server_remove(&server);
    return 0;
}

static void order(const char *a, const char *b)
{
    struct err err = {0};
    struct redis_reply reply;
    struct redis_command cmd = {.argc = b ? 2 : 1, .argv = {text_of(a), text_of(b)}};
    assert_true(redis_call(client, &cmd, 1, mem, &reply, &err));
}

static int set_up(void **state)
{
    (void)state;
    arena_reset(mem);
    order("FLUSHALL", NULL);
    return 0;
}

static struct cache_slot slot_of(enum cache_owner owner, int64_t id)
{
    return (struct cache_slot){.owner = owner, .owner_id = id, .what = "categories"};
}

static void read_slot(struct cache_slot *slot)
{
    struct err err = {0};
    if (!cache_read(client, slot, 1, NULL, 0, NULL, mem, &err))
        fail_msg("%s [%s]", err.detail, err.cause);
}

/* What a handler does: read, and on a miss read the database and write. */
static void fill(enum cache_owner owner, int64_t id, const char *value)
{
    struct cache_slot slot = slot_of(owner, id);
    read_slot(&slot);
    cache_write(client, &slot, text_of(value), mem);
}

static bool hits(enum cache_owner owner, int64_t id, const char *value)
{
    struct cache_slot slot = slot_of(owner, id);
    read_slot(&slot);
    if (slot.hit)
        assert_text(slot.value, value);
    return slot.hit;
}

static void test_a_written_value_is_found_by_its_owner_only(void **state)
{
    (void)state;
    assert_false(hits(CACHE_HOUSEHOLD, 1, ""));
    fill(CACHE_HOUSEHOLD, 1, "one\nwith a line");
    fill(CACHE_HOUSEHOLD, 2, "");
    assert_true(hits(CACHE_HOUSEHOLD, 1, "one\nwith a line"));
    assert_true(hits(CACHE_HOUSEHOLD, 2, ""));
    assert_false(hits(CACHE_USER, 1, ""));
    assert_false(hits(CACHE_HOUSEHOLD, 3, ""));
}

static void test_a_move_makes_old_values_worthless(void **state)
{
    (void)state;
    fill(CACHE_HOUSEHOLD, 1, "old");
    fill(CACHE_USER, 1, "other");
    cache_move(client, CACHE_HOUSEHOLD, 1, mem);
    assert_false(hits(CACHE_HOUSEHOLD, 1, ""));
    assert_true(hits(CACHE_USER, 1, "other"));
    fill(CACHE_HOUSEHOLD, 1, "new");
    assert_true(hits(CACHE_HOUSEHOLD, 1, "new"));
}

static void test_a_value_read_before_a_move_and_written_after_it_is_not_believed(void **state)
{
    (void)state;
    struct cache_slot late = slot_of(CACHE_HOUSEHOLD, 1);
    read_slot(&late); /* no generation yet: this reader chooses one */
    assert_true(late.new_generation);
    cache_move(client, CACHE_HOUSEHOLD, 1, mem);
    cache_write(client, &late, TEXT("from before the commit"), mem);
    assert_false(hits(CACHE_HOUSEHOLD, 1, ""));

    read_slot(&late);
    assert_false(late.new_generation);
    cache_move(client, CACHE_HOUSEHOLD, 1, mem);
    cache_write(client, &late, TEXT("from before the second commit"), mem);
    assert_false(hits(CACHE_HOUSEHOLD, 1, ""));
}

static void test_a_lost_generation_or_epoch_is_never_the_old_one_again(void **state)
{
    (void)state;
    fill(CACHE_HOUSEHOLD, 1, "old");
    order("DEL", "mm:g:h1");
    assert_false(hits(CACHE_HOUSEHOLD, 1, ""));
    fill(CACHE_HOUSEHOLD, 1, "new");
    order("DEL", "mm:epoch");
    assert_false(hits(CACHE_HOUSEHOLD, 1, ""));
    fill(CACHE_HOUSEHOLD, 1, "newest");
    assert_true(hits(CACHE_HOUSEHOLD, 1, "newest"));
}

static void test_values_expire(void **state)
{
    (void)state;
    struct err err = {0};
    struct redis_reply reply;
    struct redis_command ttl = {.argc = 2, .argv = {TEXT("TTL"), TEXT("mm:v:h1:categories")}};
    fill(CACHE_HOUSEHOLD, 1, "x");
    assert_true(redis_call(client, &ttl, 1, mem, &reply, &err));
    assert_in_range(reply.i, 1, CACHE_TTL_S);
}

static void test_slots_and_further_commands_share_one_round_trip(void **state)
{
    (void)state;
    struct err err = {0};
    struct cache_slot slots[] = {slot_of(CACHE_HOUSEHOLD, 1), slot_of(CACHE_USER, 7)};
    struct redis_command extra[] = {{.argc = 1, .argv = {TEXT("PING")}},
                                    {.argc = 2, .argv = {TEXT("ECHO"), TEXT("x")}}};
    struct redis_reply replies[2];
    fill(CACHE_USER, 7, "seven");
    assert_true(cache_read(client, slots, 2, extra, 2, replies, mem, &err));
    assert_false(slots[0].hit);
    assert_true(slots[1].hit);
    assert_text(slots[1].value, "seven");
    assert_text(replies[0].t, "PONG");
    assert_text(replies[1].t, "x");
}

static void test_what_is_too_large_is_not_kept(void **state)
{
    (void)state;
    static char large[CACHE_VALUE_MAX + 1];
    struct cache_slot slot = slot_of(CACHE_HOUSEHOLD, 1);
    read_slot(&slot);
    cache_write(client, &slot, (struct text){large, sizeof large}, mem);
    assert_false(hits(CACHE_HOUSEHOLD, 1, ""));
}

/* Last: the server is gone after it. */
static void test_without_redis_all_is_a_miss_and_nothing_is_written(void **state)
{
    (void)state;
    struct err err = {0};
    struct cache_slot slot = slot_of(CACHE_HOUSEHOLD, 1);
    fill(CACHE_HOUSEHOLD, 1, "x");
    server_kill(&server);
    slot.hit = true;
    assert_false(cache_read(client, &slot, 1, NULL, 0, NULL, mem, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_false(slot.hit);
    assert_string_equal(slot.stamp, "");
    cache_write(client, &slot, TEXT("x"), mem);
    cache_move(client, CACHE_HOUSEHOLD, 1, mem);
}

#define TEST_CASE(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_CASE(test_a_written_value_is_found_by_its_owner_only),
        TEST_CASE(test_a_move_makes_old_values_worthless),
        TEST_CASE(test_a_value_read_before_a_move_and_written_after_it_is_not_believed),
        TEST_CASE(test_a_lost_generation_or_epoch_is_never_the_old_one_again),
        TEST_CASE(test_values_expire),
        TEST_CASE(test_slots_and_further_commands_share_one_round_trip),
        TEST_CASE(test_what_is_too_large_is_not_kept),
        TEST_CASE(test_without_redis_all_is_a_miss_and_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
