/* The sentences of tests/data/sentences.tsv, which grows; and what no sentence may do. */
#include "check.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/date.h"
#include "finance/nova/fold.h"
#include "finance/nova/understand.h"
#include "random.h"
#include "store/category.h"

static const struct nova_name CATEGORIES[] = {
    {1, TEXT_INIT("Ăn uống"), CATEGORY_EXPENSE},  {2, TEXT_INIT("Di chuyển"), CATEGORY_EXPENSE},
    {3, TEXT_INIT("Nhà cửa"), CATEGORY_EXPENSE},  {4, TEXT_INIT("Mua sắm"), CATEGORY_EXPENSE},
    {5, TEXT_INIT("Sức khỏe"), CATEGORY_EXPENSE}, {6, TEXT_INIT("Giải trí"), CATEGORY_EXPENSE},
    {7, TEXT_INIT("Lương"), CATEGORY_INCOME},     {8, TEXT_INIT("Thưởng"), CATEGORY_INCOME},
};
static const struct nova_name JARS[] = {
    {11, TEXT_INIT("Nhu cầu thiết yếu"), 0}, {12, TEXT_INIT("Tự do tài chính"), 0},
    {13, TEXT_INIT("Tiết kiệm dài hạn"), 0}, {14, TEXT_INIT("Giáo dục"), 0},
    {15, TEXT_INIT("Hưởng thụ"), 0},         {16, TEXT_INIT("Cho đi"), 0},
};

static struct nova_context context(void)
{
    return (struct nova_context){.today = 20261125,
                                 .currency = currency_find(TEXT("VND")),
                                 .categories = CATEGORIES,
                                 .category_count = ARRAY_LEN(CATEGORIES),
                                 .jars = JARS,
                                 .jar_count = ARRAY_LEN(JARS)};
}

static struct nova_intent understand(struct text sentence, struct arena *mem)
{
    struct nova_context ctx = context();
    struct nova_intent intent;
    struct err err = {0};
    assert_true(nova_understand(sentence, &ctx, mem, &intent, &err));
    return intent;
}

static const char *kind_name(enum nova_intent_kind kind)
{
    static const char *const QUESTIONS[] = {"UNKNOWN", "GREETING", "THANKS", "HELP",    "BALANCE", "SPENT",
                                            "EARNED",  "BIGGEST",  "LATEST", "COMPARE", "AFFORD",  "JAR_LEFT"};
    return nova_intent_is_command(kind) ? nova_intent_name(kind) : QUESTIONS[kind];
}

static void when_text(const struct nova_intent *i, bool period, char out[64])
{
    char from[DATE_TEXT_MAX], to[DATE_TEXT_MAX];
    if (!i->from) {
        snprintf(out, 64, "-");
        return;
    }
    date_format(i->from, from);
    date_format(i->to, to);
    if (i->from == i->to && !period)
        snprintf(out, 64, "%s", from);
    else
        snprintf(out, 64, "%s..%s", from, to);
}

static void category_text(const struct nova_intent *i, char out[128])
{
    for (size_t c = 0; c < ARRAY_LEN(CATEGORIES); c++)
        if (CATEGORIES[c].id == i->category_id) {
            snprintf(out, 128, "%.*s", TEXT_ARG(CATEGORIES[c].name));
            return;
        }
    if (i->category_hint.n)
        snprintf(out, 128, "~%.*s", TEXT_ARG(i->category_hint));
    else
        snprintf(out, 128, "-");
}

static bool row_is_right(char *line, struct arena *mem)
{
    struct text rest = text_of(line), cells[5];
    size_t n = 0;
    while (n < ARRAY_LEN(cells) && text_split(&rest, '\t', &cells[n]))
        n++;
    assert_int_equal(n, ARRAY_LEN(cells));
    struct nova_intent i = understand(cells[0], mem);
    char amount[32] = "-", when[64], category[128], got[400], want[400];
    if (i.has_amount)
        snprintf(amount, sizeof amount, "%lld", (long long)i.amount);
    bool command = nova_intent_is_command(i.kind);
    when_text(&i, !command, when);
    category_text(&i, category);
    if (i.kind == INTENT_AFFORD)
        snprintf(category, sizeof category, "-");
    snprintf(got, sizeof got, "%s %s %s %s", kind_name(i.kind), amount, when, category);
    snprintf(want, sizeof want, "%.*s %.*s %.*s %.*s", TEXT_ARG(cells[1]), TEXT_ARG(cells[2]), TEXT_ARG(cells[3]),
             TEXT_ARG(cells[4]));
    if (strcmp(got, want) != 0)
        printf("  %.*s\n    means %s\n    got   %s\n", TEXT_ARG(cells[0]), want, got);
    return strcmp(got, want) == 0;
}

