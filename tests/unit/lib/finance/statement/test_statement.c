/* Statements as banks write them, and as they should not be. */
#include "check.h"

#include "base/buf.h"
#include "base/date.h"
#include "finance/statement/charset.h"
#include "finance/statement/statement.h"

static struct arena *mem;
static struct statement_info info;

struct told {
    struct buf rows; /* "line|date|amount|text|id" or "line|!|reason", a line each */
    size_t count;
};

static bool tell(void *to, const struct statement_row *row, struct err *err)
{
    struct told *told = to;
    char day[DATE_TEXT_MAX];
    (void)err;
    assert_true(text_is_utf8(row->text) && text_is_utf8(row->bank_id));
    told->count++;
    if (row->bad) {
        buf_printf(&told->rows, "%d|!|%s\n", (int)row->line, row->bad);
        return true;
    }
    date_format(row->occurred_on, day);
    buf_printf(&told->rows, "%d|%s|%lld|%.*s|%.*s\n", (int)row->line, day, (long long)row->amount, TEXT_ARG(row->text),
               TEXT_ARG(row->bank_id));
    return true;
}

static struct text without_mark(struct text file)
{
    return charset_past_mark(file);
}

/* Reads the file as what it is found to be, and compares what was told. */
static void check_as(const char *format, const char *currency, const char *file, const struct statement_mapping *wanted,
                     const char *expected)
{
    struct err err = {0};
    struct told told = {0};
    struct statement_options o = {.currency = currency_find(text_of(currency)), .mem = mem};
    struct text text = without_mark(text_of(file));
    if (wanted)
        o.mapping = *wanted;
    info = (struct statement_info){0};
    buf_init(&told.rows, 1 << 20);
    buf_str(&told.rows, "");
    const struct statement_format *f = statement_detect(text, &err);
    if (!f)
        fail_msg("not found out: %s: %s", err.detail, err.field_count ? err.fields[0].text : "");
    assert_string_equal(f->name, format);
    if (!f->inspect(text, &o, &info, &err) || !f->read(text, &o, &info, tell, &told, &err))
        fail_msg("%s: %s", err.detail, err.field_count ? err.fields[0].text : "");
    assert_string_equal(told.rows.p ? told.rows.p : "", expected);
    buf_release(&told.rows);
}

static void check(const char *format, const char *file, const char *expected)
{
    check_as(format, "VND", file, NULL, expected);
}

