/* GCRA: the local limiter with a fixed clock, the Lua script in a real Redis by its own clock. */
#include "check.h"

#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "lib/service/server.h"
#include "service/rate_limit.h"

static struct server server;
static struct arena *mem;
static struct redis *client;
static struct rate_local *local;

static const struct rate_policy FIVE = {"login", 5, 60000, true};
static const struct rate_policy OPEN = {"api", 2, 60000, false};
static const int64_t NOW = INT64_C(1774664130123);

static int set_up_all(void **state)
{
    char url[128];
    struct err err = {0};
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    server_start_redis(&server);
    snprintf(url, sizeof url, "unix://%s", server.socket);
    struct redis_options opts = {
        .url = url, .pool_size = 1, .connect_timeout_ms = 500, .io_timeout_ms = 500, .pool_wait_ms = 50};
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

static int set_up(void **state)
{
    (void)state;
    local = rate_local_new(64);
    return local ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rate_local_free(local);
    arena_reset(mem);
    return 0;
}

static struct rate_verdict check_local(const char *subject, int64_t now_ms)
{
    return rate_local_check(local, &FIVE, text_of(subject), now_ms);
}

static void test_a_burst_passes_and_the_next_is_told_when_to_come(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct rate_verdict v = check_local("a", NOW);
        assert_true(v.allowed);
        assert_int_equal(v.limit, 5);
        assert_int_equal(v.remaining, 4 - i);
        assert_int_equal(v.reset_seconds, 12 * (i + 1));
    }
    struct rate_verdict v = check_local("a", NOW);
    assert_false(v.allowed);
    assert_int_equal(v.remaining, 0);
    assert_int_equal(v.retry_after_seconds, 12);
    assert_int_equal(v.reset_seconds, 60);
    assert_true(check_local("b", NOW).allowed);
}

static void test_the_bucket_refills_evenly(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        check_local("a", NOW);
    assert_false(check_local("a", NOW + 11999).allowed);
    assert_true(check_local("a", NOW + 12000).allowed);
    assert_false(check_local("a", NOW + 12000).allowed);
    int passed = 0;
    for (int64_t t = 12001; t <= 132000; t += 100)
        passed += check_local("a", NOW + t).allowed;
    assert_in_range(passed, 9, 10);
    assert_int_equal(check_local("a", NOW + 1000000).remaining, 4);
}

static void test_a_full_table_refuses_strangers_and_frees_itself(void **state)
{
    (void)state;
    char subject[16];
    int refused = 0;
    for (int i = 0; i < 200; i++) {
        snprintf(subject, sizeof subject, "s%d", i);
        refused += !check_local(subject, NOW).allowed;
    }
    assert_true(refused >= 200 - 64);
    for (int i = 0; i < 8; i++) {
        snprintf(subject, sizeof subject, "t%d", i);
        assert_true(check_local(subject, NOW + 60001).allowed);
    }
}

static void test_policies_do_not_share_a_subject(void **state)
{
    (void)state;
    struct rate_policy other = FIVE;
    other.name = "otp";
    for (int i = 0; i < 6; i++)
        check_local("a", NOW);
    assert_true(rate_local_check(local, &other, TEXT("a"), NOW).allowed);
}

static const struct rate_policy SHUTS = {"exports", 2, 60000, true, 600000};

static void test_one_too_many_shuts_for_a_while_and_then_all_is_as_before(void **state)
{
    (void)state;
    int64_t end = NOW + 600000;
    for (int i = 0; i < 2; i++)
        assert_true(rate_local_check(local, &SHUTS, TEXT("a"), NOW).allowed);
    struct rate_verdict v = rate_local_check(local, &SHUTS, TEXT("a"), NOW);
    assert_false(v.allowed);
    assert_int_equal(v.retry_after_seconds, 600);
    /* Asking again makes it no longer. */
    v = rate_local_check(local, &SHUTS, TEXT("a"), end - 1000);
    assert_false(v.allowed);
    assert_int_equal(v.retry_after_seconds, 1);
    assert_true(rate_local_check(local, &SHUTS, TEXT("b"), NOW).allowed);
    for (int i = 0; i < 2; i++)
        assert_true(rate_local_check(local, &SHUTS, TEXT("a"), end).allowed);
    assert_false(rate_local_check(local, &SHUTS, TEXT("a"), end).allowed);
}

