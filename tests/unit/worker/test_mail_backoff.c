#include "check.h"

#include "base/attr.h"
#include "mail_backoff.h"

static void check(int64_t wait, int64_t most)
{
    if (wait > most || wait < most - most / 4)
        fail_msg("%lld ms is not within a quarter below %lld ms", (long long)wait, (long long)most);
}

static void test_a_mails_own_wait_follows_the_providers_advice(void **state)
{
    (void)state;
    static const int64_t SECONDS[] = {5, 5, 10, 30, 120, 300, 1200, 1200};
    for (int64_t attempts = 0; attempts < (int64_t)ARRAY_LEN(SECONDS); attempts++)
        for (uint32_t chance = 0; chance < 256; chance++)
            check(mail_backoff_ms(attempts, chance), SECONDS[attempts] * 1000);
    check(mail_backoff_ms(INT64_MAX, 255), 1200 * 1000);
}

static void test_a_servers_trouble_of_ten_minutes_is_over_for_each_mail_within_a_minute(void **state)
{
    (void)state;
    static const struct {
        int64_t age_s, most_s;
    } ROWS[] = {{-5, 5}, {0, 5}, {200, 5}, {600, 15}, {2400, 60}, {24 * 3600, 1200}, {4 * 24 * 3600, 1200}};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        for (uint32_t chance = 0; chance < 256; chance++)
            check(mail_unclear_backoff_ms(ROWS[i].age_s * 1000, chance), ROWS[i].most_s * 1000);
}

static void test_a_dead_server_is_tried_every_few_seconds(void **state)
{
    (void)state;
    static const int64_t SECONDS[] = {1, 2, 4, 8, 15, 15};
    for (int64_t failures = 1; failures <= (int64_t)ARRAY_LEN(SECONDS); failures++)
        check(mail_server_backoff_ms(failures, 77), SECONDS[failures - 1] * 1000);
    check(mail_server_backoff_ms(1000000, 0), 15000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mails_own_wait_follows_the_providers_advice),
        cmocka_unit_test(test_a_servers_trouble_of_ten_minutes_is_over_for_each_mail_within_a_minute),
        cmocka_unit_test(test_a_dead_server_is_tried_every_few_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
