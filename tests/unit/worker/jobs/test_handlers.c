/* The job handlers over a real MariaDB: what each leaves in the ledger of mails and in the app. */
#include "check.h"

#include "base/attr.h"
#include "base/date.h"
#include "database.h"
#include "finance/expense.h"
#include "finance/income.h"
#include "finance/jar_limits.h"
#include "finance/jars.h"
#include "finance/undo.h"
#include "jobs/handlers.h"
#include "store/category.h"
#include "store/household.h"

#define EVENT "019f0000-0000-7000-8000-000000000001"

static const int64_t NOW = INT64_C(1790000000000); /* 2026-09-21 */

static struct server server;
static struct db_pool *pool;
static struct arena *mem;
static struct scope scope;
static int64_t jar, category;
static int users;

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s [%s]", err->detail, err->cause);
}

static int start(void **state)
{
    (void)state;
    pool = database_start(&server, 3);
    mem = arena_new(65536, 64 * 1024 * 1024);
    return mem ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    arena_free(mem);
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

/* 1,000,000 in a jar. */
static void fill_books(struct err *err)
{
    struct category food = {.name = TEXT("Ăn uống"), .type = CATEGORY_EXPENSE},
                    wage = {.name = TEXT("Lương"), .type = CATEGORY_INCOME};
    struct jar travel = {.name = TEXT("Du lịch"), .icon = TEXT(""), .color = TEXT("#000000"), .target_bp = 10000};
    const int64_t nothing = 0;
    struct jar_list jars;
    struct income_result income;
    must(category_insert(scope.db, scope.household_id, &food, NOW, err) &&
             category_insert(scope.db, scope.household_id, &wage, NOW, err) &&
             jars_create(&scope, &travel, &nothing, 1, &jars, err),
         err);
    category = food.id;
    jar = jars.items[0].id;
    struct allocation all = {.jar_id = jar, .amount = 1000000};
    struct income_input in = {.name = TEXT("Lương"),
                              .category_id = wage.id,
                              .amount = 1000000,
                              .allocations_given = true,
                              .allocations = &all,
                              .allocation_count = 1};
    must(income_add(&scope, &in, &income, err), err);
}

static int fresh(void **state)
{
    struct err err = {0};
    char email[64];
    (void)state;
    arena_reset(mem);
    database_run(pool, "DELETE FROM mail_ledger");
    database_run(pool, "DELETE FROM notifications");
    scope = (struct scope){.mem = mem, .currency = currency_find(TEXT("VND")), .now_ms = NOW, .today = 20260921};
    scope.large_amount_default = 5000000;
    snprintf(email, sizeof email, "u%d@example.com", ++users);
    database_user(pool, email, &scope.user_id, &scope.household_id);
    scope.db = db_take(pool, &err);
    must(scope.db != NULL, &err);
    fill_books(&err);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    db_give(scope.db);
    return 0;
}

static void speak_english(void)
{
    char sql[96];
    snprintf(sql, sizeof sql, "UPDATE users SET language = 'en' WHERE id = %d", (int)scope.user_id);
    database_run(pool, sql);
}

static int64_t spend(const char *name, int64_t amount)
{
    struct err err = {0};
    struct transaction t;
    struct expense_input in = {
        .name = text_of(name), .category_id = category, .jar_id = jar, .amount = amount, .occurred_on = 20260920};
    must(expense_add(&scope, &in, &t, &err), &err);
    return t.id;
}

/* As the runner does it; the job's own transaction is left out. */
static bool run(job_fn *handler, int64_t subject, const char *data, struct job *job, struct err *err)
{
    struct event event = {.id = EVENT, .household_id = scope.household_id, .user_id = scope.user_id};
    struct json_doc *doc = json_parse(text_of(data), err);
    assert_non_null(doc);
    event.subject_id = subject;
    event.data = json_root(doc);
    *job = (struct job){.scope = &scope, .event = &event};
    bool ok = handler(job, err);
    json_doc_free(doc);
    return ok;
}

static struct job run_well(job_fn *handler, int64_t subject, const char *data)
{
    struct job job;
    struct err err = {0};
    must(run(handler, subject, data, &job, &err), &err);
    return job;
}

static void run_in_vain(job_fn *handler, int64_t subject, const char *data, enum err_code code)
{
    struct job job;
    struct err err = {0};
    if (run(handler, subject, data, &job, &err) || err.code != code)
        fail_msg("%s: %d %s", data, err.code, err.detail);
    assert_int_equal(database_number(pool, "SELECT COUNT(*) FROM mail_ledger"), 0);
}

static const char *mail_value(const char *name)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT JSON_UNQUOTE(JSON_EXTRACT(data, '$.%s')) FROM mail_ledger", name);
    return database_text(pool, sql);
}

static const char MAILS[] =
    "SELECT COALESCE(GROUP_CONCAT(template, ' ', language, ' ', recipient), '') FROM mail_ledger";
