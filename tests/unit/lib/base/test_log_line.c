#include "check.h"

#include "base/json.h"
#include "base/log_line.h"

/* 2026-03-28, 09:15 in Vietnam */
static const int64_t AT_MS = 1774664130123;

static struct log_line line_of(enum log_level level, struct text message)
{
    return (struct log_line){
        .level = level, .at_ms = AT_MS, .thread = "req-3", .logger = "http", .request_id = "", .message = message};
}

/* The text line, in the zone of the configuration. */
static void write_line(struct buf *out, struct log_line line)
{
    struct zone *zone = zone_load("Asia/Ho_Chi_Minh");
    assert_non_null(zone);
    buf_init(out, 10000);
    log_line_text(out, &line, zone);
    zone_free(zone);
}

static void test_a_line_has_the_logs_form(void **state)
{
    (void)state;
    AUTO(buf) struct buf out;
    write_line(&out, line_of(LOG_INFO, TEXT("started")));
    assert_text(buf_view(&out), "2026-03-28 09:15:30.123 [req-3] INFO  http - started\n");
}

static void test_the_level_of_an_error_is_what_the_filter_finds(void **state)
{
    (void)state;
    AUTO(buf) struct buf out;
    write_line(&out, line_of(LOG_ERROR, TEXT("it broke")));
    assert_text(buf_view(&out), "2026-03-28 09:15:30.123 [req-3] ERROR http - it broke\n");
}

static void test_a_request_id_ends_the_line(void **state)
{
    (void)state;
    AUTO(buf) struct buf out;
    struct log_line line = line_of(LOG_WARN, TEXT("slow"));
    line.request_id = "abc";
    write_line(&out, line);
    assert_text(buf_view(&out), "2026-03-28 09:15:30.123 [req-3] WARN  http - slow request=\"abc\"\n");
}

static void test_text_can_neither_forge_a_line_nor_trip_the_filter(void **state)
{
    (void)state;
    AUTO(buf) struct buf out;
    write_line(&out, line_of(LOG_INFO, TEXT("a\nERROR b\r\tNullPointerException\x1B[31m\0\x7F\xC2\x85\u2028\xFF é")));
    assert_text(buf_view(&out),
                "2026-03-28 09:15:30.123 [req-3] INFO  http - a\\nERR\\x4fR b\\r\\tNullPointerExc\\x65ption"
                "\\x1b[31m\\x00\\x7f\\x85\\u2028\\xff é\n");
    assert_null(strstr(out.p, "ERROR"));
    assert_null(strstr(out.p, "Exception"));
}

static void test_quoted_values_stay_within_their_quotes(void **state)
{
    (void)state;
    AUTO(buf) struct buf out;
    buf_init(&out, 1000);
    log_quote(&out, "name", TEXT("a\" b=\"c\\ ERROR\n"));
    assert_text(buf_view(&out), "name=\"a\\\" b=\\\"c\\\\ ERR\\x4fR\\n\"");
    buf_reset(&out);
    log_quote(&out, "none", TEXT_NONE);
    assert_text(buf_view(&out), "none=\"\"");
}

static void test_a_json_line_reads_back_though_its_words_are_broken(void **state)
{
    (void)state;
    static const char MESSAGE[] = "an \"ERROR\"\nwith Exception ế";
    AUTO(buf) struct buf out;
    struct err err = {0};
    buf_init(&out, 10000);
    struct log_line line = line_of(LOG_INFO, text_of(MESSAGE));
    line.request_id = "abc";
    log_line_json(&out, &line);
    assert_null(strstr(out.p, "ERROR"));
    assert_null(strstr(out.p, "Exception"));
    assert_ptr_equal(strchr(out.p, '\n'), out.p + out.n - 1);
    struct json_doc *doc = json_parse(buf_view(&out), &err);
    assert_non_null(doc);
    assert_text(json_get_text(json_root(doc), "message"), MESSAGE);
    assert_text(json_get_text(json_root(doc), "level"), "INFO");
    assert_text(json_get_text(json_root(doc), "timestamp"), "2026-03-28T02:15:30.123Z");
    assert_text(json_get_text(json_root(doc), "thread"), "req-3");
    assert_text(json_get_text(json_root(doc), "logger"), "http");
    assert_text(json_get_text(json_root(doc), "requestId"), "abc");
    json_doc_free(doc);
}

static void test_a_line_needs_no_zone_and_no_names(void **state)
{
    (void)state;
    AUTO(buf) struct buf out;
    buf_init(&out, 1000);
    struct log_line line = {.level = LOG_DEBUG, .at_ms = AT_MS};
    log_line_text(&out, &line, NULL);
    assert_text(buf_view(&out), "2026-03-28 02:15:30.123 [] DEBUG  - \n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_has_the_logs_form),
        cmocka_unit_test(test_the_level_of_an_error_is_what_the_filter_finds),
        cmocka_unit_test(test_a_request_id_ends_the_line),
        cmocka_unit_test(test_text_can_neither_forge_a_line_nor_trip_the_filter),
        cmocka_unit_test(test_quoted_values_stay_within_their_quotes),
        cmocka_unit_test(test_a_json_line_reads_back_though_its_words_are_broken),
        cmocka_unit_test(test_a_line_needs_no_zone_and_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
