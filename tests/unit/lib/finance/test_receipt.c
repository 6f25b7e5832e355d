/* Receipts from texts, e-invoices and a model's JSON. */
#include "check.h"

#include "base/attr.h"
#include "finance/receipt.h"
#include "finance/receipt_line.h"
#include "random.h"

enum { TODAY = 20260310, EXPECTED_MAX = 8 };

struct expected {
    const char *name;
    int64_t amount;
};

struct sample {
    const char *title, *currency, *text;
    const char *merchant, *location; /* NULL: none */
    int32_t date;
    int64_t total;
    struct expected items[EXPECTED_MAX];
};

static const struct sample SAMPLES[] = {
    {"a café",
     "VND",
     "          HIGHLANDS COFFEE\n"
     "  Địa chỉ: 12 Lê Lợi, Quận 1, TP.HCM\n"
     "  ĐT: 0901234567\n"
     "        HÓA ĐƠN BÁN LẺ\n"
     "  Số: 000123        Ngày: 05/03/2026 09:15\n"
     "  Thu ngân: Lan\n"
     "  Tên món          SL    Đơn giá    Thành tiền\n"
     "  Cà phê sữa đá     2     29.000      58.000\n"
     "  Bánh mì thịt      1     35.000      35.000\n"
     "  Tổng cộng:                          93.000\n"
     "  Tiền khách đưa:                    100.000\n"
     "  Tiền thừa:                           7.000\n"
     "  Cảm ơn quý khách\n",
     "HIGHLANDS COFFEE",
     "12 Lê Lợi, Quận 1, TP.HCM",
     20260305,
     93000,
     {{"Cà phê sữa đá", 58000}, {"Bánh mì thịt", 35000}}},
    {"numbers on the line below the name",
     "VND",
     "WINMART\nSữa tươi Vinamilk 1L\n  2 x 32.500        65.000\nTrứng gà hộp 10 quả\n  1 x 30.000        30.000\n"
     "TỔNG TIỀN            95.000\n",
     "WINMART",
     NULL,
     0,
     95000,
     {{"Sữa tươi Vinamilk 1L", 65000}, {"Trứng gà hộp 10 quả", 30000}}},
    {"English, dollars and tax",
     "USD",
     "Corner Deli\n123 Main Street\nMar 5, 2026 12:01\nTurkey Sandwich      8.50\nIced Tea    2 @ 2.25    4.50\n"
     "Subtotal            13.00\nSales Tax            1.15\nTOTAL               $14.15\nVISA                $14.15\n",
     "Corner Deli",
     NULL,
     20260305,
     1415,
     {{"Turkey Sandwich", 850}, {"Iced Tea", 450}, {"Sales Tax", 115}}},
    {"a discount is shared out",
     "VND",
     "QUÁN NGON\nPhở bò       100.000\nTrà đá        20.000\nCộng         120.000\nGiảm giá      12.000\n"
     "Thanh toán   108.000\n",
     "QUÁN NGON",
     NULL,
     0,
     108000,
     {{"Phở bò", 90000}, {"Trà đá", 18000}}},
    {"tax and discount",
     "VND",
     "NHÀ HÀNG SEN\nLẩu hải sản      400.000\nPhí dịch vụ 5%    20.000\nThuế GTGT 8%      33.600\nVoucher          -53.600\n"
     "Tổng thanh toán  400.000\n",
     "NHÀ HÀNG SEN",
     NULL,
     0,
     400000,
     {{"Lẩu hải sản", 400000}}},
    {"quantities in front",
     "VND",
     "PHỞ 24\n1 x Phở tái    65.000đ\n2 x Trà đá     10.000đ\nTổng: 75.000đ\n",
     "PHỞ 24",
     NULL,
     0,
     75000,
     {{"Phở tái", 65000}, {"Trà đá", 10000}}},
    {"running numbers and units",
     "VND",
     "Đơn vị bán hàng: CÔNG TY TNHH ABC\nMã số thuế: 0312345678\nNgày 05 tháng 03 năm 2026\n"
     "1    Giấy A4           Ram       5       70.000      350.000\n2    Bút bi            Cây      10        5.000       50.000\n"
     "Cộng tiền hàng:                                   400.000\nTiền thuế GTGT:                                    40.000\n"
     "Tổng cộng tiền thanh toán:                        440.000\n",
     "CÔNG TY TNHH ABC",
     NULL,
     20260305,
     440000,
     {{"Giấy A4", 350000}, {"Bút bi", 50000}, {"Tiền thuế GTGT", 40000}}},
    {"only a total",
     "VND",
     "GRAB\nChuyến đi ngày 2026-03-01\nTổng cộng 45.000 đ\n",
     "GRAB",
     NULL,
     20260301,
     45000,
     {{"GRAB", 45000}}},
    {"thousands by comma",
     "VND",
     "CO.OPMART\nThịt heo ba rọi   0.512   150,000    76,800\nTOTAL  76,800\n",
     "CO.OPMART",
     NULL,
     0,
     76800,
     {{"Thịt heo ba rọi", 76800}}},
    {"no total at all",
     "VND",
     "Tạp hóa Cô Ba\nMì tôm   3   4.000   12.000\nNước mắm   35.000\n",
     "Tạp hóa Cô Ba",
     NULL,
     0,
     0,
     {{"Mì tôm", 12000}, {"Nước mắm", 35000}}},
    {"a total that has nothing to do with the items",
     "VND",
     "SHOP\nÁo thun    50.000\nTổng cộng   900.000\n",
     "SHOP",
     NULL,
     0,
     900000,
     {{"Áo thun", 50000}}},
    {"an amount on the line below its label",
     "VND",
     "SHOP\nÁo thun    50.000\nTổng cộng\n   50.000\n",
     "SHOP",
     NULL,
     0,
     50000,
     {{"Áo thun", 50000}}},
    {"combining marks and a fold",
     "VND",
     "CHO\xCC\x9B\xCC\xA3 TET\nBa\xCC\x81nh   15.000\n",
     "CHO\xCC\x9B\xCC\xA3 TET",
     NULL,
     0,
     0,
     {{"Ba\xCC\x81nh", 15000}}},
    {"a line of names that begin like labels",
     "VND",
     "BẾP\nPhi lê cá hồi   250.000\nBàn chải   25.000\nTổng   275.000\n",
     "BẾP",
     NULL,
     0,
     275000,
     {{"Phi lê cá hồi", 250000}, {"Bàn chải", 25000}}},
    {"thousands by k",
     "VND",
     "Quán Ốc\nỐc hương   120k\nTotal 120k\n",
     "Quán Ốc",
     NULL,
     0,
     120000,
     {{"Ốc hương", 120000}}},
    {"printed VAT invoice",
     "VND",
     "                         HÓA ĐƠN GIÁ TRỊ GIA TĂNG\n"
     "                         (VAT INVOICE)\n"
     "                         Ngày (date) 05 tháng (month) 03 năm (year) 2026\n"
     "Mẫu số - Ký hiệu: 1C26TAA                         Số (No.): 00001234\n"
     "Đơn vị bán hàng (Seller): CÔNG TY CỔ PHẦN VĂN PHÒNG PHẨM HỒNG HÀ\n"
     "Mã số thuế (Tax code): 0100100216\n"
     "Địa chỉ (Address): 25 Lý Thường Kiệt, Hoàn Kiếm, Hà Nội\n"
     "Điện thoại (Tel): 024 3652 4250\n"
     "Số tài khoản (A/C No.): 102010000028639\n"
     "Họ tên người mua hàng (Buyer): Nguyễn Văn A\n"
     "Tên đơn vị (Company's name): CÔNG TY TNHH B\n"
     "Địa chỉ (Address): 1 Trần Phú\n"
     "Hình thức thanh toán (Payment method): TM/CK\n"
     "STT    Tên hàng hóa, dịch vụ        ĐVT      Số lượng     Đơn giá      Thành tiền\n"
     " 1              2                    3           4            5          6 = 4x5\n"
     " 1    Vở kẻ ngang 200 trang         Quyển       20         15.000       300.000\n"
     " 2    Bút bi Thiên Long             Hộp          2         50.000       100.000\n"
     "                                   Cộng tiền hàng (Total amount):      400.000\n"
     "Thuế suất GTGT (VAT rate): 8%      Tiền thuế GTGT (VAT amount):         32.000\n"
     "                                   Tổng cộng tiền thanh toán (Total payment): 432.000\n"
     "Số tiền viết bằng chữ: Bốn trăm ba mươi hai nghìn đồng\n",
     "CÔNG TY CỔ PHẦN VĂN PHÒNG PHẨM HỒNG HÀ",
     "25 Lý Thường Kiệt, Hoàn Kiếm, Hà Nội",
     20260305,
     432000,
     {{"Vở kẻ ngang 200 trang", 300000}, {"Bút bi Thiên Long", 100000}, {"Tiền thuế GTGT (VAT amount)", 32000}}},
    {"grab food",
     "VND",
     "GrabFood\n"
     "Ngày 05 Thg 03 2026\n"
     "Mã đơn hàng: GF-123\n"
     "Cơm tấm Thuận Kiều\n"
     "1x Cơm sườn bì chả            65.000₫\n"
     "2x Trà đá                     10.000₫\n"
     "Tạm tính                      75.000₫\n"
     "Phí giao hàng                 18.000₫\n"
     "Giảm giá                     -20.000₫\n"
     "Tổng cộng                     73.000₫\n",
     "GrabFood",
     NULL,
     20260305,
     73000,
     {{"Cơm sườn bì chả", 51022}, {"Trà đá", 7849}, {"Phí giao hàng", 14129}}},
    {"supermarket two lines with codes",
     "VND",
     "                WinMart+ \n"
     "     123 Nguyễn Trãi, Thanh Xuân, Hà Nội\n"
     "          HÓA ĐƠN BÁN HÀNG\n"
     "Ngày bán: 05/03/2026 18:22     HĐ: 00123456\n"
     "Quầy: 02     NVBH: 10023\n"
     "Mặt hàng      Đơn giá   SL   T.Tiền\n"
     "Sữa TH true Milk 1L\n"
     "8936054420018  34.500    2     69.000\n"
     "Mì Hảo Hảo tôm chua cay\n"
     "8934563138165   4.300   10     43.000\n"
     "Tổng tiền đã giảm:               0\n"
     "TỔNG TIỀN THANH TOÁN:      112.000\n"
     "TIỀN KHÁCH TRẢ:            200.000\n"
     "TIỀN TRẢ LẠI:               88.000\n",
     "WinMart+",
     NULL,
     20260305,
     112000,
     {{"Sữa TH true Milk 1L", 69000}, {"Mì Hảo Hảo tôm chua cay", 43000}}},
    {"electricity bill",
     "VND",
     "TỔNG CÔNG TY ĐIỆN LỰC TP HÀ NỘI\n"
     "HÓA ĐƠN TIỀN ĐIỆN\n"
     "Kỳ: 1 - Tháng 02/2026 (28 ngày từ 01/02/2026 đến 28/02/2026)\n"
     "Điện tiêu thụ (kWh)          250\n"
     "Thành tiền                   520.340\n"
     "Thuế suất GTGT: 8%\n"
     "Thuế GTGT                     41.627\n"
     "Tổng cộng tiền thanh toán    561.967\n",
     "TỔNG CÔNG TY ĐIỆN LỰC TP HÀ NỘI",
     NULL,
     20260201,
     561967,
     {{"TỔNG CÔNG TY ĐIỆN LỰC TP HÀ NỘI", 561967}}},
    {"english restaurant",
     "VND",
     "THE GRILL HOUSE\n"
     "45 Hai Ba Trung St, District 1\n"
     "Table 7   Guests 2\n"
     "03/05/2026 7:45 PM\n"
     "QTY ITEM               PRICE\n"
     "2 Ribeye Steak       1,200,000\n"
     "1 Caesar Salad         150,000\n"
     "Subtotal             1,350,000\n"
     "Service Charge 5%       67,500\n"
     "VAT 10%                141,750\n"
     "Grand Total          1,559,250\n"
     "Thank you!\n",
     "THE GRILL HOUSE",
     NULL,
     20260305,
     1559250,
     {{"Ribeye Steak", 1200000}, {"Caesar Salad", 150000}, {"Service Charge", 67500}, {"VAT", 141750}}},
    {"circle k, no accents",
     "VND",
     "CIRCLE K VIETNAM\n"
     "CN Le Loi\n"
     "Hotline: 1900 1234\n"
     "05-03-2026 07:01:33\n"
     "NUOC SUOI AQUAFINA 500ML        7.000\n"
     "BANH BAO NHAN THIT             18.000\n"
     "TONG CONG            2         25.000\n"
     "TIEN MAT                       30.000\n"
     "TIEN THOI                       5.000\n",
     "CIRCLE K VIETNAM",
     NULL,
     20260305,
     25000,
     {{"NUOC SUOI AQUAFINA 500ML", 7000}, {"BANH BAO NHAN THIT", 18000}}},
    {"usd amounts with tax line and tip",
     "USD",
     "Blue Bottle Coffee\n"
     "123 Market St, San Francisco, CA\n"
     "Mar 5, 2026 at 8:01 AM\n"
     "Latte                 $5.50\n"
     "Croissant             $4.25\n"
     "Tax                   $0.85\n"
     "Tip                   $2.00\n"
     "Total                $12.60\n"
     "Visa 1234            $12.60\n",
     "Blue Bottle Coffee",
     NULL,
     20260305,
     1260,
     {{"Latte", 550}, {"Croissant", 425}, {"Tax", 85}, {"Tip", 200}}},
    {"names that fold into labels",
     "VND",
     "QUÁN HẢI SẢN BIỂN ĐÔNG\n"
     "Sò điệp nướng mỡ hành     120.000\n"
     "Giò lụa                    50.000\n"
     "Giấm táo                   30.000\n"
     "Thuê xe đạp                80.000\n"
     "Điểm tâm sáng              45.000\n"
     "Trang trí tiệc            200.000\n"
     "Tổng                      525.000\n",
     "QUÁN HẢI SẢN BIỂN ĐÔNG",
     NULL,
     0,
     525000,
     {{"Sò điệp nướng mỡ hành", 120000},
      {"Giò lụa", 50000},
      {"Giấm táo", 30000},
      {"Thuê xe đạp", 80000},
      {"Điểm tâm sáng", 45000},
      {"Trang trí tiệc", 200000}}},
    {"gs25",
     "VND",
     "Cửa hàng tiện lợi GS25\n"
     "5 thg 3, 2026\n"
     "Kimbap    25.000\n"
     "Tổng cộng: 25.000\n",
     "Cửa hàng tiện lợi GS25",
     NULL,
     20260305,
     25000,
     {{"Kimbap", 25000}}},
    {"a discount and a charge on a taxi ride",
     "VND",
     "XANH SM\n"
     "Mã chuyến: 778\n"
     "Ngày 01/03/2026\n"
     "Cước phí                 85.000 đ\n"
     "Phụ phí                  10.000 đ\n"
     "Khuyến mãi              -15.000 đ\n"
     "Tổng thanh toán          80.000 đ\n",
     "XANH SM",
     NULL,
     20260301,
     80000,
     {{"Cước phí", 71579}, {"Phụ phí", 8421}}},
    {"a pharmacy with units",
     "VND",
     "NHÀ THUỐC LONG CHÂU\n"
     "Địa chỉ: 379 Hai Bà Trưng, P.8, Q.3\n"
     "1. Panadol Extra (vỉ)       vỉ     2     15.500      31.000\n"
     "2. Vitamin C 500mg          hộp    1     45.000      45.000\n"
     "Tổng tiền:                                          76.000\n"
     "Tiền khách đưa: 100.000\n",
     "NHÀ THUỐC LONG CHÂU",
     "379 Hai Bà Trưng, P.8, Q.3",
     0,
     76000,
     {{"Panadol Extra (vỉ)", 31000}, {"Vitamin C 500mg", 45000}}},
};

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(4096, 1 << 26);
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct receipt_context context(const char *currency)
{
    return (struct receipt_context){currency_find(text_of(currency)), TODAY, arena};
}

