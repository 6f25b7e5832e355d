#include "check.h"

#include "views/profile.h"

static struct user_row user(void)
{
    return (struct user_row){.id = 7,
                             .email = TEXT("a@example.test"),
                             .full_name = TEXT("Nguyễn \"A\""),
                             .password_hash = TEXT("$argon2id$secret"),
                             .pending_email = TEXT("b@example.test"),
                             .status = USER_ACTIVE,
                             .created_at_ms = INT64_C(1774664130123),
                             .updated_at_ms = INT64_C(1774664130123)};
}

static void assert_json(bool pending_email, const char *tail)
{
    struct buf out;
    struct json_out j;
    struct user_row row = user();
    char expected[2048];
    buf_init(&out, 4096);
    json_out_init(&j, &out);
    profile_write_json(&j, &row, pending_email);
    snprintf(expected, sizeof(expected),
             "{\"id\":7,\"fullName\":\"Nguyễn \\\"A\\\"\",\"email\":\"a@example.test\",\"profileImageUrl\":null,"
             "\"role\":\"user\",\"createdAt\":\"2026-03-28T02:15:30.123Z\",\"updatedAt\":\"2026-03-28T02:15:30.123Z\","
             "\"subscriptionPlan\":\"PREMIUM\",\"subscriptionStatus\":\"ACTIVE\",\"subscriptionActivatedAt\":null,"
             "\"subscriptionExpiresAt\":null,\"autoRenew\":false,\"categoryLimit\":-1,\"monthlyTransactionLimit\":-1,"
             "\"historyMonths\":-1,\"jarLimit\":-1,\"canExportReports\":true,\"canUseAdvancedFilters\":true,"
             "\"canEmailReports\":true,\"canImportReceipt\":true,\"canUseDetailedAi\":true%s}",
             tail);
    assert_text(buf_view(&out), expected);
    buf_release(&out);
}

static void test_a_profile_has_every_field_of_the_contract_and_no_password(void **state)
{
    (void)state;
    assert_json(false, "");
}

static void test_a_waiting_address_is_shown_only_where_asked_for(void **state)
{
    (void)state;
    assert_json(true, ",\"pendingEmail\":\"b@example.test\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_profile_has_every_field_of_the_contract_and_no_password),
        cmocka_unit_test(test_a_waiting_address_is_shown_only_where_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
