/* The assistant's figures over a real database: each answer tells what SQL gives, in the language of the question. */
#include "check.h"

#include "base/date.h"
#include "database.h"
#include "finance/expense.h"
#include "finance/income.h"
#include "finance/jars.h"
#include "finance/nova/answer.h"
#include "store/category.h"
#include "store/household.h"
#include "store/jar.h"

enum { TODAY = 20261125 };
static const int64_t NOW_MS = INT64_C(1795600000000);

static struct server server;
static struct db_pool *pool;
static struct scope scope;
static int64_t food, transport, salary, jar;

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s: %s [%s]", #call, err_row(err.code)->name, err.detail, err.cause);                        \
    } while (0)

static int64_t category(const char *name, int64_t type)
{
    struct category c = {.name = text_of(name), .type = type};
    MUST(category_insert(scope.db, scope.household_id, &c, NOW_MS, &err));
    return c.id;
}

static void spend(const char *name, int64_t amount, int64_t category_id, int64_t jar_id, int32_t day)
{
    struct transaction made;
    struct expense_input in = {
        .name = text_of(name), .amount = amount, .category_id = category_id, .jar_id = jar_id, .occurred_on = day};
    struct err failed = {0};
    struct tx *tx = tx_begin(scope.db, &failed);
    assert_non_null(tx);
    MUST(household_lock(scope.db, scope.household_id, &err));
    MUST(expense_add(&scope, &in, &made, &err));
    MUST(tx_commit(tx, &err));
}

static void earn(int64_t amount, int32_t day)
{
    struct income_result made;
    struct income_input in = {
        .name = TEXT("Lương"), .amount = amount, .category_id = salary, .occurred_on = day, .allocations_given = true};
    struct allocation all = {.jar_id = jar, .amount = amount / 2};
    in.allocations = &all;
    in.allocation_count = 1;
    struct err failed = {0};
    struct tx *tx = tx_begin(scope.db, &failed);
    assert_non_null(tx);
    MUST(household_lock(scope.db, scope.household_id, &err));
    MUST(income_add(&scope, &in, &made, &err));
    MUST(tx_commit(tx, &err));
}

static void make_jar(void)
{
    static const int64_t NOTHING = 0;
    struct jar_list made;
    struct jar fun = {.name = TEXT("Hưởng thụ"), .color = text_of(JAR_DEFAULT_COLOR), .target_bp = 1000};
    struct err failed = {0};
    struct tx *tx = tx_begin(scope.db, &failed);
    assert_non_null(tx);
    MUST(household_lock(scope.db, scope.household_id, &err));
    MUST(jars_create(&scope, &fun, &NOTHING, 1, &made, &err));
    jar = made.items[0].id;
    MUST(tx_commit(tx, &err));
}