static void check_text(const char *what, const char *title, struct text actual, const char *expected)
{
    if (expected ? !text_eq(actual, text_of(expected)) : actual.n > 0)
        fail_msg("%s: %s is \"%.*s\", not \"%s\"", title, what, TEXT_ARG(actual), expected ? expected : "");
}

static void check_sample(const struct sample *s)
{
    struct receipt_context ctx = context(s->currency);
    struct receipt r;
    struct err err = {0};
    if (!receipt_read_text(text_of(s->text), &ctx, &r, &err))
        fail_msg("%s: %s", s->title, err.detail);
    check_text("the merchant", s->title, r.merchant, s->merchant);
    check_text("the place", s->title, r.location, s->location);
    size_t count = 0;
    while (count < EXPECTED_MAX && s->items[count].name)
        count++;
    for (size_t i = 0; i < r.count && i < count; i++) {
        check_text("an item", s->title, r.items[i].name, s->items[i].name);
        if (r.items[i].amount != s->items[i].amount)
            fail_msg("%s: %s costs %lld", s->title, s->items[i].name, (long long)r.items[i].amount);
    }
    if (r.count != count || r.date != s->date || r.total != s->total)
        fail_msg("%s: %zu items, date %d, total %lld", s->title, r.count, (int)r.date, (long long)r.total);
}

