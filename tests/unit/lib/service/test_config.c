#include "check.h"

#include <stdlib.h>

#include "service/config.h"

static const struct {
    const char *name, *value;
} GOOD[] = {
    {"DB_SOCKET", "/run/db.sock"},
    {"DB_NAME", "money"},
    {"DB_USER", "money"},
    {"REDIS_URL", "redis://:pw@localhost:6379/0"},
    {"AWS_REGION", "ap-southeast-1"},
    {"SQS_QUEUE_URL", "http://127.0.0.1:4566/000000000000/moneymanager-async-jobs"},
    {"SMTP_HOST", "localhost"},
    {"SMTP_PORT", "587"},
    {"MAIL_FROM", "no-reply@example.com"},
    {"JWT_KEYS", "k1:0123456789abcdef0123456789abcdef"},
    {"WEB_ORIGINS", "http://localhost:5173, https://app.example.com"},
    {"WEB_BASE_URL", "https://app.example.com"},
};

static int set_up(void **state)
{
    (void)state;
    clearenv();
    setenv("PATH", "/usr/bin:/bin", 1);
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++)
        setenv(GOOD[i].name, GOOD[i].value, 1);
    return 0;
}

/* The faults as one text; "" when all is well. The caller frees it. */
static char *faults_of(enum program program, struct config *cfg)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool ok = config_load(cfg, program, out);
    fclose(out);
    assert_int_equal(ok, size == 0);
    return text;
}

static void assert_fault(const char *name, const char *value, const char *expected)
{
    struct config cfg;
    set_up(NULL);
    setenv(name, value, 1);
    char *faults = faults_of(PROGRAM_API, &cfg);
    if (!strstr(faults, expected) || strncmp(faults, name, strlen(name)) != 0)
        fail_msg("%s=%s gave: %s", name, value, faults);
    free(faults);
    assert_null(cfg.zone);
}

static void test_defaults_fill_what_is_not_set(void **state)
{
    (void)state;
    struct config cfg;
    char *faults = faults_of(PROGRAM_API, &cfg);
    assert_string_equal(faults, "");
    free(faults);
    assert_string_equal(cfg.db_socket, "/run/db.sock");
    assert_null(cfg.db_host);
    assert_int_equal(cfg.db_port, 3306);
    assert_int_equal(cfg.api_threads, 8);
    assert_string_equal(cfg.currency->code, "VND");
    assert_int_equal(cfg.large_transaction_amount, 5000000);
    assert_int_equal(cfg.rate_sign_in_per_minute, 5);
    assert_int_equal(cfg.rate_api_per_minute, 3000);
    assert_int_equal(cfg.log_level, LOG_INFO);
    assert_false(cfg.log_json);
    assert_non_null(cfg.zone);
    config_release(&cfg);
}

static void test_an_empty_value_is_one_that_is_not_set(void **state)
{
    (void)state;
    struct config cfg;
    setenv("DB_PORT", "", 1);
    setenv("WEB_BASE_URL", "", 1);
    char *faults = faults_of(PROGRAM_API, &cfg);
    assert_string_equal(faults, "WEB_BASE_URL: is not set\n");
    free(faults);
}

static void test_each_program_asks_for_its_own_settings(void **state)
{
    (void)state;
    struct config cfg;
    clearenv();
    char *api = faults_of(PROGRAM_API, &cfg), *worker = faults_of(PROGRAM_WORKER, &cfg);
    static const char *const BOTH[] = {"DB_NAME",    "DB_USER",       "DB_HOST",     "REDIS_URL",
                                       "AWS_REGION", "SQS_QUEUE_URL", "WEB_BASE_URL"};
    static const char *const ONLY_API[] = {"JWT_KEYS", "WEB_ORIGINS"};
    static const char *const ONLY_WORKER[] = {"SMTP_HOST", "SMTP_PORT", "MAIL_FROM"};
    for (size_t i = 0; i < 7; i++)
        assert_true(strstr(api, BOTH[i]) && strstr(worker, BOTH[i]));
    for (size_t i = 0; i < 2; i++)
        assert_true(strstr(api, ONLY_API[i]) && !strstr(worker, ONLY_API[i]));
    for (size_t i = 0; i < 3; i++)
        assert_true(!strstr(api, ONLY_WORKER[i]) && strstr(worker, ONLY_WORKER[i]));
    free(api);
    free(worker);
}

