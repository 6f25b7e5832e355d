/* The Redis client against a real server: round trips, scripts, the down state and the epoch. */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "lib/service/server.h"
#include "service/redis.h"
#include "service/redis_url.h"

static struct server server;
static struct arena *mem;
static struct redis *client;
static char url[128];

static struct redis *open_client(size_t pool_size, int pool_wait_ms)
{
    struct err err = {0};
    struct redis_options opts = {.url = url,
                                 .pool_size = pool_size,
                                 .connect_timeout_ms = 500,
                                 .io_timeout_ms = 200,
                                 .pool_wait_ms = pool_wait_ms};
    struct redis *r = redis_open(&opts, &err);
    assert_non_null(r);
    return r;
}

static int set_up_all(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    server_start_redis(&server);
    snprintf(url, sizeof url, "unix://%s?db=2", server.socket);
    mem = arena_new(4096, 1 << 24);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    arena_free(mem);
    server_remove(&server);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    client = open_client(2, 50);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    redis_close(client);
    arena_reset(mem);
    return 0;
}

static struct redis_command command(const char *a, const char *b, const char *c)
{
    struct redis_command cmd = {.argv = {text_of(a), text_of(b), text_of(c)}};
    while (cmd.argc < 3 && cmd.argv[cmd.argc].p)
        cmd.argc++;
    return cmd;
}