static void test_receipts_are_read_as_they_are_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(SAMPLES); i++)
        check_sample(&SAMPLES[i]);
}

static void test_what_is_no_receipt_is_unreadable(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"",
                                        "\n\n\n",
                                        "Xin chào",
                                        "Giá: liên hệ",
                                        "12345",
                                        "0901234567 hotline",
                                        "Bàn: 12\nSố: 000123\n",
                                        "\xFF\xFE\x00",
                                        "Tổng cộng: miễn phí"};
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct receipt_context ctx = context("VND");
        struct receipt r;
        struct err err = {0};
        if (receipt_read_text(text_of(TEXTS[i]), &ctx, &r, &err))
            fail_msg("%s: %zu items, the first %.*s", TEXTS[i], r.count, TEXT_ARG(r.items[0].name));
        assert_int_equal(err.code, ERR_RECEIPT_UNREADABLE);
    }
}

static void test_at_most_a_hundred_items_are_read(void **state)
{
    (void)state;
    struct receipt_context ctx = context("VND");
    struct receipt r;
    struct err err = {0};
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 3000; i++)
        buf_printf(&text, "Món số một   10.000\n");
    assert_true(receipt_read_text(buf_view(&text), &ctx, &r, &err));
    assert_int_equal(r.count, RECEIPT_ITEMS_MAX);
    buf_release(&text);
}