static int setup(void **state)
{
    (void)state;
    struct err err = {0};
    pool = database_start(&server, 2);
    scope = (struct scope){.mem = arena_new(65536, 64 * 1024 * 1024),
                           .currency = currency_find(TEXT("VND")),
                           .now_ms = NOW_MS,
                           .today = TODAY,
                           .large_amount_default = 5000000};
    database_user(pool, "answer@example.com", &scope.user_id, &scope.household_id);
    scope.db = db_take(pool, &err);
    assert_non_null(scope.db);
    food = category("Ăn uống", CATEGORY_EXPENSE);
    transport = category("Di chuyển", CATEGORY_EXPENSE);
    salary = category("Lương", CATEGORY_INCOME);
    make_jar();
    earn(10000000, 20261101);
    spend("Phở", 60000, food, 0, 20261125);
    spend("Bún chả", 90000, food, jar, 20261120);
    spend("Xăng", 100000, transport, 0, 20261110);
    spend("Tiệc", 500000, food, 0, 20261015);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    db_give(scope.db);
    arena_free(scope.mem);
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

static struct nova_answer answer_to(const char *sentence)
{
    struct nova_context ctx;
    struct nova_intent intent;
    struct nova_answer answer;
    MUST(nova_context_read(&scope, &ctx, &err));
    MUST(nova_understand(text_of(sentence), &ctx, scope.mem, &intent, &err));
    MUST(nova_answer(&scope, &intent, &ctx, &answer, &err));
    return answer;
}

static void test_questions_are_answered_with_the_exact_figures(void **state)
{
    (void)state;
    static const struct {
        const char *question, *tool, *says;
        int64_t total, other;
    } CASES[] = {
        {"tháng này tôi chi bao nhiêu cho ăn uống?", "totals", "150.000 ₫", 150000, 0},
        {"thang nay chi bao nhieu cho an uong", "totals", "Ăn uống", 150000, 0},
        {"how much did I spend on food this month?", "totals", "150,000 VND", 150000, 0},
        {"hôm nay tiêu hết bao nhiêu?", "by_category", "Hôm nay bạn đã chi 60.000", 60000, 0},
        {"tháng này chi bao nhiêu?", "by_category", "Tháng này bạn đã chi 250.000 ₫ (3 giao dịch).", 250000, 0},
        {"tháng này thu nhập bao nhiêu?", "by_category", "10.000.000 ₫", 10000000, 0},
        {"so sánh chi tiêu tháng này với tháng trước", "compare", "Giảm 250.000 ₫ (50%)", 250000, 500000},
        {"compare this month with last month", "compare", "250,000 VND less (50%)", 250000, 500000},
        {"khoản chi lớn nhất tháng này", "biggest", "1. Xăng: 100.000 ₫ (10/11/2026)", 250000, 0},
        {"số dư của tôi là bao nhiêu?", "balances", "9.250.000 ₫", 9250000, 4340000},
        {"hũ Hưởng thụ còn bao nhiêu?", "jar_left", "còn 4.910.000 ₫", 4910000, 818333},
        {"mua điện thoại 5 triệu được không?", "afford", "còn 4.250.000 ₫", 9250000, 4250000},
        {"can I afford a car for 50 million?", "afford", "not enough", 9250000, -40750000},
        {"các giao dịch gần đây", "latest", "1. Phở: -60.000 ₫", 9250000, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct nova_answer a = answer_to(CASES[i].question);
        if (!a.source_count || strcmp(a.sources[0]->tool, CASES[i].tool) != 0 || !strstr(a.reply.p, CASES[i].says) ||
            a.sources[0]->total != CASES[i].total || a.sources[0]->other_total != CASES[i].other)
            fail_msg("\"%s\" -> %s %lld %lld: %s", CASES[i].question, a.source_count ? a.sources[0]->tool : "no tool",
                     a.source_count ? (long long)a.sources[0]->total : 0,
                     a.source_count ? (long long)a.sources[0]->other_total : 0, a.reply.p);
    }
}

static void test_talk_needs_no_tool(void **state)
{
    (void)state;
    struct nova_answer a = answer_to("xin chào");
    assert_int_equal(a.source_count, 0);
    assert_non_null(strstr(a.reply.p, "Nova"));
    a = answer_to("qwerty zxcvb");
    assert_true(a.reply.n > 0);
}

static struct tool_result run(const char *tool, const char *arguments)
{
    struct tool_result result;
    struct tool_arguments read;
    struct err failed = {0};
    AUTO(json_doc) struct json_doc *doc = json_parse(text_of(arguments), &failed);
    assert_non_null(doc);
    MUST(tool_read_arguments(json_root(doc), scope.currency, &read, &err));
    const struct tool *t = tool_find(text_of(tool));
    assert_non_null(t);
    MUST(t->run(&scope, &read, &result, &err));
    return result;
}

static void test_every_tool_runs_without_arguments_and_has_a_schema(void **state)
{
    (void)state;
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        struct err err = {0};
        struct tool_result r = run(TOOLS[i].name, "{}");
        assert_string_equal(r.tool, TOOLS[i].name);
        AUTO(json_doc) struct json_doc *doc = json_parse(text_of(TOOLS[i].parameters), &err);
        assert_non_null(doc);
        assert_int_equal(json_kind(json_root(doc)), JSON_OBJECT);
    }
}

static void test_months_and_averages(void **state)
{
    (void)state;
    struct tool_result r = run("by_month", "{\"from\":\"2026-09-01\",\"to\":\"2026-11-30\"}");
    assert_int_equal(r.figure_count, 2);
    assert_text(r.figures[0].label, "2026-10");
    assert_int_equal(r.figures[0].amount, 500000);
    assert_int_equal(r.total, 750000);
    r = run("average", "{}");
    assert_int_equal(r.total, 166666); /* 500,000 over August, September, October */
    r = run("by_jar", "{}");
    assert_int_equal(r.figure_count, 2);
    assert_true(r.figures[1].id == jar);
    assert_int_equal(r.figures[1].amount, 90000);
}

static void test_what_a_model_invents_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "[]",
        "\"from\"",
        "{\"from\":\"2026-13-01\"}",
        "{\"from\":\"2026-11-30\",\"to\":\"2026-11-01\"}",
        "{\"householdId\":1}",
        "{\"limit\":1000}",
        "{\"amount\":-5}",
        "{\"kind\":\"everything\"}",
        "{\"jarId\":\"x\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct err err = {0};
        struct tool_arguments read;
        AUTO(json_doc) struct json_doc *doc = json_parse(text_of(BAD[i]), &err);
        assert_non_null(doc);
        if (tool_read_arguments(json_root(doc), scope.currency, &read, &err))
            fail_msg("%s was taken", BAD[i]);
        assert_int_equal(err.code, ERR_VALIDATION);
    }
}