static void test_the_sentences_of_users_are_understood(void **state)
{
    (void)state;
    FILE *file = fopen("tests/data/sentences.tsv", "r");
    struct arena *mem = arena_new(65536, 64 * 1024 * 1024);
    char line[1024];
    int rows = 0, right = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (!line[0] || line[0] == '#')
            continue;
        rows++;
        right += row_is_right(line, mem);
        arena_reset(mem);
    }
    fclose(file);
    arena_free(mem);
    printf("  %d of %d sentences\n", right, rows);
    assert_true(rows >= 100);
    assert_true(right * 100 >= rows * 95);
}

static void test_names_come_without_amount_date_and_filler_words(void **state)
{
    (void)state;
    static const struct {
        const char *sentence, *name;
    } CASES[] = {
        {"ăn trưa 50k", "ăn trưa"},
        {"cà phê 35 nghìn hôm qua", "cà phê"},
        {"tôi vừa mua giày hết 500k", "mua giày"},
        {"Trà sữa Gong Cha 65k", "Trà sữa Gong Cha"},
        {"I spent 90k on snacks", "snacks"},
        {"lunch 50k yesterday", "lunch"},
        {"tạo danh mục Thú cưng loại chi", "Thú cưng"},
        {"create jar Travel 10%", "Travel"},
        {"xóa hũ Cho đi", "Cho đi"},
    };
    struct arena *mem = arena_new(65536, 1024 * 1024);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct nova_intent intent = understand(text_of(CASES[i].sentence), mem);
        assert_text(intent.name, CASES[i].name);
    }
    arena_free(mem);
}

static void test_a_move_names_both_jars(void **state)
{
    (void)state;
    struct arena *mem = arena_new(65536, 1024 * 1024);
    struct nova_intent i = understand(TEXT("chuyển 500k từ hũ Hưởng thụ sang hũ Giáo dục"), mem);
    assert_int_equal(i.jar_id, 15);
    assert_int_equal(i.to_jar_id, 14);
    i = understand(TEXT("transfer 500k from Giáo dục to Hưởng thụ"), mem);
    assert_int_equal(i.jar_id, 14);
    assert_int_equal(i.to_jar_id, 15);
    i = understand(TEXT("đổi tên hũ Cho đi thành Từ thiện"), mem);
    assert_int_equal(i.jar_id, 16);
    assert_text(i.new_name, "Từ thiện");
    i = understand(TEXT("đổi hũ Giáo dục thành 15%"), mem);
    assert_int_equal(i.jar_id, 14);
    assert_int_equal(i.target_bp, 1500);
    arena_free(mem);
}

static void test_folding_takes_composed_and_combining_letters_alike(void **state)
{
    (void)state;
    struct arena *mem = arena_new(4096, 65536);
    assert_text(nova_fold(TEXT("ĐẶNG  Thị\tNữ"), mem), "dang thi nu");
    assert_text(nova_fold(TEXT("a\xCC\x86n u\xCC\xA3"), mem), "an u");
    assert_text(nova_fold(TEXT("ăâđêôơưỳỵ"), mem), "aadeoouyy");
    assert_text(nova_fold(TEXT("日本 ₫"), mem), "日本 ₫");
    arena_free(mem);
}

static void test_any_bytes_are_taken_without_harm(void **state)
{
    (void)state;
    static const char *const PIECES[] = {"50k",
                                         "triệu",
                                         "1.5",
                                         "hũ",
                                         "từ",
                                         "sang",
                                         "ngày",
                                         "5/3",
                                         "/",
                                         "%",
                                         "xóa",
                                         "đổi tên",
                                         "thành",
                                         "hôm qua",
                                         "how much",
                                         "nửa",
                                         "999999999999999999",
                                         "trăm",
                                         "rưỡi",
                                         "thứ",
                                         "2026",
                                         "\xC3",
                                         "a\xCC\x80",
                                         "₫",
                                         "$",
                                         "?",
                                         "chuyển",
                                         "và",
                                         "...",
                                         ",,",
                                         "tháng 13",
                                         "ngày 31/2",
                                         "31"};
    struct arena *mem = arena_new(65536, 8 * 1024 * 1024);
    struct random r = random_seeded(3);
    for (int round = 0; round < 3000; round++) {
        char sentence[1024];
        size_t n = 0;
        for (int64_t i = random_up_to(&r, 24); i >= 0; i--) {
            const char *piece = PIECES[random_up_to(&r, ARRAY_LEN(PIECES))];
            n += (size_t)snprintf(sentence + n, sizeof sentence - n, "%s%s", piece, random_up_to(&r, 4) ? " " : "");
        }
        struct nova_intent i = understand((struct text){sentence, n}, mem);
        assert_true(i.kind < INTENT_COUNT);
        assert_true(!i.has_amount || i.amount > 0);
        assert_true(!i.has_amount || i.amount <= money_max(currency_find(TEXT("VND"))));
        arena_reset(mem);
    }
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sentences_of_users_are_understood),
        cmocka_unit_test(test_names_come_without_amount_date_and_filler_words),
        cmocka_unit_test(test_a_move_names_both_jars),
        cmocka_unit_test(test_folding_takes_composed_and_combining_letters_alike),
        cmocka_unit_test(test_any_bytes_are_taken_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