static void test_amounts_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *currency, *text;
        int64_t minor; /* -1: none */
    } CASES[] = {
        {"VND", "45.000", 45000},
        {"VND", "45,000", 45000},
        {"VND", "45.000đ", 45000},
        {"VND", "₫45.000", 45000},
        {"VND", "1.234.567", 1234567},
        {"VND", "45.000,00", 45000},
        {"VND", "45,000.00", 45000},
        {"VND", "45000", 45000},
        {"VND", "45k", 45000},
        {"VND", "45.5", -1},
        {"VND", "45.00", 45},
        {"VND", "0901234567", -1},
        {"VND", "1.23.456", -1},
        {"VND", "1.2345", -1},
        {"VND", "", -1},
        {"VND", ".", -1},
        {"VND", "12a", -1},
        {"VND", "1234567890123", -1},
        {"VND", "9.999.999.999.999", INT64_C(9999999999999)},
        {"VND", "99.999.999.999.999", -1},
        {"USD", "12.50", 1250},
        {"USD", "$1,234.56", 123456},
        {"USD", "1.234,56", 123456},
        {"USD", "12.5", 1250},
        {"USD", "12.505", 1250500},
        {"USD", "1,234.567", -1},
        {"USD", "0.07", 7},
        {"VND", "12.500.00", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int64_t minor = -1;
        bool marked;
        if (!receipt_amount(text_of(CASES[i].text), currency_find(text_of(CASES[i].currency)), &minor, &marked))
            minor = -1;
        if (minor != CASES[i].minor)
            fail_msg("%s %s is %lld", CASES[i].text, CASES[i].currency, (long long)minor);
    }
}

