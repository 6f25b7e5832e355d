/* From a row of the ledger to the bytes of a mail, over a real MariaDB. */
#include "check.h"

#include <gmime/gmime.h>

#include "base/attr.h"
#include "database.h"
#include "mail_prepare.h"
#include "service/mime.h"
#include "store/otp.h"

#define EVENT "019f0000-0000-7000-8000-000000000001"

static const int64_t NOW = INT64_C(1790000000000);
static const struct config CONFIG = {
    .mail_from = "no-reply@example.com", .mail_from_name = "Money Manager", .web_base_url = "https://app.example.com"};

static struct server server;
static struct db_pool *pool;
static struct db *db;
static struct arena *mem;
static int64_t user, household;

static int start(void **state)
{
    struct err err = {0};
    (void)state;
    pool = database_start(&server, 3);
    database_user(pool, "an@example.com", &user, &household);
    db = db_take(pool, &err);
    mem = arena_new(65536, 16 * 1024 * 1024);
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

static struct mail_row row_of(const char *template_name, const char *data)
{
    return (struct mail_row){.id = 42,
                             .household_id = household,
                             .user_id = user,
                             .created_at_ms = NOW,
                             .event_id = TEXT(EVENT),
                             .recipient = TEXT("an@example.com"),
                             .template_name = text_of(template_name),
                             .language = TEXT("vi"),
                             .data = text_of(data)};
}

static enum err_code prepare(const struct mail_row *row, struct text *message, struct err *err)
{
    arena_reset(mem);
    err_clear(err);
    (void)!mail_prepare(db, &CONFIG, row, NULL, NOW, mem, message, err);
    return err->code;
}

/* The plain part of a mail, as its reader sees it; to be freed by g_free. */
static char *plain_of(struct text message)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(message.p, message.n);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *m = g_mime_parser_construct_message(parser, NULL);
    assert_non_null(m);
    GMimeObject *part = g_mime_multipart_get_part(GMIME_MULTIPART(g_mime_message_get_mime_part(m)), 0);
    char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
    g_object_unref(m);
    g_object_unref(parser);
    g_object_unref(stream);
    return text;
}

static void read_code(const char *plain, char code[7])
{
    const char *p = plain;
    while (*p && strspn(p, "0123456789") != 6)
        p += strspn(p, "0123456789") ? strspn(p, "0123456789") : 1;
    assert_true(*p);
    snprintf(code, 7, "%.6s", p);
}

static enum err_code check_code(const char *code)
{
    struct err err = {0};
    (void)!otp_check(db, user, OTP_ACTIVATE, text_of(code), NOW, mem, &err);
    return err.code;
}

/* ---- tests ---- */

static void test_the_mail_greets_its_user_by_name(void **state)
{
    (void)state;
    struct mail_row row = row_of("password_changed", "{}");
    struct text message;
    struct err err = {0};
    assert_int_equal(prepare(&row, &message, &err), ERR_NONE);
    char *plain = plain_of(message);
    assert_non_null(strstr(plain, "Nguyễn An"));
    g_free(plain);
}

static void test_someone_who_is_gone_is_not_greeted_by_name(void **state)
{
    (void)state;
    struct mail_row row = row_of("password_changed", "{}");
    struct text message;
    struct err err = {0};
    row.user_id = 987654;
    assert_int_equal(prepare(&row, &message, &err), ERR_NONE);
    char *plain = plain_of(message);
    assert_null(strstr(plain, "Nguyễn An"));
    g_free(plain);
}

static void test_a_code_is_made_with_its_mail_and_stored_as_a_hash(void **state)
{
    (void)state;
    struct mail_row row = row_of("otp_activate", "{\"purpose\":\"activate\"}");
    struct text message;
    struct err err = {0};
    char code[7], again[7];
    assert_true(otp_request(db, user, OTP_ACTIVATE, EVENT, NOW, &err));
    assert_int_equal(prepare(&row, &message, &err), ERR_NONE);
    char *plain = plain_of(message);
    read_code(plain, code);
    assert_non_null(strstr(plain, "https://app.example.com/activate?token="));
    g_free(plain);
    assert_int_equal(check_code(code), ERR_NONE);
    /* A second try of the same mail brings a code of its own, and the first one is void. */
    assert_int_equal(prepare(&row, &message, &err), ERR_NONE);
    plain = plain_of(message);
    read_code(plain, again);
    g_free(plain);
    assert_int_equal(check_code(again), ERR_NONE);
}

static void test_a_mail_whose_code_was_replaced_is_not_sent(void **state)
{
    (void)state;
    struct mail_row row = row_of("otp_activate", "{\"purpose\":\"activate\"}");
    struct text message;
    struct err err = {0};
    assert_true(otp_request(db, user, OTP_ACTIVATE, "019f0000-0000-7000-8000-000000000002", NOW, &err));
    assert_int_equal(prepare(&row, &message, &err), ERR_PERMANENT);
    assert_string_equal(err.detail, "superseded");
}

