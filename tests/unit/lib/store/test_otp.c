#include "check.h"

#include "base/attr.h"
#include "database.h"
#include "store/otp.h"

static const int64_t NOW = INT64_C(1790000000000);

enum { USER = 7 };

static struct server server;
static struct db_pool *pool;
static struct db *db;
static struct arena *mem;

static void test_a_code_is_hashed_with_its_user_and_purpose(void **state)
{
    (void)state;
    char a[OTP_HASH_TEXT], b[OTP_HASH_TEXT];
    otp_hash(TEXT("123456"), 7, OTP_ACTIVATE, a);
    /* printf '7:activate:123456' | sha256sum */
    assert_string_equal(a, "d5eefca6337147d0af22711709a72e995d8d75cf3f6cf3ec09ac25212446145b");
    otp_hash(TEXT("123457"), 7, OTP_ACTIVATE, b);
    assert_string_not_equal(a, b);
    otp_hash(TEXT("123456"), 8, OTP_ACTIVATE, b);
    assert_string_not_equal(a, b);
    otp_hash(TEXT("123456"), 7, OTP_RESET, b);
    assert_string_not_equal(a, b);
}

static void test_a_code_of_any_length_can_be_hashed(void **state)
{
    (void)state;
    char a[OTP_HASH_TEXT];
    char huge[300];
    memset(huge, '1', sizeof(huge));
    otp_hash((struct text){huge, sizeof(huge)}, INT64_MAX, OTP_ACTIVATE, a);
    assert_int_equal(strlen(a), OTP_HASH_TEXT - 1);
    otp_hash(TEXT_NONE, 1, OTP_ACTIVATE, a);
    assert_int_equal(strlen(a), OTP_HASH_TEXT - 1);
}