static void test_dates_are_found_where_they_stand(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t date;
    } CASES[] = {
        {"ngay: 05/03/2026 10:00", 20260305},
        {"2026-03-05", 20260305},
        {"5.3.2026", 20260305},
        {"05-03-26", 20260305},
        {"12/31/2025", 20251231},
        {"31/02/2026", 0},
        {"ngay 5 thang 3 nam 2026", 20260305},
        {"mar 5, 2026", 20260305},
        {"5 march 2026", 20260305},
        {"5 thg 3, 2026", 20260305},
        {"05 thg 03 2026", 20260305},
        {"thg 3 2026", 0},
        {"ngay (date) 05 thang (month) 03 nam (year) 2026", 20260305},
        {"march 2026", 0},
        {"1.000.000", 0},
        {"12/2026", 0},
        {"123/03/2026", 0},
        {"", 0},
        {"ngay thang nam", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        if (receipt_date(text_of(CASES[i].text)) != CASES[i].date)
            fail_msg("%s is %d", CASES[i].text, (int)receipt_date(text_of(CASES[i].text)));
}

static void test_a_date_of_the_future_or_of_long_ago_is_misread(void **state)
{
    (void)state;
    assert_true(receipt_date_plausible(TODAY, TODAY));
    assert_true(receipt_date_plausible(20260311, TODAY));
    assert_false(receipt_date_plausible(20260312, TODAY));
    assert_false(receipt_date_plausible(20100101, TODAY));
}

/* ---- e-invoices ---- */

#define INVOICE_HEAD                                                                                                   \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><HDon><DLHDon Id=\"data\"><TTChung><NLap>2026-03-01</NLap>"             \
    "<DVTTe>VND</DVTTe></TTChung><NDHDon><NBan><Ten>Công ty Sách &amp; Thiết bị</Ten><DChi>Hà Nội</DChi></NBan>"       \
    "<NMua><Ten>Nguyễn Văn A</Ten><DChi>Huế</DChi></NMua><DSHHDVu>"
#define INVOICE_END(total) "</DSHHDVu><TToan><TgTTTBSo>" total "</TgTTTBSo></TToan></NDHDon></DLHDon><DSCKS/></HDon>"
#define LINE(kind, name, amount)                                                                                       \
    "<HHDVu><TChat>" kind "</TChat><STT>1</STT><THHDVu>" name "</THHDVu><ThTien>" amount "</ThTien></HHDVu>"

static bool read_invoice(const char *xml, struct receipt *r, struct err *err)
{
    struct receipt_context ctx = context("VND");
    return receipt_read_invoice(text_of(xml), &ctx, r, err);
}

static void test_an_e_invoice_is_read_with_its_tax_shared_out(void **state)
{
    (void)state;
    struct receipt r;
    struct err err = {0};
    if (!read_invoice(INVOICE_HEAD LINE("1", "Sách toán lớp 5", "100000.000000") LINE("1", "Bút &lt;mực&gt;", "50000")
                          LINE("3", "Chiết khấu", "10000") LINE("4", "Ghi chú", "0") INVOICE_END("165000"),
                      &r, &err))
        fail_msg("%s", err.detail);
    assert_text(r.merchant, "Công ty Sách & Thiết bị");
    assert_text(r.location, "Hà Nội");
    assert_int_equal(r.date, 20260301);
    assert_int_equal(r.count, 2);
    assert_text(r.items[0].name, "Sách toán lớp 5");
    assert_int_equal(r.items[0].amount, 110000);
    assert_text(r.items[1].name, "Bút <mực>");
    assert_int_equal(r.items[1].amount, 55000);
}

static void test_a_bad_invoice_is_unreadable(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",
        "<HDon>",
        "no xml",
        "<HDon></HDon>",
        "<!DOCTYPE HDon [<!ENTITY a \"x\">]>" INVOICE_HEAD LINE("1", "&a;", "1000") INVOICE_END("1000"),
        "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]><HDon>&c;</HDon>",
        "<!DOCTYPE HDon SYSTEM \"http://127.0.0.1:1/x.dtd\"><HDon/>",
        INVOICE_HEAD LINE("1", "", "1000") INVOICE_END("0"),
        INVOICE_HEAD LINE("1", "Sách", "-1000") INVOICE_END("0"),
        INVOICE_HEAD LINE("1", "Sách", "nhiều") INVOICE_END("x"),
    };
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct receipt r;
        struct err err = {0};
        if (read_invoice(TEXTS[i], &r, &err))
            fail_msg("%s was read", TEXTS[i]);
        assert_int_equal(err.code, ERR_RECEIPT_UNREADABLE);
    }
}