static const char TOLD[] = "SELECT COALESCE(GROUP_CONCAT(title, ' | ', message ORDER BY id SEPARATOR ' / '), '')"
                           " FROM notifications WHERE type = 'EXPENSE'";
static const char ALERTS[] = "SELECT COALESCE(GROUP_CONCAT(title, ' | ', message), '') FROM notifications"
                             " WHERE type = 'SPENDING_ALERT'";

static void assert_mails(const char *template_and_language)
{
    char expected[128];
    snprintf(expected, sizeof expected, "%s u%d@example.com", template_and_language, users);
    assert_string_equal(database_text(pool, MAILS), expected);
}

/* ---- transaction.large ---- */

static void test_a_large_transaction_is_mailed_and_told_with_what_is_left(void **state)
{
    (void)state;
    struct job job = run_well(job_transaction_large, spend("Phòng", 300000), "{}");
    assert_true(job.mail_added);
    assert_string_equal(job.alarm, "");
    assert_mails("transaction_large vi");
    assert_string_equal(mail_value("transactionName"), "Phòng");
    assert_string_equal(mail_value("kind"), "Chi tiêu");
    assert_string_equal(mail_value("date"), "20/09/2026");
    assert_string_equal(mail_value("category"), "Ăn uống");
    assert_string_equal(mail_value("jar"), "Du lịch");
    assert_string_equal(mail_value("daysLeft"), "10");
    assert_string_equal(mail_value("over"), "");
    assert_non_null(strstr(mail_value("limit"), "1.000.000"));
    assert_non_null(strstr(mail_value("available"), "700.000"));
    assert_non_null(strstr(mail_value("pace"), "70.000"));
    assert_non_null(strstr(database_text(pool, TOLD), "Giao dịch lớn | Chi tiêu 300.000"));
}

static void test_it_is_told_in_the_users_language(void **state)
{
    (void)state;
    speak_english();
    run_well(job_transaction_large, spend("Room", 900000), "{}");
    assert_mails("transaction_large en");
    assert_string_equal(mail_value("kind"), "Expense");
    assert_string_equal(mail_value("date"), "20 Sep 2026");
    assert_non_null(strstr(mail_value("available"), "100,000"));
    assert_non_null(strstr(database_text(pool, TOLD), "Large transaction | Expense"));
    assert_non_null(strstr(database_text(pool, ALERTS), "Jar Du lịch has used more than 80% of its limit | Spent "));
}

static void test_a_threshold_is_told_in_vietnamese_too(void **state)
{
    (void)state;
    run_well(job_transaction_large, spend("Phòng", 1000000), "{}");
    assert_non_null(strstr(database_text(pool, ALERTS), "Hũ Du lịch đã hết hạn mức tháng này | Đã chi 1.000.000"));
}

static void test_over_the_limit_the_mail_says_so_and_tells_no_pace(void **state)
{
    (void)state;
    run_well(job_transaction_large, spend("Phòng", 1500000), "{}");
    assert_string_equal(mail_value("over"), "1");
    assert_string_equal(mail_value("pace"), "");
}

static void test_what_was_undone_meanwhile_is_not_told(void **state)
{
    (void)state;
    struct err err = {0};
    struct transaction t;
    int64_t id = spend("Phòng", 300000);
    must(transaction_find(scope.db, scope.household_id, id, mem, &t, &err), &err);
    must(transaction_remove(&scope, &t, &err), &err);
    struct job job = run_well(job_transaction_large, id, "{}");
    assert_false(job.mail_added);
    assert_string_equal(database_text(pool, MAILS), "");
    assert_string_equal(database_text(pool, TOLD), "");
}

static void test_a_jar_that_is_gone_is_left_out(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t id = spend("Phòng", 300000);
    must(jars_remove(&scope, jar, &err), &err);
    run_well(job_transaction_large, id, "{}");
    assert_mails("transaction_large vi");
    assert_string_equal(mail_value("jar"), "");
}

static void test_twice_is_once(void **state)
{
    (void)state;
    int64_t id = spend("Phòng", 900000);
    run_well(job_transaction_large, id, "{}");
    run_well(job_transaction_large, id, "{}");
    assert_int_equal(database_number(pool, "SELECT COUNT(*) FROM mail_ledger"), 1);
    assert_int_equal(database_number(pool, "SELECT COUNT(*) FROM notifications"), 2); /* itself and the threshold */
}

static void test_a_transaction_of_another_household_is_not_found(void **state)
{
    (void)state;
    int64_t id = spend("Phòng", 300000);
    scope.household_id += 1000;
    run_in_vain(job_transaction_large, id, "{}", ERR_NOT_FOUND);
}

