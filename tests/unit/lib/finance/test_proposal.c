/* What the assistant may write: proposed first, executed once, by the rules of the routes; refused with a reason. */
#include "check.h"

#include "base/date.h"
#include "database.h"
#include "finance/nova/answer.h"
#include "finance/proposal.h"
#include "store/category.h"
#include "store/household.h"

enum { TODAY = 20261125 };
static const int64_t NOW_MS = INT64_C(1795600000000);

static struct server server;
static struct db_pool *pool;
static struct scope scope;

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        struct err err = {0};                                                                                          \
        if (!(call))                                                                                                   \
            fail_msg("%s: %s: %s [%s]", #call, err_row(err.code)->name, err.detail, err.cause);                        \
    } while (0)

static int setup(void **state)
{
    (void)state;
    pool = database_start(&server, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

/* A household of its own for each test. */
static int open_household(void **state)
{
    (void)state;
    static int number;
    char email[64];
    struct err failed = {0};
    struct category food = {.name = TEXT("Ăn uống"), .type = CATEGORY_EXPENSE};
    snprintf(email, sizeof email, "proposal%d@example.com", number++);
    scope = (struct scope){.mem = arena_new(65536, 64 * 1024 * 1024),
                           .currency = currency_find(TEXT("VND")),
                           .now_ms = NOW_MS,
                           .today = TODAY,
                           .large_amount_default = 5000000};
    database_user(pool, email, &scope.user_id, &scope.household_id);
    scope.db = db_take(pool, &failed);
    assert_non_null(scope.db);
    MUST(category_insert(scope.db, scope.household_id, &food, NOW_MS, &err));
    return 0;
}

static int close_household(void **state)
{
    (void)state;
    db_give(scope.db);
    arena_free(scope.mem);
    return 0;
}

static struct proposal propose(const char *sentence)
{
    struct nova_context ctx;
    struct nova_intent intent;
    struct proposal p;
    MUST(nova_context_read(&scope, &ctx, &err));
    MUST(nova_understand(text_of(sentence), &ctx, scope.mem, &intent, &err));
    MUST(proposal_make(&scope, &intent, &ctx, &p, &err));
    return p;
}

/* As confirm-action does it: a refusal is rolled back. */
static struct proposal_result execute(enum nova_intent_kind kind, const char *fields)
{
    struct proposal_result result = {0};
    struct err failed = {0};
    AUTO(json_doc) struct json_doc *doc = json_parse(text_of(fields), &failed);
    AUTO(tx) struct tx *tx = tx_begin(scope.db, &failed);
    assert_non_null(doc);
    assert_non_null(tx);
    scope.now_ms++;
    MUST(household_lock(scope.db, scope.household_id, &err));
    MUST(proposal_execute(&scope, kind, json_root(doc), &result, &err));
    if (result.done)
        MUST(tx_commit(tx, &err));
    return result;
}

static struct proposal_result confirm(const char *sentence)
{
    struct proposal p = propose(sentence);
    if (p.missing_count)
        fail_msg("%s: %s is missing: %s", sentence, p.missing[0], p.prompt.p);
    return execute(p.kind, p.fields.p);
}

static int64_t number(const char *form)
{
    char sql[512];
    snprintf(sql, sizeof sql, form, (long long)scope.household_id);
    return database_number(pool, sql);
}

#define LIVE "SELECT COUNT(*) FROM transactions WHERE household_id = %lld AND deleted_at IS NULL"

static void test_an_expense_is_proposed_confirmed_and_there_once(void **state)
{
    (void)state;
    struct proposal p = propose("ăn trưa 50k hôm qua");
    assert_int_equal(p.kind, INTENT_CREATE_EXPENSE);
    assert_int_equal(p.missing_count, 0);
    assert_non_null(strstr(p.fields.p, p.id));
    assert_non_null(strstr(p.prompt.p, "50.000 ₫"));
    assert_non_null(strstr(p.prompt.p, "24/11/2026"));
    assert_int_equal(number(LIVE), 0);

    struct proposal_result r = execute(p.kind, p.fields.p);
    assert_true(r.done);
    assert_false(r.repeated);
    struct proposal_result again = execute(p.kind, p.fields.p);
    assert_true(again.done);
    assert_true(again.repeated);
    assert_text(again.message, r.message.p);
    assert_int_equal(number(LIVE " AND amount = 50000 AND occurred_on = '2026-11-24'"), 1);
    assert_int_equal(number(LIVE), 1);
}

static void test_the_user_may_correct_what_was_proposed(void **state)
{
    (void)state;
    struct proposal p = propose("lunch 50k");
    char fields[512];
    snprintf(fields, sizeof fields,
             "{\"proposalId\":\"%s\",\"amount\":\"55000\",\"categoryName\":\"an uong\",\"description\":\"Phở\","
             "\"targetPercentage\":null,\"date\":\"\"}",
             p.id);
    struct proposal_result r = execute(p.kind, fields);
    assert_true(r.done);
    assert_non_null(strstr(r.message.p, "is recorded"));
    assert_int_equal(number(LIVE " AND amount = 55000 AND name = 'Phở'"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM categories WHERE household_id = %lld"), 1);
}

static void test_an_income_goes_through_the_split(void **state)
{
    (void)state;
    assert_true(confirm("lương 15tr").done);
    assert_int_equal(number(LIVE " AND kind = 'income' AND amount = 15000000"), 1);
    assert_int_equal(number("SELECT SUM(balance) FROM jars WHERE household_id = %lld"), 15000000);
    assert_true(confirm("chuyển 500k từ hũ Hưởng thụ sang hũ Giáo dục").done);
    assert_int_equal(number("SELECT balance FROM jars WHERE household_id = %lld AND name = 'Giáo dục'"), 2000000);

    struct proposal_result r = confirm("chuyển 100tr từ hũ Hưởng thụ sang hũ Giáo dục");
    assert_false(r.done);
    assert_non_null(strstr(r.message.p, "Số dư không đủ"));
    assert_int_equal(number("SELECT balance FROM jars WHERE household_id = %lld AND name = 'Giáo dục'"), 2000000);
}

static void test_what_is_there_is_changed_and_deleted(void **state)
{
    (void)state;
    assert_true(confirm("cà phê 35k").done);
    assert_true(confirm("sửa khoản chi cà phê thành 40k").done);
    assert_int_equal(number(LIVE " AND amount = 40000"), 1);
    assert_true(confirm("xóa khoản chi cà phê 40k").done);
    assert_int_equal(number(LIVE), 0);
}

static void test_several_that_fit_are_asked_about(void **state)
{
    (void)state;
    assert_true(confirm("cà phê 35k").done);
    assert_true(confirm("cà phê 35k hôm qua").done);
    struct proposal p = propose("xóa khoản chi cà phê");
    assert_int_equal(p.missing_count, 1);
    assert_string_equal(p.id, "");
    assert_non_null(strstr(p.prompt.p, "24/11/2026"));
    assert_true(confirm("xóa khoản chi cà phê hôm qua").done);
    assert_int_equal(number(LIVE " AND occurred_on = '2026-11-25'"), 1);
    assert_int_equal(number(LIVE), 1);

    p = propose("xóa khoản chi tiền nhà");
    assert_int_equal(p.missing_count, 1);
    assert_non_null(strstr(p.prompt.p, "không tìm thấy"));
}

static void test_categories_and_jars(void **state)
{
    (void)state;
    assert_true(confirm("tạo danh mục Thú cưng").done);
    assert_false(confirm("tạo danh mục Thú cưng").done);
    assert_true(confirm("đổi tên danh mục Thú cưng thành Mèo").done);
    assert_int_equal(number("SELECT COUNT(*) FROM categories WHERE household_id = %lld AND name = 'Mèo' AND active"),
                     1);
    assert_true(confirm("xóa danh mục Mèo").done);
    assert_int_equal(number("SELECT COUNT(*) FROM categories WHERE household_id = %lld AND active"), 1);

    assert_true(confirm("tạo hũ Du lịch 15%").done);
    assert_true(confirm("đổi hũ Du lịch thành 20%").done);
    assert_int_equal(number("SELECT target_bp FROM jars WHERE household_id = %lld AND name = 'Du lịch' AND active"),
                     2000);
    assert_true(confirm("xóa hũ Du lịch").done);
    assert_int_equal(number("SELECT COUNT(*) FROM jars WHERE household_id = %lld AND active"), 0);
}

static void test_refusals_say_why_and_change_nothing(void **state)
{
    (void)state;
    static const struct {
        enum nova_intent_kind kind;
        const char *fields, *says;
    } CASES[] = {
        {INTENT_CREATE_EXPENSE, "{\"categoryName\":\"Ăn uống\"}", "amount"},
        {INTENT_CREATE_EXPENSE, "{\"amount\":-5}", "amount"},
        {INTENT_CREATE_EXPENSE, "{\"amount\":\"viel\",\"date\":\"2026-02-30\"}", "date"},
        {INTENT_CREATE_EXPENSE, "{\"amount\":1,\"jarName\":\"Không có\"}", "Không tìm thấy hũ"},
        {INTENT_CREATE_EXPENSE, "[]", "không hợp lệ"},
        {INTENT_CREATE_EXPENSE, "{\"amount\":1,\"proposalId\":\"x\"}", "Không tìm thấy đề xuất"},
        {INTENT_CREATE_EXPENSE, "{\"amount\":1,\"proposalId\":\"0190f3a0-0000-7000-8000-000000000000\"}",
         "Không tìm thấy đề xuất"},
        {INTENT_DELETE_EXPENSE, "{\"transactionId\":1}", "Không tìm thấy"},
        {INTENT_DELETE_EXPENSE, "{}", "Không tìm thấy giao dịch"},
        {INTENT_DELETE_CATEGORY, "{\"categoryName\":\"Không có\"}", "Không tìm thấy danh mục"},
        {INTENT_UPDATE_CATEGORY, "{\"categoryName\":\"Ăn uống\"}", "name"},
        {INTENT_TRANSFER_JAR, "{\"amount\":5,\"fromJarName\":\"Unassigned\",\"toJarName\":\"chưa phân bổ\"}",
         "Hai hũ phải khác nhau"},
        {INTENT_SPENT, "{}", "chưa được hỗ trợ"},
        {INTENT_UNKNOWN, "{}", "chưa được hỗ trợ"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct proposal_result r = execute(CASES[i].kind, CASES[i].fields);
        if (r.done || !strstr(r.message.p, CASES[i].says))
            fail_msg("%s -> %s: %s", CASES[i].fields, r.done ? "done" : "refused", r.message.p);
    }
    assert_int_equal(number(LIVE), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM categories WHERE household_id = %lld AND active"), 1);
}

static void test_a_proposal_is_its_users_own_and_ends(void **state)
{
    (void)state;
    struct proposal p = propose("ăn trưa 50k");
    struct scope mine = scope;
    database_user(pool, "thief@example.com", &scope.user_id, &scope.household_id);
    assert_false(execute(p.kind, p.fields.p).done);
    assert_int_equal(number(LIVE), 0);
    scope = mine;

    assert_false(execute(INTENT_CREATE_INCOME, p.fields.p).done);
    scope.now_ms = NOW_MS + PROPOSAL_MINUTES * INT64_C(60000);
    struct proposal_result r = execute(p.kind, p.fields.p);
    assert_false(r.done);
    assert_non_null(strstr(r.message.p, "hết hạn"));
    assert_int_equal(number(LIVE), 0);
}

static void test_what_is_missing_is_asked_for(void **state)
{
    (void)state;
    struct proposal p = propose("chuyển 500k sang hũ");
    assert_true(p.missing_count > 0);
    assert_string_equal(p.id, "");
    assert_non_null(strstr(p.prompt.p, "hũ nào"));
    assert_int_equal(number("SELECT COUNT(*) FROM proposals WHERE household_id = %lld"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_household, close_household)
    const struct CMUnitTest tests[] = {
        TEST(test_an_expense_is_proposed_confirmed_and_there_once),
        TEST(test_the_user_may_correct_what_was_proposed),
        TEST(test_an_income_goes_through_the_split),
        TEST(test_what_is_there_is_changed_and_deleted),
        TEST(test_several_that_fit_are_asked_about),
        TEST(test_categories_and_jars),
        TEST(test_refusals_say_why_and_change_nothing),
        TEST(test_a_proposal_is_its_users_own_and_ends),
        TEST(test_what_is_missing_is_asked_for),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