/* Polls, since a client that is down tries once a second. */
static void wait_until_up(struct redis *r)
{
    struct err err;
    int64_t until = clock_monotonic_ms() + 10000;
    while (!redis_ping(r, NULL, &err)) {
        if (clock_monotonic_ms() > until)
            fail_msg("Redis did not come back: %s", err.cause);
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
}

static void call(const struct redis_command *commands, size_t n, struct redis_reply *replies)
{
    struct err err = {0};
    if (!redis_call(client, commands, n, mem, replies, &err))
        fail_msg("%s [%s]", err.detail, err.cause);
}

static void test_a_pipeline_brings_answers_of_each_kind(void **state)
{
    (void)state;
    struct redis_reply replies[4];
    struct redis_command commands[] = {command("SET", "k", "v\xFF"), command("INCR", "n", NULL),
                                       command("GET", "absent", NULL), command("MGET", "k", "absent")};
    call(commands, 4, replies);
    assert_text(replies[0].t, "OK");
    assert_int_equal(replies[1].kind, REDIS_INT);
    assert_int_equal(replies[1].i, 1);
    assert_int_equal(replies[2].kind, REDIS_NIL);
    assert_int_equal(replies[3].kind, REDIS_LIST);
    assert_int_equal(replies[3].count, 2);
    assert_text(replies[3].list[0].t, "v\xFF");
    assert_int_equal(replies[3].list[1].kind, REDIS_NIL);
}

static void test_a_refused_command_is_a_fault_but_keeps_the_connection(void **state)
{
    (void)state;
    struct err err = {0};
    struct redis_reply replies[2];
    struct redis_command commands[] = {command("LPUSH", "n2", "x"), command("INCR", "n2", NULL)};
    assert_false(redis_call(client, commands, 2, mem, replies, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_true(redis_is_up(client));
    struct redis_command again = command("LLEN", "n2", NULL);
    call(&again, 1, replies);
    assert_int_equal(replies[0].i, 1);
}

static void test_an_unknown_script_is_sent_whole(void **state)
{
    (void)state;
    struct redis_command flush = command("SCRIPT", "FLUSH", NULL), script;
    struct text key = TEXT("limit"), args[] = {TEXT("2"), TEXT("60000"), TEXT("0")};
    struct redis_reply replies[3];
    redis_script(&script, "gcra", 1, &key, 3, args);
    call(&flush, 1, replies);
    struct redis_command three[] = {command("PING", NULL, NULL), script, command("PING", NULL, NULL)};
    call(three, 3, replies);
    assert_text(replies[0].t, "PONG");
    assert_int_equal(replies[1].kind, REDIS_LIST);
    assert_int_equal(replies[1].list[0].i, 1);
    assert_text(replies[2].t, "PONG");
    call(&script, 1, replies);
    assert_int_equal(replies[0].list[0].i, 1);
    call(&script, 1, replies);
    assert_int_equal(replies[0].list[0].i, 0);
}

static void test_a_restart_costs_no_visible_fault_but_a_new_epoch(void **state)
{
    (void)state;
    struct redis_reply replies[1];
    struct redis_command get = command("GET", "mm:epoch", NULL), set = command("SET", "mm:epoch", "old");
    call(&set, 1, replies);
    server_restart(&server);
    call(&get, 1, replies);
    assert_int_equal(replies[0].kind, REDIS_TEXT);
    assert_int_equal(replies[0].t.n, 16);
    assert_true(redis_is_up(client));
}

static void test_a_dead_server_is_told_at_once_and_found_again(void **state)
{
    (void)state;
    struct err err = {0};
    struct redis_reply replies[1];
    struct redis_command set = command("SET", "mm:epoch", "old"), get = command("GET", "mm:epoch", NULL);
    call(&set, 1, replies);
    server_kill(&server);
    assert_false(redis_call(client, &get, 1, mem, replies, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_false(redis_is_up(client));
    /* Of two calls in a row the second comes within the second that follows the first's attempt, unless the machine
     * stalls. */
    for (int i = 0; i < 20 && !strstr(err.cause, "since the last attempt"); i++)
        assert_false(redis_call(client, &get, 1, mem, replies, &err));
    assert_non_null(strstr(err.cause, "since the last attempt"));
    server_restart(&server);
    wait_until_up(client);
    call(&get, 1, replies);
    assert_int_equal(replies[0].t.n, 16);
}

static void test_a_frozen_server_is_waited_for_only_so_long(void **state)
{
    (void)state;
    struct err err = {0};
    struct redis_reply replies[1];
    struct redis_command set = command("SET", "mm:epoch", "before"), get = command("GET", "mm:epoch", NULL);
    call(&set, 1, replies);
    server_freeze(&server);
    assert_false(redis_call(client, &get, 1, mem, replies, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    server_thaw(&server);
    wait_until_up(client);
    call(&get, 1, replies);
    assert_false(text_eq(replies[0].t, TEXT("before")));
}

static void test_a_replica_counts_as_a_lost_connection(void **state)
{
    (void)state;
    struct err err = {0};
    struct redis_reply replies[1];
    struct redis_command demote = {.argc = 3, .argv = {TEXT("REPLICAOF"), TEXT("127.0.0.1"), TEXT("1")}};
    struct redis_command promote = command("REPLICAOF", "NO", "ONE"), set = command("SET", "k", "v");
    call(&demote, 1, replies);
    assert_false(redis_call(client, &set, 1, mem, replies, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_false(redis_is_up(client));
    struct redis *other = open_client(1, 50);
    assert_true(redis_call(other, &promote, 1, mem, replies, &err));
    redis_close(other);
    wait_until_up(client);
    call(&set, 1, replies);
}

static void *call_often(void *failures)
{
    struct arena *own = arena_new(4096, 1 << 20);
    struct redis_command cmd = command("INCR", "shared", NULL);
    struct err err;
    struct redis_reply reply;
    for (int i = 0; i < 100; i++)
        if (!redis_call(client, &cmd, 1, own, &reply, &err))
            ++*(int *)failures;
    arena_free(own);
    return NULL;
}

static void test_threads_share_the_pool(void **state)
{
    (void)state;
    pthread_t threads[4];
    redis_close(client);
    client = open_client(2, 20000);
    int failures[4] = {0};
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, call_often, &failures[i]);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failures[i], 0);
    }
    struct redis_command get = command("GET", "shared", NULL);
    struct redis_reply reply;
    call(&get, 1, &reply);
    assert_text(reply.t, "400");
}

static void test_a_client_without_a_server_opens_and_refuses(void **state)
{
    (void)state;
    struct err err = {0};
    struct redis_options opts = {.url = "redis://127.0.0.1:1/0",
                                 .pool_size = 1,
                                 .connect_timeout_ms = 200,
                                 .io_timeout_ms = 200,
                                 .pool_wait_ms = 10};
    struct redis *r = redis_open(&opts, &err);
    assert_non_null(r);
    assert_false(redis_ping(r, NULL, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_int_equal(err.retry_after_seconds, 1);
    redis_close(r);
    opts.url = "http://example";
    assert_null(redis_open(&opts, &err));
    assert_int_equal(err.code, ERR_VALIDATION);
}

static void test_urls_are_read_in_all_their_forms(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *socket, *user, *password;
        int port, db;
    } CASES[] = {
        {"redis://localhost", "localhost", "", "", "", 6379, 0},
        {"redis://localhost/", "localhost", "", "", "", 6379, 0},
        {"redis://:p%40ss@cache.example:6380/3", "cache.example", "", "", "p@ss", 6380, 3},
        {"redis://me:a/b@c:1@10.0.0.1:7000/15", "10.0.0.1", "", "me", "a/b@c:1", 7000, 15},
        {"redis://[::1]:6390/1", "::1", "", "", "", 6390, 1},
        {"unix:///run/redis.sock", "", "/run/redis.sock", "", "", 0, 0},
        {"unix:///run/redis.sock?db=4", "", "/run/redis.sock", "", "", 0, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct redis_address a;
        struct err err = {0};
        if (!redis_url_parse(CASES[i].url, &a, &err))
            fail_msg("%s: %s", CASES[i].url, err.detail);
        assert_string_equal(a.host, CASES[i].host);
        assert_string_equal(a.socket, CASES[i].socket);
        assert_string_equal(a.user, CASES[i].user);
        assert_string_equal(a.password, CASES[i].password);
        assert_int_equal(a.port, CASES[i].port);
        assert_int_equal(a.db, CASES[i].db);
    }
}

static void test_bad_urls_are_refused_without_quoting_them(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      "localhost:6379",
                                      "redis://",
                                      "redis://:secret@",
                                      "redis://h:0",
                                      "redis://h:70000",
                                      "redis://h:6379/x",
                                      "redis://:secr%zz@h",
                                      "redis://[::1",
                                      "unix://relative",
                                      "unix:///s?x=1",
                                      "unix:///s?db=-1",
                                      "redis://h/1/2"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct redis_address a;
        struct err err = {0};
        if (redis_url_parse(BAD[i], &a, &err))
            fail_msg("accepted: %s", BAD[i]);
        assert_int_equal(err.code, ERR_VALIDATION);
        assert_null(strstr(err.detail, "secr"));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_pipeline_brings_answers_of_each_kind),
        TEST(test_a_refused_command_is_a_fault_but_keeps_the_connection),
        TEST(test_an_unknown_script_is_sent_whole),
        TEST(test_a_restart_costs_no_visible_fault_but_a_new_epoch),
        TEST(test_a_dead_server_is_told_at_once_and_found_again),
        TEST(test_a_frozen_server_is_waited_for_only_so_long),
        TEST(test_a_replica_counts_as_a_lost_connection),
        TEST(test_threads_share_the_pool),
        TEST(test_a_client_without_a_server_opens_and_refuses),
        cmocka_unit_test(test_urls_are_read_in_all_their_forms),
        cmocka_unit_test(test_bad_urls_are_refused_without_quoting_them),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
