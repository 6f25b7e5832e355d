#include "check.h"

#include "base/err.h"

static void test_each_code_has_its_own_row_and_name(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_CODE_COUNT; i++) {
        const struct err_row *row = err_row((enum err_code)i);
        assert_int_equal(row->code, i);
        assert_non_null(row->name);
        assert_true(row->message[0] && row->title[0]);
        assert_true(text_is_utf8(text_of(row->message)));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(row->name, err_row((enum err_code)j)->name);
    }
}

static void test_statuses_are_those_of_the_contract(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        int status;
        const char *name;
    } CASES[] = {
        {ERR_NOT_FOUND, 404, "not_found"},
        {ERR_VALIDATION, 422, "validation_failed"},
        {ERR_MALFORMED_JSON, 400, "malformed_json"},
        {ERR_UNAUTHORIZED, 401, "unauthorized"},
        {ERR_INVALID_CREDENTIALS, 400, "invalid_credentials"},
        {ERR_NOT_ACTIVATED, 403, "not_activated"},
        {ERR_VERSION_CONFLICT, 412, "version_conflict"},
        {ERR_IDEMPOTENCY_MISMATCH, 422, "idempotency_mismatch"},
        {ERR_INSUFFICIENT_BALANCE, 409, "insufficient_balance"},
        {ERR_RATE_LIMITED, 429, "rate_limited"},
        {ERR_UNAVAILABLE, 503, "unavailable"},
        {ERR_PAYLOAD_TOO_LARGE, 413, "payload_too_large"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_int_equal(err_row(CASES[i].code)->status, CASES[i].status);
        assert_string_equal(err_row(CASES[i].code)->name, CASES[i].name);
    }
}

static void test_an_unknown_code_is_our_own_fault(void **state)
{
    (void)state;
    assert_int_equal(err_row((enum err_code)999)->code, ERR_INTERNAL);
    assert_int_equal(err_row((enum err_code) - 1)->code, ERR_INTERNAL);
}

static void test_setting_an_error_clears_what_was_there(void **state)
{
    (void)state;
    struct err err = {0};
    err_field(&err, "amount", "Phải lớn hơn 0");
    err_cause(&err, "cause");
    assert_false(err_set(&err, ERR_NOT_FOUND, "There is no jar %d", 7));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.detail, "There is no jar 7");
    assert_string_equal(err.cause, "");
    assert_int_equal(err.field_count, 0);
}

static void test_the_detail_may_be_made_from_the_old_detail(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_INTERNAL, "inner");
    err_set(&err, ERR_UNAVAILABLE, "outer: %s", err.detail);
    assert_string_equal(err.detail, "outer: inner");
}

static void test_bad_fields_gather_up_to_the_limit(void **state)
{
    (void)state;
    struct err err = {0};
    for (int i = 0; i < ERR_FIELDS_MAX + 5; i++)
        assert_false(err_field(&err, "name", "fault %d", i));
    assert_int_equal(err.code, ERR_VALIDATION);
    assert_int_equal(err.field_count, ERR_FIELDS_MAX);
    assert_string_equal(err.fields[ERR_FIELDS_MAX - 1].text, "fault 31");
}

static void test_texts_that_are_cut_stay_utf8(void **state)
{
    (void)state;
    struct err err = {0};
    char longest[1024];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(longest, 'x', sizeof(longest));
        for (size_t at = shift; at + 4 < sizeof(longest); at += 4)
            memcpy(longest + at, "🍜", 4);
        longest[sizeof(longest) - 1] = '\0';
        longest[sizeof(longest) - 4] = '\0';
        err_set(&err, ERR_INTERNAL, "%s", longest);
        err_cause(&err, "%s", longest);
        assert_true(text_is_utf8(text_of(err.detail)));
        assert_true(text_is_utf8(text_of(err.cause)));
        assert_true(strlen(err.detail) > sizeof(err.detail) - 5);
        err_field(&err, longest, "%s", longest);
        assert_true(text_is_utf8(text_of(err.fields[0].name)));
        assert_true(text_is_utf8(text_of(err.fields[0].text)));
    }
}

static void test_only_faults_that_may_pass_are_transient(void **state)
{
    (void)state;
    static const enum err_code TRANSIENT[] = {ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_DEADLOCK, ERR_NO_MEMORY};
    static const enum err_code LASTING[] = {ERR_VALIDATION, ERR_NOT_FOUND, ERR_PERMANENT, ERR_INTERNAL, ERR_DUPLICATE};
    for (size_t i = 0; i < ARRAY_LEN(TRANSIENT); i++)
        assert_true(err_is_transient(&(struct err){.code = TRANSIENT[i]}));
    for (size_t i = 0; i < ARRAY_LEN(LASTING); i++)
        assert_false(err_is_transient(&(struct err){.code = LASTING[i]}));
}

static void test_no_error_struct_is_needed(void **state)
{
    (void)state;
    assert_false(err_set(NULL, ERR_INTERNAL, "nobody listens"));
    assert_false(err_cause(NULL, "nobody listens"));
    assert_false(err_field(NULL, "name", "nobody listens"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_code_has_its_own_row_and_name),
        cmocka_unit_test(test_statuses_are_those_of_the_contract),
        cmocka_unit_test(test_an_unknown_code_is_our_own_fault),
        cmocka_unit_test(test_setting_an_error_clears_what_was_there),
        cmocka_unit_test(test_the_detail_may_be_made_from_the_old_detail),
        cmocka_unit_test(test_bad_fields_gather_up_to_the_limit),
        cmocka_unit_test(test_texts_that_are_cut_stay_utf8),
        cmocka_unit_test(test_only_faults_that_may_pass_are_transient),
        cmocka_unit_test(test_no_error_struct_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