static void test_a_link_token_is_hashed_as_it_is(void **state)
{
    (void)state;
    char a[OTP_HASH_TEXT];
    otp_link_hash(TEXT("abc"), a);
    assert_string_equal(a, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_each_purpose_with_a_mail_names_its_template_and_link(void **state)
{
    (void)state;
    static const struct {
        const char *name, *template_name, *link;
        bool to_new_address;
    } CASES[] = {{OTP_ACTIVATE, "otp_activate", "/activate?token=", false},
                 {OTP_RESET, "otp_reset", "/reset-password?token=", false},
                 {OTP_EMAIL, "email_change", "/activate?token=", true}};
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const struct otp_purpose *row = otp_purpose_find(text_of(CASES[i].name));
        assert_non_null(row);
        assert_string_equal(row->template_name, CASES[i].template_name);
        assert_string_equal(row->link_path, CASES[i].link);
        assert_int_equal(row->to_new_address, CASES[i].to_new_address);
        assert_true(row->link_life_ms > OTP_LIFE_MS);
    }
    assert_null(otp_purpose_find(TEXT(OTP_NOTICE)));
    assert_null(otp_purpose_find(TEXT("activat")));
    assert_null(otp_purpose_find(TEXT_NONE));
}

/* ---- over a real MariaDB ---- */

static int start(void **state)
{
    struct err err = {0};
    (void)state;
    pool = database_start(&server, 2);
    db = db_take(pool, &err);
    mem = arena_new(65536, 1024 * 1024);
    return db && mem ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    db_give(db);
    arena_free(mem);
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    database_run(pool, "DELETE FROM otp_codes");
    return 0;
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s [%s]", err->detail, err->cause);
}

static void request(const char *event, int64_t at_ms)
{
    struct err err = {0};
    must(otp_request(db, USER, OTP_ACTIVATE, event, at_ms, &err), &err);
}

/* ERR_NONE when it was stored. */
static enum err_code store(const char *event, const char *code, const char *token, int64_t at_ms)
{
    char code_hash[OTP_HASH_TEXT], link_hash[OTP_HASH_TEXT];
    struct err err = {0};
    otp_hash(text_of(code), USER, OTP_ACTIVATE, code_hash);
    otp_link_hash(text_of(token), link_hash);
    (void)!otp_store_code(db, USER, OTP_ACTIVATE, event, code_hash, link_hash, at_ms, &err);
    return err.code;
}

static enum err_code check(const char *code, int64_t at_ms)
{
    struct err err = {0};
    (void)!otp_check(db, USER, OTP_ACTIVATE, text_of(code), at_ms, mem, &err);
    return err.code;
}

static enum err_code use(const char *code, int64_t at_ms)
{
    char hash[OTP_HASH_TEXT];
    struct err err = {0};
    otp_hash(text_of(code), USER, OTP_ACTIVATE, hash);
    (void)!otp_use(db, USER, OTP_ACTIVATE, hash, at_ms, &err);
    return err.code;
}

static enum err_code find_link(const char *token)
{
    char hash[OTP_HASH_TEXT];
    struct otp_link link;
    struct err err = {0};
    otp_link_hash(text_of(token), hash);
    (void)!otp_find_link(db, hash, mem, &link, &err);
    return err.code;
}

static void test_a_code_comes_with_its_mail_and_lives_for_its_time(void **state)
{
    (void)state;
    request("e1", NOW);
    assert_int_equal(check("123456", NOW), ERR_WRONG_CODE);
    assert_int_equal(store("e1", "123456", "token", NOW + 1000), ERR_NONE);
    assert_int_equal(check("123456", NOW + 1000), ERR_NONE);
    assert_int_equal(check("123456", NOW + 1000 + OTP_LIFE_MS - 1), ERR_NONE);
    assert_int_equal(check("123456", NOW + 1000 + OTP_LIFE_MS), ERR_WRONG_CODE);
    assert_int_equal(find_link("token"), ERR_NONE);
}

static void test_a_newer_request_voids_an_older_mail(void **state)
{
    (void)state;
    request("e1", NOW);
    assert_int_equal(store("e1", "111111", "one", NOW), ERR_NONE);
    request("e2", NOW + 1);
    assert_int_equal(check("111111", NOW + 1), ERR_WRONG_CODE);
    assert_int_equal(find_link("one"), ERR_NOT_FOUND);
    /* The older mail may still be in the ledger: it finds out when it is prepared. */
    assert_int_equal(store("e1", "111111", "one", NOW + 2), ERR_NOT_FOUND);
    assert_int_equal(store("e2", "222222", "two", NOW + 2), ERR_NONE);
    assert_int_equal(check("222222", NOW + 2), ERR_NONE);
}

static void test_wrong_tries_use_a_code_up_and_right_ones_do_not(void **state)
{
    (void)state;
    request("e1", NOW);
    assert_int_equal(store("e1", "123456", "token", NOW), ERR_NONE);
    for (int i = 0; i < 2 * OTP_TRIES; i++)
        assert_int_equal(check("123456", NOW), ERR_NONE);
    for (int i = 0; i < OTP_TRIES; i++)
        assert_int_equal(check("654321", NOW), ERR_WRONG_CODE);
    assert_int_equal(check("123456", NOW), ERR_WRONG_CODE);
    /* A mail that is sent again brings a new code with all its tries. */
    assert_int_equal(store("e1", "777777", "again", NOW), ERR_NONE);
    assert_int_equal(check("777777", NOW), ERR_NONE);
    assert_int_equal(find_link("token"), ERR_NOT_FOUND);
}

static void test_a_code_is_used_once(void **state)
{
    (void)state;
    request("e1", NOW);
    assert_int_equal(store("e1", "123456", "token", NOW), ERR_NONE);
    assert_int_equal(use("654321", NOW), ERR_WRONG_CODE);
    assert_int_equal(use("123456", NOW), ERR_NONE);
    assert_int_equal(use("123456", NOW), ERR_WRONG_CODE);
    assert_int_equal(check("123456", NOW), ERR_WRONG_CODE);
    assert_int_equal(store("e1", "777777", "again", NOW), ERR_NOT_FOUND);
}

static void test_between_two_requests_there_is_a_pause(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t wait_ms = -1;
    must(otp_wait(db, USER, OTP_ACTIVATE, NOW, &wait_ms, &err), &err);
    assert_int_equal(wait_ms, 0);
    request("e1", NOW);
    must(otp_wait(db, USER, OTP_ACTIVATE, NOW + 1000, &wait_ms, &err), &err);
    assert_int_equal(wait_ms, OTP_PAUSE_MS - 1000);
    must(otp_wait(db, USER, OTP_ACTIVATE, NOW + OTP_PAUSE_MS, &wait_ms, &err), &err);
    assert_int_equal(wait_ms, 0);
}

static void test_a_voided_code_is_worth_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    request("e1", NOW);
    assert_int_equal(store("e1", "123456", "token", NOW), ERR_NONE);
    must(otp_void(db, USER, OTP_ACTIVATE, NOW, &err), &err);
    assert_int_equal(check("123456", NOW), ERR_WRONG_CODE);
    assert_int_equal(use("123456", NOW), ERR_WRONG_CODE);
    assert_int_equal(find_link("token"), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_code_is_hashed_with_its_user_and_purpose),
        cmocka_unit_test(test_a_code_of_any_length_can_be_hashed),
        cmocka_unit_test(test_a_link_token_is_hashed_as_it_is),
        cmocka_unit_test(test_each_purpose_with_a_mail_names_its_template_and_link),
        cmocka_unit_test_setup(test_a_code_comes_with_its_mail_and_lives_for_its_time, fresh),
        cmocka_unit_test_setup(test_a_newer_request_voids_an_older_mail, fresh),
        cmocka_unit_test_setup(test_wrong_tries_use_a_code_up_and_right_ones_do_not, fresh),
        cmocka_unit_test_setup(test_a_code_is_used_once, fresh),
        cmocka_unit_test_setup(test_between_two_requests_there_is_a_pause, fresh),
        cmocka_unit_test_setup(test_a_voided_code_is_worth_nothing, fresh),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