static void test_a_disabled_user_gets_no_mail(void **state)
{
    (void)state;
    char sql[96];
    int64_t id = spend("Phòng", 300000);
    snprintf(sql, sizeof sql, "UPDATE users SET status = 'disabled' WHERE id = %d", (int)scope.user_id);
    database_run(pool, sql);
    struct job job = run_well(job_transaction_large, id, "{}");
    assert_false(job.mail_added);
    assert_string_equal(database_text(pool, MAILS), "");
}

/* ---- jars.recalculate ---- */

static void test_drift_is_mended_and_raises_an_alarm(void **state)
{
    (void)state;
    char sql[96];
    struct job job = run_well(job_jars_recalculate, 0, "{\"fromMonth\":\"2026-09\"}");
    assert_string_equal(job.alarm, "");
    snprintf(sql, sizeof sql, "UPDATE jar_months SET spent = spent + 7 WHERE jar_id = %d", (int)jar);
    database_run(pool, sql);
    job = run_well(job_jars_recalculate, 0, "{\"fromMonth\":\"2026-09\"}");
    assert_string_equal(job.alarm, "repaired 1 jar months and 0 balances that did not equal their entries");
    job = run_well(job_jars_recalculate, 0, "{\"fromMonth\":\"2026-09\"}");
    assert_string_equal(job.alarm, "");
}

static void test_a_recalculation_needs_its_month(void **state)
{
    (void)state;
    run_in_vain(job_jars_recalculate, 0, "{}", ERR_PERMANENT);
    run_in_vain(job_jars_recalculate, 0, "{\"fromMonth\":\"2026-13\"}", ERR_PERMANENT);
    run_in_vain(job_jars_recalculate, 0, "{\"fromMonth\":202609}", ERR_PERMANENT);
}

/* ---- otp.requested, mail.requested ---- */

static void test_a_codes_mail_holds_no_code_in_the_ledger(void **state)
{
    (void)state;
    run_well(job_otp_requested, 0, "{\"purpose\":\"activate\"}");
    assert_mails("otp_activate vi");
    assert_string_equal(database_text(pool, "SELECT data FROM mail_ledger"), "{\"purpose\":\"activate\"}");
}

static void test_a_new_address_gets_the_mail_itself(void **state)
{
    (void)state;
    run_well(job_otp_requested, 0, "{\"purpose\":\"email\",\"email\":\"new@example.com\"}");
    assert_string_equal(database_text(pool, MAILS), "email_change vi new@example.com");
}

static void test_a_code_for_nothing_is_parked(void **state)
{
    (void)state;
    run_in_vain(job_otp_requested, 0, "{}", ERR_PERMANENT);
    run_in_vain(job_otp_requested, 0, "{\"purpose\":\"nonsense\"}", ERR_PERMANENT);
    run_in_vain(job_otp_requested, 0, "{\"purpose\":\"email\"}", ERR_PERMANENT);
}

static void test_a_wished_mail_carries_its_values(void **state)
{
    (void)state;
    run_well(job_mail_requested, 0, "{\"template\":\"jar_threshold\",\"jar\":\"Du lịch\",\"bad-name\":\"x\",\"n\":5}");
    assert_mails("jar_threshold vi");
    assert_string_equal(mail_value("jar"), "Du lịch");
    assert_null(strstr(database_text(pool, "SELECT data FROM mail_ledger"), "template"));
    assert_null(strstr(database_text(pool, "SELECT data FROM mail_ledger"), "bad-name"));
}

static void test_a_wished_mail_needs_its_template(void **state)
{
    (void)state;
    run_in_vain(job_mail_requested, 0, "{}", ERR_PERMANENT);
    run_in_vain(job_mail_requested, 0, "{\"template\":\"\"}", ERR_PERMANENT);
    run_in_vain(job_mail_requested, 0, "{\"template\":\"a_name_that_is_longer_than_any_template_may_be\"}",
                ERR_PERMANENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_large_transaction_is_mailed_and_told_with_what_is_left),
        TEST(test_it_is_told_in_the_users_language),
        TEST(test_a_threshold_is_told_in_vietnamese_too),
        TEST(test_over_the_limit_the_mail_says_so_and_tells_no_pace),
        TEST(test_what_was_undone_meanwhile_is_not_told),
        TEST(test_a_jar_that_is_gone_is_left_out),
        TEST(test_twice_is_once),
        TEST(test_a_transaction_of_another_household_is_not_found),
        TEST(test_a_disabled_user_gets_no_mail),
        TEST(test_drift_is_mended_and_raises_an_alarm),
        TEST(test_a_recalculation_needs_its_month),
        TEST(test_a_codes_mail_holds_no_code_in_the_ledger),
        TEST(test_a_new_address_gets_the_mail_itself),
        TEST(test_a_code_for_nothing_is_parked),
        TEST(test_a_wished_mail_carries_its_values),
        TEST(test_a_wished_mail_needs_its_template),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