static void test_an_invoice_in_another_currency_is_refused(void **state)
{
    (void)state;
    struct receipt r;
    struct err err = {0};
    assert_false(read_invoice("<HDon><DLHDon><TTChung><DVTTe>USD</DVTTe></TTChung><NDHDon><DSHHDVu>" LINE(
                                  "1", "Book", "10") INVOICE_END("10"),
                              &r, &err));
    assert_int_equal(err.code, ERR_VALIDATION);
    assert_string_equal(err.fields[0].name, "file");
}

static void test_amounts_of_another_currency_are_not_taken(void **state)
{
    (void)state;
    static const struct {
        const char *currency, *text;
        enum err_code code;
    } CASES[] = {
        {"VND", "Hotel\nRoom   $1,200.00\nTotal   $1,200.00\n", ERR_RECEIPT_UNREADABLE},
        {"VND", "Hotel\nRoom   1,200.00 USD\nTotal   USD 1,200.00\n", ERR_RECEIPT_UNREADABLE},
        {"VND", "Hotel\nRoom   € 1.200,00\n", ERR_RECEIPT_UNREADABLE},
        {"USD", "Quán\nPhở   93.000đ\n", ERR_RECEIPT_UNREADABLE},
        {"USD", "Quán\nPhở   93.000\nTổng cộng (VND)   93.000\n", ERR_VALIDATION},
        {"USD", "Quán\nPhở   93.000\nBằng chữ: chín mươi ba nghìn đồng\n", ERR_VALIDATION},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct receipt_context ctx = context(CASES[i].currency);
        struct receipt r;
        struct err err = {0};
        if (receipt_read_text(text_of(CASES[i].text), &ctx, &r, &err))
            fail_msg("%s: %lld", CASES[i].text, (long long)r.items[0].amount);
        assert_int_equal(err.code, CASES[i].code);
    }
}