static int set_up(void **state)
{
    (void)state;
    mem = arena_new(65536, 64 * 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

/* ---- CSV ---- */

static void test_a_vietnamese_csv_with_debit_and_credit(void **state)
{
    (void)state;
    check("csv",
          "\xEF\xBB\xBFNGÂN HÀNG TMCP;;;;;\r\n"
          "Số tài khoản: 0123456789;;;;;\r\n"
          "STT;Ngày giao dịch;Số tiền ghi nợ;Số tiền ghi có;Số dư;Nội dung chi tiết;Số tham chiếu\r\n"
          "1;28/03/2026 10:15:00;45.000;;1.955.000;Cà phê;FT2603\r\n"
          "2;29/03/2026;;2.000.000 VND;3.955.000;\"LUONG; THANG 3\";FT2604\r\n"
          ";;;;Cộng;;\r\n",
          "4|2026-03-28|-45000|Cà phê|FT2603\n5|2026-03-29|2000000|LUONG; THANG 3|FT2604\n");
    assert_int_equal(info.mapping.debit, 3);
    assert_int_equal(info.mapping.credit, 4);
    assert_false(info.ask_day_first);
}

static void test_an_english_csv_with_month_before_day(void **state)
{
    (void)state;
    check_as("csv", "USD",
             "Date,Description,Amount,Running Balance\n"
             "03/28/2026,\"COFFEE \"\"BAR\"\"\",-4.50,\"1,000.00\"\n"
             "3/9/2026,RENT,\"-1,200.00\",-200.00\n"
             "12-Mar-2026,REFUND,(3.25),0\n",
             NULL, "2|2026-03-28|-450|COFFEE \"BAR\"|\n3|2026-03-09|-120000|RENT|\n4|2026-03-12|-325|REFUND|\n");
    assert_int_equal(info.mapping.day_first, 2);
    assert_int_equal(info.mapping.decimal, '.');
}

static void test_decimal_commas_and_every_delimiter(void **state)
{
    (void)state;
    check_as("csv", "EUR", "Date\tAmount\tMemo\n28.03.2026\t-1.234,56\ta\n", NULL, "2|2026-03-28|-123456|a|\n");
    check_as("csv", "EUR", "Date|Amount|Memo\n28.03.26|7,5|a\n", NULL, "2|2026-03-28|750|a|\n");
    check_as("csv", "EUR", "Date,Amount,Memo\n2026-03-28,\"7,50\",a\n", NULL, "2|2026-03-28|750|a|\n");
}

static void test_a_csv_without_a_header(void **state)
{
    (void)state;
    check("csv", "2026-03-28,-45000,Coffee at the corner,1000000\n2026-03-29,20000,Refund of something,1020000\n",
          "1|2026-03-28|-45000|Coffee at the corner|\n2|2026-03-29|20000|Refund of something|\n");
    assert_false(info.has_header);
}

static void test_an_order_that_nothing_tells_is_asked(void **state)
{
    (void)state;
    static const char FILE[] = "Date,Amount,Memo\n05/03/2026,1,a\n06/04/2026,2,b\n";
    check("csv", FILE, "2|2026-03-05|1|a|\n3|2026-04-06|2|b|\n");
    assert_true(info.ask_day_first);
    check_as("csv", "VND", FILE, &(struct statement_mapping){.day_first = 2}, "2|2026-05-03|1|a|\n3|2026-06-04|2|b|\n");
    assert_false(info.ask_day_first);
    check("csv", "Date,Amount,Memo\n05/05/2026,1,a\n", "2|2026-05-05|1|a|\n");
    assert_false(info.ask_day_first);
}

static void test_names_of_columns_are_bounded(void **state)
{
    AUTO(buf) struct buf file;
    (void)state;
    buf_init(&file, 1 << 20);
    for (int i = 0; i < 60; i++) {
        for (int k = 0; k < 250; k++)
            buf_char(&file, k % 2 ? '\\' : 'x');
        buf_char(&file, ';');
    }
    buf_str(&file, "Date;Amount\n");
    for (int i = 0; i < 60; i++)
        buf_char(&file, ';');
    buf_str(&file, "2026-03-28;5\n");
    check("csv", file.p, "2|2026-03-28|5||\n");
    assert_int_equal(info.column_count, 62);
    assert_true(info.columns[0].n <= 120);
}

static void test_columns_that_nothing_tells_are_asked(void **state)
{
    (void)state;
    static const char FILE[] = "foo,bar,baz\na,b,c\nd,e,f\n";
    check("csv", FILE, "");
    assert_true(info.ask_columns);
    assert_int_equal(info.column_count, 3);
}

static void test_bad_rows_have_their_lines_and_reasons(void **state)
{
    (void)state;
    check("csv",
          "Ngày;Số tiền;Nội dung\n"
          "30/02/2026;1;a\n"
          "28/03/2026;abc;b\n"
          "28/03/2026;0;c\n"
          "28/03/2026;99999999999999999999;d\n"
          "\"28/03/2026\";\"5\";\"e\nf\"\n"
          "28/03/2026;1,5;g\n"
          "28/03/2026;6;\"never closed\n"
          "29/03/2026;7;h\n",
          "2|!|Không đọc được ngày\n3|!|Không đọc được số tiền\n4|!|Số tiền bằng 0\n5|!|Số tiền quá lớn\n"
          "6|2026-03-28|5|e f|\n8|!|Không đọc được số tiền\n9|!|Dòng bị hỏng hoặc quá dài\n10|2026-03-29|7|h|\n");
}

/* ---- OFX ---- */

static void test_ofx_as_sgml(void **state)
{
    (void)state;
    check_as("ofx", "USD",
             "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>\n<CURDEF>USD\n"
             "<BANKACCTFROM><BANKID>1<ACCTID>98-76<ACCTTYPE>CHECKING</BANKACCTFROM>\n<BANKTRANLIST>\n"
             "<STMTTRN>\n<TRNTYPE>DEBIT\n<DTPOSTED>20260328120000[-5:EST]\n<TRNAMT>-12.50\n<FITID>A1\n"
             "<NAME>Tom &amp; Sons\n<MEMO>Lunch\n</STMTTRN>\n"
             "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260329<TRNAMT>1000,00<FITID>A2<NAME>PAY<MEMO>PAY</STMTTRN>\n"
             "<STMTTRN><DTPOSTED>2026<TRNAMT>1<FITID>A3\n<STMTTRN><DTPOSTED>20260330<TRNAMT>x<FITID>A4\n"
             "</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n",
             NULL,
             "9|2026-03-28|-1250|Tom & Sons - Lunch|A1\n17|2026-03-29|100000|PAY|A2\n18|!|Không đọc được ngày\n"
             "19|!|Không đọc được số tiền\n");
    assert_string_equal(info.account, "98-76");
}

static void test_ofx_as_xml_of_another_currency(void **state)
{
    (void)state;
    check(
        "ofx",
        "<?xml version=\"1.0\"?>\n<!DOCTYPE x [<!ENTITY a \"aaaa\">]>\n<?OFX OFXHEADER=\"200\"?>\n<OFX><STMTRS><CURDEF>VND</CURDEF>"
        "<STMTTRN><DTPOSTED>20260328</DTPOSTED><TRNAMT>-45000.00</TRNAMT><FITID>9</FITID><NAME>&a;</NAME></STMTTRN>"
        "<STMTTRN><DTPOSTED>20260328</DTPOSTED><TRNAMT>-5.00</TRNAMT><FITID>8</FITID><CURSYM>USD</CURSYM></STMTTRN>"
        "</STMTRS></OFX>",
        "4|2026-03-28|-45000|&a;|9\n4|!|Khác loại tiền của sổ\n");
}

/* ---- QIF ---- */

static void test_qif(void **state)
{
    (void)state;
    check_as(
        "qif", "USD",
        "!Account\nNSavings\nTBank\n^\n!Type:Bank\nD3/28'26\nT-1,234.50\nPShop\nMGift\nLFood\n^\n"
        "D3/1/2026\nU20.00\nPPay\n^\nDx\nT1\n^\n!Type:Cat\nNFood\n^\n!Type:Cash\nD3/2/2026\nT-3\n",
        NULL,
        "6|2026-03-28|-123450|Shop - Gift|\n12|2026-03-01|2000|Pay|\n16|!|Không đọc được ngày\n23|2026-03-02|-300||\n");
    assert_string_equal(info.account, "Savings");
    assert_int_equal(info.mapping.day_first, 2);
}

/* ---- MT940 ---- */

static void test_mt940(void **state)
{
    (void)state;
    check_as(
        "mt940", "EUR",
        "{1:F01BANKDEFF}{4:\r\n:20:STARTUMS\r\n:25:DE1234/567\r\n:28C:1/1\r\n:60F:C260301EUR1000,00\r\n"
        ":61:2603280328DR45,50NTRFNONREF//B123\r\n/OCMT/EUR45,50\r\n:86:177?00SEPA?20Mie?21te?30BANK?32Hans\r\n?33Muster\r\n"
        ":61:260329C100,NMSCREF7\r\n:86:plain text that\r\ngoes on\r\n"
        ":61:260330RC7,00NTRFNONREF\r\n:61:26033XC7,00NTRFNONREF\r\n:62F:C260331EUR1054,50\r\n:86:of the statement\r\n-}\r\n",
        NULL,
        "6|2026-03-28|-4550|Mie te Hans Muster|B123\n10|2026-03-29|10000|plain text thatgoes on|REF7\n"
        "13|2026-03-30|-700||\n14|!|Không đọc được ngày\n");
    assert_string_equal(info.account, "DE1234/567");
}

/* ---- CAMT ---- */

#define CAMT(entries)                                                                                                     \
    "<?xml version=\"1.0\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><BkToCstmrStmt><Stmt>\n" \
    "<Acct><Id><IBAN>VN001</IBAN></Id></Acct>\n" entries "</Stmt></BkToCstmrStmt></Document>"

static void test_camt(void **state)
{
    (void)state;
    check(
        "camt",
        CAMT(
            "<Ntry><Amt Ccy=\"VND\">45000</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-03-28</Dt></BookgDt>"
            "<AcctSvcrRef>R1</AcctSvcrRef><NtryDtls><TxDtls><AmtDtls><TxAmt><Amt Ccy=\"USD\">2</Amt></TxAmt></AmtDtls>"
            "<RltdPties><Cdtr><Nm>Tr&amp;ng</Nm></Cdtr></RltdPties><RmtInf><Ustrd>Cà</Ustrd><Ustrd>phê</Ustrd></RmtInf>"
            "</TxDtls></NtryDtls></Ntry>\n"
            "<Ntry><Amt Ccy=\"VND\">7</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>true</RvslInd><Sts><Cd>BOOK</Cd></Sts>"
            "<ValDt><DtTm>2026-03-29T10:00:00</DtTm></ValDt><AddtlNtryInf>Hoàn</AddtlNtryInf></Ntry>\n"
            "<Ntry><Amt Ccy=\"VND\">7</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts></Ntry>\n"
            "<Ntry><Amt Ccy=\"USD\">7</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts></Ntry>\n"),
        "4|2026-03-28|-45000|Tr&ng - Cà phê|R1\n5|2026-03-29|7|Hoàn|\n6|!|Giao dịch chưa hoàn tất\n"
        "7|!|Khác loại tiền của sổ\n");
    assert_string_equal(info.account, "VN001");
}

static bool refuse_row(void *to, const struct statement_row *row, struct err *err)
{
    (void)to, (void)row, (void)err;
    return true;
}

static void test_xml_that_is_dangerous_or_broken_is_refused(void **state)
{
    static const char *const FILES[] = {
        "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY a \"&lol;&lol;\"><!ENTITY b \"&a;&a;\">]>"
        "<Document xmlns=\"camt.053\"><Stmt><Ntry><Ustrd>&b;</Ustrd></Ntry></Stmt></Document>",
        "<?xml version=\"1.0\"?><!DOCTYPE x SYSTEM \"file:///etc/passwd\"><Document xmlns=\"camt.053\"/>",
        "<Document xmlns=\"camt.053\"><Stmt><Ntry>",
        "<Document xmlns=\"camt.053\"><Stmt></Ntry></Stmt></Document>",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        struct err err = {0};
        struct statement_options o = {.currency = currency_find(TEXT("VND")), .mem = mem};
        const struct statement_format *f = statement_detect(text_of(FILES[i]), &err);
        assert_non_null(f);
        assert_string_equal(f->name, "camt");
        info = (struct statement_info){0};
        assert_false(f->read(text_of(FILES[i]), &o, &info, refuse_row, NULL, &err));
        assert_int_equal(err.code, ERR_VALIDATION);
        assert_string_equal(err.fields[0].name, "file");
    }
}

static void test_what_is_no_statement_is_refused(void **state)
{
    static const struct text FILES[] = {
        TEXT_INIT("PK\x03\x04\x14\0\0\0"),
        TEXT_INIT("\x89PNG\r\n\x1a\n\0"),
        TEXT_INIT("hello"),
        TEXT_INIT("\0\0\0\0"),
        TEXT_INIT("{\"a\": 1}"),
        TEXT_INIT("\n\n\n"),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FILES); i++) {
        struct err err = {0};
        assert_null(statement_detect(FILES[i], &err));
        assert_int_equal(err.code, ERR_VALIDATION);
    }
}

/* ---- encodings ---- */

static bool collect(void *to, struct text piece, struct err *err)
{
    (void)err;
    buf_text(to, piece);
    return true;
}

static void check_charset(struct text file, const char *name, const char *utf8)
{
    struct err err = {0};
    AUTO(buf) struct buf out;
    buf_init(&out, 1 << 20);
    assert_string_equal(charset_of(file), name);
    assert_true(charset_convert(name, file, collect, &out, &err));
    assert_true(text_eq(charset_past_mark(buf_view(&out)), text_of(utf8)));
}

static void test_encodings(void **state)
{
    (void)state;
    check_charset(TEXT("Ng\xC3\xA0y"), "UTF-8", "Ngày");
    check_charset(TEXT("\xFF\xFEN\0g\0\xE0\0y\0"), "UTF-16LE", "Ngày");
    check_charset(TEXT("\xFE\xFF\0N\0g\0\xE0\0y"), "UTF-16BE", "Ngày");
    check_charset(TEXT("D\0a\0t\0e\0;\0A\0m\0o\0"), "UTF-16LE", "Date;Amo");
    check_charset(TEXT("Caf\xE9 M\xFCller"), "WINDOWS-1252", "Café Müller");
    check_charset(TEXT("Ti\xEA\xECn v\xE0o"), "WINDOWS-1258", "Tiến vào");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_vietnamese_csv_with_debit_and_credit),
        cmocka_unit_test(test_an_english_csv_with_month_before_day),
        cmocka_unit_test(test_decimal_commas_and_every_delimiter),
        cmocka_unit_test(test_a_csv_without_a_header),
        cmocka_unit_test(test_an_order_that_nothing_tells_is_asked),
        cmocka_unit_test(test_names_of_columns_are_bounded),
        cmocka_unit_test(test_columns_that_nothing_tells_are_asked),
        cmocka_unit_test(test_bad_rows_have_their_lines_and_reasons),
        cmocka_unit_test(test_ofx_as_sgml),
        cmocka_unit_test(test_ofx_as_xml_of_another_currency),
        cmocka_unit_test(test_qif),
        cmocka_unit_test(test_mt940),
        cmocka_unit_test(test_camt),
        cmocka_unit_test(test_xml_that_is_dangerous_or_broken_is_refused),
        cmocka_unit_test(test_what_is_no_statement_is_refused),
        cmocka_unit_test(test_encodings),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