static void test_each_bad_value_is_told_with_its_name(void **state)
{
    (void)state;
    assert_fault("DB_PORT", "x", "whole number from 1 to 65535");
    assert_fault("DB_PORT", "65536", "whole number from 1 to 65535");
    assert_fault("API_THREADS", "0", "from 1 to 256");
    assert_fault("APP_TIMEZONE", "Mars/Olympus", "time zone");
    assert_fault("APP_TIMEZONE", "../../etc/passwd", "time zone");
    assert_fault("APP_CURRENCY", "XXX1", "currency");
    assert_fault("LARGE_TRANSACTION_AMOUNT", "1e6", "positive amount in VND");
    assert_fault("LARGE_TRANSACTION_AMOUNT", "0", "positive amount in VND");
    assert_fault("REDIS_URL", "localhost", "redis://");
    assert_fault("SQS_QUEUE_URL", "queue", "http://");
    assert_fault("WEB_BASE_URL", "ftp://x", "http://");
    assert_fault("WEB_ORIGINS", "*", "comma list of origins");
    assert_fault("WEB_ORIGINS", "https://app.example.com/", "comma list of origins");
    assert_fault("MAIL_FROM", "nobody", "mail address");
    assert_fault("LOG_LEVEL", "loud", "debug, info, warn or error");
    assert_fault("LOG_FORMAT", "xml", "text or json");
    assert_fault("DB_NAME", "a\nb", "control characters");
    assert_fault("SMTP_USER", "me", "SMTP_PASSWORD");
}

static void test_faults_are_told_together_and_without_secrets(void **state)
{
    (void)state;
    struct config cfg;
    setenv("JWT_KEYS", "k1:tooshortsecret", 1);
    setenv("REDIS_URL", "redis://:hiddenpassword@", 1);
    setenv("DB_PORT", "-1", 1);
    setenv("APP_TIMEZONE", "Nowhere", 1);
    char *faults = faults_of(PROGRAM_API, &cfg);
    int lines = 0;
    for (const char *p = faults; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, 4);
    assert_null(strstr(faults, "tooshort"));
    assert_null(strstr(faults, "hidden"));
    free(faults);
}

static void test_an_amount_is_read_in_the_currency(void **state)
{
    (void)state;
    struct config cfg;
    setenv("APP_CURRENCY", "USD", 1);
    setenv("LARGE_TRANSACTION_AMOUNT", "250.50", 1);
    char *faults = faults_of(PROGRAM_WORKER, &cfg);
    assert_string_equal(faults, "");
    free(faults);
    assert_int_equal(cfg.large_transaction_amount, 25050);
    config_release(&cfg);
}

static void test_an_origin_must_be_listed_exactly(void **state)
{
    (void)state;
    struct config cfg = {.web_origins = "http://localhost:5173, https://app.example.com"};
    assert_true(config_origin_allowed(&cfg, TEXT("http://localhost:5173")));
    assert_true(config_origin_allowed(&cfg, TEXT("https://app.example.com")));
    assert_false(config_origin_allowed(&cfg, TEXT("https://app.example.com.evil.com")));
    assert_false(config_origin_allowed(&cfg, TEXT("http://app.example.com")));
    assert_false(config_origin_allowed(&cfg, TEXT("https://APP.example.com")));
    assert_false(config_origin_allowed(&cfg, TEXT("null")));
    assert_false(config_origin_allowed(&cfg, TEXT("")));
    assert_false(config_origin_allowed(&cfg, TEXT_NONE));
    cfg.web_origins = NULL;
    assert_false(config_origin_allowed(&cfg, TEXT("http://localhost:5173")));
}

#define TEST_CASE(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_CASE(test_defaults_fill_what_is_not_set),
        TEST_CASE(test_an_empty_value_is_one_that_is_not_set),
        TEST_CASE(test_each_program_asks_for_its_own_settings),
        TEST_CASE(test_each_bad_value_is_told_with_its_name),
        TEST_CASE(test_faults_are_told_together_and_without_secrets),
        TEST_CASE(test_an_amount_is_read_in_the_currency),
        TEST_CASE(test_an_origin_must_be_listed_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
