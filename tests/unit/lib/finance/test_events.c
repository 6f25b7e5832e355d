#include "check.h"

#include "finance/events.h"

#define GOOD                                                                                                           \
    "{\"id\":\"01a210a3-26de-71e9-a600-922bce510106\",\"type\":\"jars.recalculate\",\"version\":1,"                    \
    "\"occurredAt\":\"2026-11-25T02:57:37.502Z\",\"householdId\":3,\"userId\":4,\"subjectId\":5,"                      \
    "\"data\":{\"fromMonth\":\"2026-10\",\"n\":7,\"no\":null,\"yes\":true},\"attempt\":2,\"firstSentAt\":null}"

static struct json_doc *parse(const char *body)
{
    struct err err = {0};
    struct json_doc *doc = json_parse(text_of(body), &err);
    assert_non_null(doc);
    return doc;
}

static void test_a_whole_event_is_read(void **state)
{
    (void)state;
    struct event e;
    struct err err = {0};
    struct json_doc *doc = parse(GOOD);
    assert_true(event_read(json_root(doc), &e, &err));
    assert_string_equal(e.id, "01a210a3-26de-71e9-a600-922bce510106");
    assert_string_equal(e.type, EVENT_JARS_RECALCULATE);
    assert_int_equal(e.household_id, 3);
    assert_int_equal(e.user_id, 4);
    assert_int_equal(e.subject_id, 5);
    assert_int_equal(e.attempt, 2);
    assert_int_equal(e.first_sent_at_ms, 0);
    assert_text(json_get_text(e.data, "fromMonth"), "2026-10");
    json_doc_free(doc);
}

static void test_what_can_never_be_processed_is_refused_for_good(void **state)
{
    (void)state;
    static const char *const BODIES[] = {
        "[]",
        "7",
        "{}",
        "{\"id\":\"x\",\"type\":\"a\",\"version\":1,\"occurredAt\":\"2026-11-25T02:57:37Z\",\"householdId\":3,\"userId\":4,\"data\":{}}",
        "{\"id\":\"01a210a3-26de-71e9-a600-922bce510106\",\"version\":1,\"occurredAt\":\"2026-11-25T02:57:37Z\",\"householdId\":3,\"userId\":4,\"data\":{}}",
        "{\"id\":\"01a210a3-26de-71e9-a600-922bce510106\",\"type\":\"a\",\"version\":2,\"occurredAt\":\"2026-11-25T02:57:37Z\",\"householdId\":3,\"userId\":4,\"data\":{}}",
        "{\"id\":\"01a210a3-26de-71e9-a600-922bce510106\",\"type\":\"a\",\"version\":1,\"occurredAt\":\"yesterday\",\"householdId\":3,\"userId\":4,\"data\":{}}",
        "{\"id\":\"01a210a3-26de-71e9-a600-922bce510106\",\"type\":\"a\",\"version\":1,\"occurredAt\":\"2026-11-25T02:57:37Z\",\"householdId\":0,\"userId\":4,\"data\":{}}",
        "{\"id\":\"01a210a3-26de-71e9-a600-922bce510106\",\"type\":\"a\",\"version\":1,\"occurredAt\":\"2026-11-25T02:57:37Z\",\"householdId\":3,\"userId\":4,\"data\":[]}",
        "{\"id\":\"01a210a3-26de-71e9-a600-922bce510106\",\"type\":\"a\",\"version\":1,\"occurredAt\":\"2026-11-25T02:57:37Z\",\"householdId\":3,\"userId\":4,\"data\":{},\"attempt\":-1}",
    };
    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        struct event e;
        struct err err = {0};
        struct json_doc *doc = parse(BODIES[i]);
        if (event_read(json_root(doc), &e, &err))
            fail_msg("accepted: %s", BODIES[i]);
        assert_int_equal(err.code, ERR_PERMANENT);
        json_doc_free(doc);
    }
}

static void test_a_copy_is_the_same_event_with_another_attempt(void **state)
{
    (void)state;
    struct err err = {0};
    struct json_doc *doc = parse(GOOD), *again;
    struct event e;
    AUTO(buf) struct buf out;
    buf_init(&out, 4096);
    assert_true(event_rewrite(json_root(doc), 3, INT64_C(1795575457502), &out, &err));
    again = json_parse(buf_view(&out), &err);
    assert_non_null(again);
    assert_true(event_read(json_root(again), &e, &err));
    assert_string_equal(e.id, "01a210a3-26de-71e9-a600-922bce510106");
    assert_int_equal(e.attempt, 3);
    assert_int_equal(e.first_sent_at_ms, INT64_C(1795575457502));
    assert_text(json_get_text(e.data, "fromMonth"), "2026-10");
    assert_int_equal(json_get_int(e.data, "n", 0), 7);
    json_doc_free(again);
    json_doc_free(doc);
}

static void test_data_that_could_not_be_copied_is_not_read(void **state)
{
    (void)state;
    static const char *const DATA[] = {"{\"a\":{\"b\":1}}", "{\"a\":[1]}", "{\"a\\\"b\":1}", "{\"\":1}"};
    for (size_t i = 0; i < ARRAY_LEN(DATA); i++) {
        char body[512];
        struct err err = {0};
        struct event e;
        snprintf(body, sizeof body,
                 "{\"id\":\"01a210a3-26de-71e9-a600-922bce510106\",\"type\":\"a\",\"version\":1,\"occurredAt\":"
                 "\"2026-11-25T02:57:37Z\",\"householdId\":3,\"userId\":4,\"data\":%s}",
                 DATA[i]);
        struct json_doc *doc = parse(body);
        assert_false(event_read(json_root(doc), &e, &err));
        assert_int_equal(err.code, ERR_PERMANENT);
        json_doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_event_is_read),
        cmocka_unit_test(test_what_can_never_be_processed_is_refused_for_good),
        cmocka_unit_test(test_a_copy_is_the_same_event_with_another_attempt),
        cmocka_unit_test(test_data_that_could_not_be_copied_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
