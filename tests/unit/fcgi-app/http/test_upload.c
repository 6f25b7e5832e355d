/* A file and its text fields, read from memory as the dispatcher reads them. */
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "http/upload.h"

struct form {
    struct text kind;
    int64_t transaction_id;
};

static const struct field FIELDS[] = {
    FIELD_TEXT("kind", struct form, kind, 0, 1, 20),
    FIELD_ID("transactionId", struct form, transaction_id, 0),
    FIELD_END,
};
static const struct upload_def DEF = {
    .fields = FIELDS, .size = sizeof(struct form), .strict = true, .max_bytes = 1000, .types = MEDIA_IMAGES};
static const struct route ROUTE = {.upload = &DEF};

struct fixture {
    struct app app;
    struct exchange x;
    struct buf body;
    size_t at;
    char length[32];
};

static size_t read_body(void *from, char *out, size_t n)
{
    struct fixture *f = from;
    size_t part = f->body.n - f->at < n ? f->body.n - f->at : n;
    memcpy(out, f->body.p + f->at, part);
    f->at += part;
    return part;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err = {0};
    f->app.config.spool_dir = "/tmp";
    f->app.config.currency = currency_find(TEXT("VND"));
    assert_true(exchange_init(&f->x, &f->app, &err));
    f->x.in.read_body = read_body;
    f->x.in.from = f;
    buf_init(&f->body, 1 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    exchange_release(&f->x);
    buf_release(&f->body);
    free(f);
    return 0;
}

static void field(struct fixture *f, const char *name, const char *value)
{
    buf_printf(&f->body, "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", name, value);
}

static void file(struct fixture *f, const char *name, const char *bytes)
{
    buf_printf(&f->body, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n\r\n%s\r\n", name,
               bytes);
}

static void start(struct fixture *f)
{
    exchange_reset(&f->x);
    buf_reset(&f->body);
    f->at = 0;
}

/* missing: bytes that are announced and never come. */
static bool send(struct fixture *f, size_t missing, struct err *err)
{
    buf_str(&f->body, "--b--\r\n");
    snprintf(f->length, sizeof(f->length), "%zu", f->body.n + missing);
    f->x.call = (struct call){.app = &f->app, .route = &ROUTE};
    f->x.in.params =
        (struct params){.content_type = TEXT("multipart/form-data; boundary=b"), .content_length = text_of(f->length)};
    return upload_check(&f->x, err) && upload_read(&f->x, err);
}

#define PICTURE "\x89PNG\r\n\x1a\n and the rest"

static void test_a_file_is_spooled_hashed_and_known_by_its_bytes(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    char bytes[64];
    start(f);
    field(f, "kind", "ảnh & + =%20");
    file(f, "dir/nhà.png", PICTURE);
    field(f, "transactionId", "7");
    if (!send(f, 0, &err))
        fail_msg("%s", err.detail);
    const struct upload *up = f->x.call.upload;
    const struct form *form = f->x.call.body;
    assert_text(form->kind, "ảnh & + =%20");
    assert_int_equal(form->transaction_id, 7);
    assert_text(up->name, "nhà.png");
    assert_int_equal(up->type, MEDIA_PNG);
    assert_int_equal(up->size, strlen(PICTURE));
    assert_int_equal(pread(up->fd, bytes, sizeof(bytes), 0), strlen(PICTURE));
    assert_memory_equal(bytes, PICTURE, strlen(PICTURE));
    char hash[DIGEST_TEXT];
    digest_hex(TEXT(PICTURE), hash);
    assert_string_equal(up->sha256, hash);
}

static void test_equal_uploads_are_known_as_equal(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    char *first = NULL;
    for (int i = 0; i < 3; i++) {
        start(f);
        field(f, "kind", "a");
        file(f, "a.png", i < 2 ? PICTURE : PICTURE "!");
        assert_true(send(f, 0, &err));
        if (i == 0)
            first = strndup(f->x.raw_body.p, f->x.raw_body.n);
        else
            assert_int_equal(text_eq(f->x.raw_body, text_of(first)), i == 1);
    }
    free(first);
}

static void assert_fault(struct fixture *f, enum err_code code, const char *field_name)
{
    struct err err = {0};
    assert_false(send(f, 0, &err));
    assert_int_equal(err.code, code);
    if (!field_name)
        return;
    for (size_t i = 0; i < err.field_count; i++)
        if (strcmp(err.fields[i].name, field_name) == 0)
            return;
    fail_msg("%s is not among the faults", field_name);
}

static void test_bad_forms_are_told_by_field(void **state)
{
    struct fixture *f = *state;
    start(f);
    field(f, "kind", "a");
    assert_fault(f, ERR_VALIDATION, "file");
    start(f);
    file(f, "a.png", "");
    field(f, "transactionId", "x");
    assert_fault(f, ERR_VALIDATION, "file");
    start(f);
    file(f, "a.png", "");
    field(f, "transactionId", "x");
    assert_fault(f, ERR_VALIDATION, "transactionId");
    start(f);
    file(f, "a.png", PICTURE);
    file(f, "b.png", PICTURE);
    assert_fault(f, ERR_VALIDATION, "file");
    start(f);
    file(f, "a.png", PICTURE);
    field(f, "other", "1");
    assert_fault(f, ERR_VALIDATION, "other");
    start(f);
    file(f, "a.png", "#!/bin/sh");
    assert_fault(f, ERR_UNSUPPORTED_MEDIA_TYPE, NULL);
}

static void test_sizes_are_held(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    char big[1024] = PICTURE;
    memset(big + strlen(PICTURE), 'x', sizeof(big) - strlen(PICTURE) - 1);
    start(f);
    file(f, "a.png", big);
    assert_fault(f, ERR_PAYLOAD_TOO_LARGE, NULL);
    /* Refused by what is announced: nothing was read. */
    start(f);
    assert_false(send(f, 2000 + UPLOAD_FRAME_MAX, &err));
    assert_int_equal(err.code, ERR_PAYLOAD_TOO_LARGE);
    assert_int_equal(f->at, 0);
    big[1000] = '\0';
    start(f);
    file(f, "a.png", big);
    assert_true(send(f, 0, &err));
    assert_int_equal(f->x.call.upload->size, 1000);
}

static void test_a_cut_body_and_another_type_are_refused(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    start(f);
    file(f, "a.png", PICTURE);
    assert_false(send(f, 1, &err));
    assert_int_equal(err.code, ERR_BAD_REQUEST);
    start(f);
    f->x.call = (struct call){.app = &f->app, .route = &ROUTE};
    f->x.in.params = (struct params){.content_type = TEXT("application/json"), .content_length = TEXT("2")};
    assert_false(upload_check(&f->x, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED_MEDIA_TYPE);
}

static void test_without_room_for_the_spool_the_answer_is_503(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    f->app.config.spool_dir = "/proc/nowhere";
    start(f);
    file(f, "a.png", PICTURE);
    assert_false(send(f, 0, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
}

static void test_names_are_cleaned(void **state)
{
    struct fixture *f = *state;
    char longest[400];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 254, "\xE1\xBA\xA3", 3);
    static const struct {
        const char *sent, *kept;
    } ROWS[] = {
        {"a.png", "a.png"},
        {"../../etc/passwd", "passwd"},
        {"C:\\Users\\me\\bill.pdf", "bill.pdf"},
        {"..", "file"},
        {"dir/", "file"},
        {"a\r\nSet-Cookie: b", "aSet-Cookie: b"},
        {"\xFF\xFE"
         "a\x01.png",
         "a.png"},
        {"  b .png ", "b .png"},
        {"hoá đơn \"5\".pdf", "hoá đơn \"5\".pdf"},
        {"\xE2\x80\xAE"
         "gpj.exe",
         "gpj.exe"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        assert_text(upload_clean_name(text_of(ROWS[i].sent), f->x.mem), ROWS[i].kept);
    assert_text(upload_clean_name(TEXT_NONE, f->x.mem), "file");
    assert_int_equal(upload_clean_name((struct text){longest, sizeof(longest)}, f->x.mem).n, 254);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_is_spooled_hashed_and_known_by_its_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_equal_uploads_are_known_as_equal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_forms_are_told_by_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes_are_held, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cut_body_and_another_type_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_room_for_the_spool_the_answer_is_503, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_are_cleaned, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