static void test_another_household_sees_nothing(void **state)
{
    (void)state;
    struct scope mine = scope;
    database_user(pool, "other@example.com", &scope.user_id, &scope.household_id);
    char arguments[64];
    snprintf(arguments, sizeof arguments, "{\"categoryId\":%lld}", (long long)food);
    assert_int_equal(run("totals", arguments).total, 0);
    assert_int_equal(run("latest", "{}").figure_count, 0);
    struct err err = {0};
    struct tool_result r;
    assert_false(
        tool_find(TEXT("jar_left"))->run(&scope, &(struct tool_arguments){.kind = -1, .jar_id = jar}, &r, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    scope = mine;
}

static void test_a_result_is_written_as_json(void **state)
{
    (void)state;
    struct tool_result r = run("biggest", "{\"limit\":1}");
    struct err err = {0};
    struct buf buf;
    struct json_out j;
    buf_init(&buf, 65536);
    json_out_init(&j, &buf);
    tool_write_json(&j, &r, scope.currency);
    AUTO(json_doc) struct json_doc *doc = json_parse(buf_view(&buf), &err);
    assert_non_null(doc);
    const struct json_node *figures, *arguments;
    assert_true(json_get(json_root(doc), "figures", &figures));
    assert_int_equal(json_count(figures), 1);
    assert_text(json_get_text(json_at(figures, 0), "label"), "Xăng");
    assert_text(json_get_text(json_at(figures, 0), "date"), "2026-11-10");
    assert_int_equal(json_get_int(json_root(doc), "total", 0), 100000);
    assert_true(json_get(json_root(doc), "arguments", &arguments));
    assert_text(json_get_text(arguments, "from"), "2026-11-01");
    buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions_are_answered_with_the_exact_figures),
        cmocka_unit_test(test_talk_needs_no_tool),
        cmocka_unit_test(test_every_tool_runs_without_arguments_and_has_a_schema),
        cmocka_unit_test(test_months_and_averages),
        cmocka_unit_test(test_what_a_model_invents_is_refused),
        cmocka_unit_test(test_another_household_sees_nothing),
        cmocka_unit_test(test_a_result_is_written_as_json),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