static struct rate_verdict check(const struct rate_policy *policy, const char *subject)
{
    return rate_check(client, local, policy, text_of(subject), mem, NOW);
}

static void test_redis_counts_as_the_process_does(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct rate_verdict v = check(&FIVE, "redis");
        assert_true(v.allowed);
        assert_int_equal(v.remaining, 4 - i);
        assert_in_range(v.reset_seconds, 12 * i, 12 * (i + 1));
    }
    struct rate_verdict v = check(&FIVE, "redis");
    assert_false(v.allowed);
    assert_in_range(v.retry_after_seconds, 1, 12);
    assert_true(check(&FIVE, "another").allowed);
}

static void test_redis_refills_after_a_while(void **state)
{
    (void)state;
    static const struct rate_policy QUICK = {"quick", 2, 200, true};
    check(&QUICK, "q");
    check(&QUICK, "q");
    int64_t until = clock_monotonic_ms() + 10000;
    while (!check(&QUICK, "q").allowed && clock_monotonic_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    assert_true(clock_monotonic_ms() < until);
}

static void test_redis_shuts_as_the_process_does(void **state)
{
    (void)state;
    struct rate_policy soon = SHUTS;
    soon.block_ms = 300;
    for (int i = 0; i < 2; i++)
        assert_true(check(&SHUTS, "shut").allowed);
    assert_in_range(check(&SHUTS, "shut").retry_after_seconds, 599, 600);
    assert_in_range(check(&SHUTS, "shut").retry_after_seconds, 599, 600);
    for (int i = 0; i < 2; i++)
        assert_true(check(&soon, "soon").allowed);
    assert_false(check(&soon, "soon").allowed);
    int64_t until = clock_monotonic_ms() + 10000;
    while (!check(&soon, "soon").allowed && clock_monotonic_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    assert_true(check(&soon, "soon").allowed); /* the whole burst again, of which one is taken */
    assert_false(check(&soon, "soon").allowed);
}

static void test_no_personal_data_lies_in_redis(void **state)
{
    (void)state;
    struct redis_command cmd;
    assert_true(rate_command(&FIVE, TEXT("1.2.3.4|a@b.c"), mem, &cmd));
    assert_int_equal(cmd.argc, 7);
    assert_true(text_starts(cmd.argv[3], TEXT("mm:r:login:")));
    assert_null(memmem(cmd.argv[3].p, cmd.argv[3].n, "1.2.3.4", 7));
    assert_null(memmem(cmd.argv[3].p, cmd.argv[3].n, "a@b.c", 5));
}

static void test_an_answer_of_another_form_shuts_only_what_is_strict(void **state)
{
    (void)state;
    struct redis_reply reply = {.kind = REDIS_NIL};
    struct rate_verdict strict = rate_verdict(&FIVE, &reply);
    assert_false(strict.allowed);
    assert_true(strict.retry_after_seconds >= 1);
    assert_true(rate_verdict(&OPEN, &reply).allowed);
}

/* Last: the server is gone after it. */
static void test_without_redis_only_strict_policies_limit(void **state)
{
    (void)state;
    server_kill(&server);
    for (int i = 0; i < 5; i++)
        assert_true(check(&FIVE, "down").allowed);
    assert_false(check(&FIVE, "down").allowed);
    for (int i = 0; i < 10; i++)
        assert_true(check(&OPEN, "down").allowed);
}

#define TEST_CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_CASE(test_a_burst_passes_and_the_next_is_told_when_to_come),
        TEST_CASE(test_the_bucket_refills_evenly),
        TEST_CASE(test_a_full_table_refuses_strangers_and_frees_itself),
        TEST_CASE(test_policies_do_not_share_a_subject),
        TEST_CASE(test_one_too_many_shuts_for_a_while_and_then_all_is_as_before),
        TEST_CASE(test_redis_shuts_as_the_process_does),
        TEST_CASE(test_redis_counts_as_the_process_does),
        TEST_CASE(test_redis_refills_after_a_while),
        TEST_CASE(test_no_personal_data_lies_in_redis),
        TEST_CASE(test_an_answer_of_another_form_shuts_only_what_is_strict),
        TEST_CASE(test_without_redis_only_strict_policies_limit),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