/* ---- receipts made up ---- */

enum style { DOTS, COMMAS, PLAIN, MARKED, STYLE_COUNT };

static void print_amount(struct buf *out, int64_t amount, enum style style)
{
    char digits[32];
    int n = snprintf(digits, sizeof(digits), "%lld", (long long)amount);
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0 && style != PLAIN)
            buf_char(out, style == COMMAS ? ',' : '.');
        buf_char(out, digits[i]);
    }
    if (style == MARKED)
        buf_str(out, "đ");
}

/* Items, a tax and a discount in any style: the items are found, and what is found adds up to the total. */
static void try_made_up(uint64_t seed)
{
    static const char *const NAMES[] = {"Phở bò",      "Cà phê sữa đá",  "Bánh mì",   "Nước suối 500ml",
                                        "Giò lụa",     "Sách lớp 5",     "Bàn chải",  "iPhone 15 case",
                                        "Trà sữa (L)", "Cơm tấm - sườn", "Áo thun #3"};
    struct random rnd = random_seeded(seed);
    struct receipt_context ctx = context("VND");
    struct receipt r;
    struct err err = {0};
    struct buf text;
    int64_t count = 1 + random_up_to(&rnd, 12), sum = 0, amounts[12];
    enum style style = (enum style)random_up_to(&rnd, STYLE_COUNT);
    bool numbered = random_up_to(&rnd, 2), with_quantity = random_up_to(&rnd, 2);
    buf_init(&text, 1 << 16);
    buf_str(&text, "CỬA HÀNG MAI\n05/03/2026 10:00\n");
    for (int64_t i = 0; i < count; i++) {
        int64_t quantity = with_quantity ? 1 + random_up_to(&rnd, 5) : 1, price = 1000 * (1 + random_up_to(&rnd, 900));
        amounts[i] = quantity * price;
        sum += amounts[i];
        if (numbered)
            buf_printf(&text, "%d. ", (int)i + 1);
        buf_printf(&text, "%s     ", NAMES[random_up_to(&rnd, ARRAY_LEN(NAMES))]);
        if (with_quantity) {
            buf_printf(&text, "%d    ", (int)quantity);
            print_amount(&text, price, style);
            buf_str(&text, "    ");
        }
        print_amount(&text, amounts[i], style);
        buf_char(&text, '\n');
    }
    int64_t tax = random_up_to(&rnd, 2) ? sum / 10 / 1000 * 1000 : 0,
            discount = random_up_to(&rnd, 2) ? sum / 20 / 1000 * 1000 : 0;
    if (tax) {
        buf_str(&text, "VAT 10%    ");
        print_amount(&text, tax, style);
        buf_char(&text, '\n');
    }
    if (discount) {
        buf_str(&text, "Giảm giá    -");
        print_amount(&text, discount, style);
        buf_char(&text, '\n');
    }
    buf_str(&text, "Tổng cộng    ");
    print_amount(&text, sum + tax - discount, style);
    buf_str(&text, "\nTiền mặt    ");
    print_amount(&text, sum + tax - discount + 5000, style);
    buf_char(&text, '\n');
    if (!receipt_read_text(buf_view(&text), &ctx, &r, &err))
        fail_msg("seed %d: %s\n%s", (int)seed, err.detail, text.p);
    int64_t found = 0;
    for (size_t i = 0; i < r.count; i++)
        found += r.items[i].amount;
    if (found != sum + tax - discount || r.count != (size_t)count + (tax ? 1 : 0))
        fail_msg("seed %d: %zu items of %lld, not %lld\n%s", (int)seed, r.count, (long long)found,
                 (long long)(sum + tax - discount), text.p);
    for (int64_t i = 0; !discount && i < count; i++)
        if (r.items[i].amount != amounts[i])
            fail_msg("seed %d: item %d\n%s", (int)seed, (int)i, text.p);
    assert_text(r.merchant, "CỬA HÀNG MAI");
    assert_int_equal(r.date, 20260305);
    buf_release(&text);
    arena_reset(arena);
}

static void test_receipts_made_up_add_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++)
        try_made_up(seed);
}

