#include "check.h"

#include "base/attr.h"
#include "store/otp.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_code_is_hashed_with_its_user_and_purpose),
        cmocka_unit_test(test_a_code_of_any_length_can_be_hashed),
        cmocka_unit_test(test_a_link_token_is_hashed_as_it_is),
        cmocka_unit_test(test_each_purpose_with_a_mail_names_its_template_and_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
