/* CSV, spreadsheets and PDF as they are written to a file. What a spreadsheet says is read back by another program in
 * the API tests. */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "service/csv_out.h"
#include "service/pdf.h"
#include "service/sheet.h"
#include "service/spool.h"

/* What fontconfig knows of fonts it keeps until the end, under addresses that the sanitizer cannot follow. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

static const struct config CONFIG = {.spool_dir = "/tmp"};
static char content[256 * 1024];
static int fd;

static int set_up(void **state)
{
    struct err err = {0};
    (void)state;
    fd = spool_open(&CONFIG, &err);
    return fd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    close(fd);
    return 0;
}

static size_t read_all(void)
{
    ssize_t n = pread(fd, content, sizeof(content) - 1, 0);
    assert_true(n >= 0);
    content[n] = '\0';
    return (size_t)n;
}

/* A device that has no room, instead of the file. */
static void use_full_device(void)
{
    close(fd);
    fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
}

/* ---- the spool ---- */

static void test_a_file_is_measured(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t size;
    char sha256[DIGEST_TEXT];
    assert_true(spool_write(fd, "abc", 3, &err));
    assert_true(spool_measure(fd, &size, sha256, &err));
    assert_int_equal(size, 3);
    assert_string_equal(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_a_spool_without_room_or_place_is_unavailable(void **state)
{
    (void)state;
    struct err err = {0};
    const struct config nowhere = {.spool_dir = "/nonexistent"};
    assert_int_equal(spool_open(&nowhere, &err), -1);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    use_full_device();
    assert_false(spool_write(fd, "abc", 3, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
}

/* ---- CSV ---- */

static void test_csv_quotes_and_neutralises(void **state)
{
    (void)state;
    struct err err = {0};
    struct csv_out c;
    csv_begin(&c, fd);
    csv_text(&c, TEXT("Phở, bò"));
    csv_text(&c, TEXT("nói \"ngon\""));
    csv_text(&c, TEXT("hai\ndòng"));
    csv_plain(&c, TEXT("-12.50"));
    assert_true(csv_row_end(&c, &err));
    csv_text(&c, TEXT("=cmd|' /C calc'!A0"));
    csv_text(&c, TEXT_NONE);
    csv_text(&c, TEXT("+1,2"));
    assert_true(csv_row_end(&c, &err));
    assert_true(csv_end(&c, true, &err));
    read_all();
    assert_string_equal(content, "\xEF\xBB\xBF\"Phở, bò\",\"nói \"\"ngon\"\"\",\"hai\ndòng\",-12.50\r\n"
                                 "'=cmd|' /C calc'!A0,,\"'+1,2\"\r\n");
}

static void test_csv_without_room_is_unavailable(void **state)
{
    (void)state;
    struct err err = {0};
    struct csv_out c;
    use_full_device();
    csv_begin(&c, fd);
    assert_true(csv_row_end(&c, &err));
    assert_false(csv_end(&c, true, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
}

/* ---- spreadsheets ---- */

static struct book *open_book(const char *tmp_dir)
{
    struct err err = {0};
    const struct book_options opts = {
        .fd = fd, .tmp_dir = tmp_dir, .currency = currency_find(TEXT("VND")), .title = "Thử"};
    struct book *book = book_open(&opts, &err);
    assert_non_null(book);
    return book;
}

static const struct sheet_column COLUMNS[] = {{"Tên", 20}, {"Số tiền", 12}};

static void test_a_book_is_a_zip_with_its_sheets(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(book) struct book *book = open_book("/tmp");
    assert_true(book_sheet(book, "03-2026", COLUMNS, 2, &err));
    const struct cell row[] = {{.kind = CELL_TEXT, .text = TEXT("=1+1")}, {.kind = CELL_MONEY, .number = 5}};
    assert_int_equal(book_next_row(book), 2);
    assert_true(book_row(book, row, 2, false, &err));
    assert_true(book_totals(book, row, 2, &err));
    assert_int_equal(book_next_row(book), 4);
    const struct chart chart = {.kind = CHART_PIE,
                                .title = "Thử",
                                .first = 2,
                                .last = 2,
                                .values = {1},
                                .series = {"a"},
                                .series_count = 1,
                                .at_row = 5,
                                .at_column = 4};
    assert_true(book_chart(book, &chart, &err));
    assert_true(book_end(book, &err));
    size_t n = read_all();
    assert_true(n > 1000);
    assert_memory_equal(content, "PK\x03\x04", 4);
    assert_non_null(memmem(content, n, "xl/worksheets/sheet1.xml", 24));
    assert_non_null(memmem(content, n, "xl/charts/chart1.xml", 20));
}

static void test_a_book_that_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    struct book *book = open_book("/tmp");
    assert_true(book_sheet(book, "a", COLUMNS, 2, &err));
    assert_true(book_sheet(book, "b", COLUMNS, 2, &err));
    book_free(book); /* the sanitizer sees what stays */
    book_free(NULL);
}

static void test_a_bad_name_of_a_sheet_is_a_fault(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(book) struct book *book = open_book("/tmp");
    assert_false(book_sheet(book, "a/b", COLUMNS, 2, &err));
    assert_true(err.code == ERR_INTERNAL || err.code == ERR_UNAVAILABLE);
}

/* ---- PDF ---- */

static void test_a_pdf_flows_over_pages(void **state)
{
    (void)state;
    struct err err = {0};
    AUTO(pdf) struct pdf *pdf = pdf_open(fd, "Báo cáo", &err);
    assert_non_null(pdf);
    pdf_heading(pdf, TEXT("Báo cáo thu chi"), 1);
    for (int i = 0; i < 100; i++) {
        const struct text values[] = {TEXT("1"), TEXT("2"), TEXT("1.500.000 ₫")};
        pdf_row(pdf, TEXT("Ăn uống, một tên rất dài, dài đến mức phải cắt bớt đi vì không còn chỗ"), values, 3, i % 2);
        pdf_bar(pdf, TEXT("Ăn uống"), TEXT("1.500.000 ₫"), i, 100, PDF_GREEN);
    }
    pdf_bar(pdf, TEXT(""), TEXT(""), 5, 0, PDF_RED);
    pdf_line(pdf, TEXT_NONE);
    assert_true(pdf_end(pdf, &err));
    size_t n = read_all();
    assert_memory_equal(content, "%PDF-", 5);
    assert_non_null(memmem(content, n, "/Count", 6));
}

static void test_a_pdf_without_room_is_unavailable(void **state)
{
    (void)state;
    struct err err = {0};
    use_full_device();
    AUTO(pdf) struct pdf *pdf = pdf_open(fd, "x", &err);
    assert_non_null(pdf);
    pdf_line(pdf, TEXT("x"));
    assert_false(pdf_end(pdf, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_is_measured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_spool_without_room_or_place_is_unavailable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_csv_quotes_and_neutralises, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_csv_without_room_is_unavailable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_book_is_a_zip_with_its_sheets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_book_that_is_given_up_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_name_of_a_sheet_is_a_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_pdf_flows_over_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_pdf_without_room_is_unavailable, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