/* ---- a model's JSON ---- */

static bool read_json(const char *text, struct receipt *r, struct err *err)
{
    struct receipt_context ctx = context("VND");
    AUTO(json_doc) struct json_doc *doc = json_parse(text_of(text), err);
    return doc && receipt_read_json(json_root(doc), &ctx, r, err);
}

static void test_what_a_model_says_is_checked_item_by_item(void **state)
{
    (void)state;
    struct receipt r;
    struct err err = {0};
    assert_true(read_json(
        "{\"merchant\":\"Quán A\",\"location\":7,\"receiptDate\":\"2026-03-02\",\"total\":80000,\"items\":["
        "{\"name\":\"Phở\",\"amount\":50000,\"category\":\"Ăn uống\"},{\"name\":\"Trà\",\"amount\":-1},"
        "{\"name\":\"\",\"amount\":5},{\"amount\":5},7,null,{\"name\":\"Nước\",\"amount\":\"30000\",\"date\":\"2030-01-01\"}]}",
        &r, &err));
    assert_text(r.merchant, "Quán A");
    assert_int_equal(r.date, 20260302);
    assert_int_equal(r.count, 2);
    assert_text(r.items[0].category_hint, "Ăn uống");
    assert_int_equal(r.items[1].amount, 30000);
    assert_int_equal(r.items[1].date, 0);
}

static void test_a_model_that_says_nothing_is_unreadable(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"[]", "null", "{}", "{\"items\":{}}", "{\"items\":[]}", "{\"items\":[[]]}",
                                        "7"};
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        struct receipt r;
        struct err err = {0};
        assert_false(read_json(TEXTS[i], &r, &err));
        assert_int_equal(err.code, ERR_RECEIPT_UNREADABLE);
    }
}

/* ---- categories ---- */

static void test_items_find_the_households_categories(void **state)
{
    (void)state;
    struct category own[] = {
        {.id = 1, .name = TEXT("Lương"), .type = CATEGORY_INCOME},
        {.id = 2, .name = TEXT("Ăn uống"), .icon = TEXT("🍜"), .type = CATEGORY_EXPENSE},
        {.id = 3, .name = TEXT("Thú cưng"), .type = CATEGORY_EXPENSE},
    };
    const struct category_list list = {own, ARRAY_LEN(own)};
    struct receipt_context ctx = context("VND");
    struct receipt r = {.count = 4};
    struct err err = {0};
    r.items[0] = (struct receipt_item){.name = TEXT("Cà phê sữa"), .amount = 1};
    r.items[1] = (struct receipt_item){.name = TEXT("Hạt cho mèo"), .category_hint = TEXT("thu cung"), .amount = 1};
    r.items[2] = (struct receipt_item){.name = TEXT("Vé xem phim"), .amount = 1};
    r.items[3] = (struct receipt_item){.name = TEXT("Zzz"), .amount = 1};
    assert_true(receipt_categorize(&r, &list, &ctx, &err));
    assert_int_equal(r.items[0].category_id, 2);
    assert_text(r.items[0].icon, "🍜");
    assert_text(r.items[0].category_hint, "Ăn uống");
    assert_int_equal(r.items[1].category_id, 3);
    assert_int_equal(r.items[2].category_id, 0);
    assert_text(r.items[2].category_hint, "Giải trí");
    assert_int_equal(r.items[3].category_id, 0);
    assert_null(r.items[3].category_hint.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receipts_are_read_as_they_are_printed),
        cmocka_unit_test(test_what_is_no_receipt_is_unreadable),
        cmocka_unit_test(test_at_most_a_hundred_items_are_read),
        cmocka_unit_test(test_amounts_are_read_exactly),
        cmocka_unit_test(test_dates_are_found_where_they_stand),
        cmocka_unit_test(test_a_date_of_the_future_or_of_long_ago_is_misread),
        cmocka_unit_test(test_an_e_invoice_is_read_with_its_tax_shared_out),
        cmocka_unit_test(test_a_bad_invoice_is_unreadable),
        cmocka_unit_test(test_an_invoice_in_another_currency_is_refused),
        cmocka_unit_test(test_amounts_of_another_currency_are_not_taken),
        cmocka_unit_test(test_receipts_made_up_add_up),
        cmocka_unit_test(test_what_a_model_says_is_checked_item_by_item),
        cmocka_unit_test(test_a_model_that_says_nothing_is_unreadable),
        cmocka_unit_test(test_items_find_the_households_categories),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