static void test_what_can_never_be_sent_says_so(void **state)
{
    (void)state;
    struct mail_row rows[8];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        rows[i] = row_of("password_changed", "{}");
    rows[0].recipient = TEXT("nobody");
    rows[1].recipient = TEXT("an@example.com\r\nBcc: x@example.com");
    rows[2].recipient = TEXT("ân@example.com");
    rows[3].recipient = TEXT("");
    rows[4].template_name = TEXT("no_such_template");
    rows[5].data = TEXT("not json");
    rows[6].template_name = TEXT("transaction_large"); /* its values are missing */
    rows[7].data = TEXT("{\"purpose\":\"unknown\"}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct text message;
        struct err err = {0};
        if (prepare(&rows[i], &message, &err) != ERR_PERMANENT)
            fail_msg("row %zu: code %d", i, err.code);
    }
}

static void test_without_the_database_it_is_tried_again(void **state)
{
    (void)state;
    struct mail_row row = row_of("password_changed", "{}");
    struct text message;
    struct err err = {0};
    server_kill(&server);
    assert_int_equal(prepare(&row, &message, &err), ERR_UNAVAILABLE);
    server_restart(&server);
    db_give(db);
    err_clear(&err);
    db = db_take(pool, &err);
    assert_non_null(db);
    assert_int_equal(prepare(&row, &message, &err), ERR_NONE);
}

static void test_codes_and_tokens_have_their_form(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        char code[8], token[64];
        mail_make_code(code);
        mail_make_token(token);
        assert_int_equal(strspn(code, "0123456789"), OTP_DIGITS);
        assert_int_equal(strlen(code), OTP_DIGITS);
        assert_true(strlen(token) >= 43);
        assert_int_equal(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                         strlen(token));
        for (const char *p = token; *p; p += strcspn(p, "0123456789")) {
            size_t run = strspn(p, "0123456789");
            assert_true(run < OTP_DIGITS);
            p += run;
            if (!*p)
                break;
        }
    }
}

static struct text prepare_with(const struct config *config, const struct mail_file *file)
{
    struct err err = {0};
    struct text message = TEXT_NONE;
    struct mail_row row = row_of("export_ready", "{\"file\":\"all-all.xlsx\"}");
    row.document_id = 7;
    arena_reset(mem);
    if (!mail_prepare(db, config, &row, file, NOW, mem, &message, &err))
        fail_msg("%s [%s]", err.detail, err.cause);
    return message;
}

static void test_a_file_too_large_for_a_mail_is_linked(void **state)
{
    (void)state;
    const struct mail_file file = {.linked = true};
    char *plain = plain_of(prepare_with(&CONFIG, &file));
    assert_non_null(strstr(plain, "https://app.example.com"));
    g_free(plain);
    struct config able = CONFIG;
    able.jwt_keys = "k:0123456789abcdef0123456789abcdef";
    able.api_base_url = "https://api.example.com";
    plain = plain_of(prepare_with(&able, &file));
    assert_non_null(strstr(plain, "https://api.example.com/api/v1.0/files/"));
    g_free(plain);
}

static void test_a_file_goes_along_with_its_name(void **state)
{
    (void)state;
    FILE *content = tmpfile();
    assert_non_null(content);
    assert_int_equal(fputs("một,hai\r\n", content) < 0, 0);
    fflush(content);
    const struct mail_file file = {
        .attached = true, .fd = fileno(content), .name = TEXT("all-all.csv"), .content_type = TEXT("text/csv")};
    struct text message = prepare_with(&CONFIG, &file);
    assert_non_null(memmem(message.p, message.n, "multipart/mixed", 15));
    assert_non_null(memmem(message.p, message.n, "filename=all-all.csv", 20));
    assert_non_null(memmem(message.p, message.n, "beG7mXQsaGFpDQo=", 16)); /* the file in base64 */
    fclose(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_mail_greets_its_user_by_name),
        cmocka_unit_test(test_someone_who_is_gone_is_not_greeted_by_name),
        cmocka_unit_test(test_a_code_is_made_with_its_mail_and_stored_as_a_hash),
        cmocka_unit_test(test_a_mail_whose_code_was_replaced_is_not_sent),
        cmocka_unit_test(test_what_can_never_be_sent_says_so),
        cmocka_unit_test(test_without_the_database_it_is_tried_again),
        cmocka_unit_test(test_a_file_too_large_for_a_mail_is_linked),
        cmocka_unit_test(test_a_file_goes_along_with_its_name),
        cmocka_unit_test(test_codes_and_tokens_have_their_form),
    };
    mime_global_init();
    return cmocka_run_group_tests(tests, start, stop);
}
