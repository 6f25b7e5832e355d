/* The mailer's thread between a real MariaDB and a mail server that misbehaves by rules. */
#include "check.h"

#include <time.h>

#include "base/attr.h"
#include "base/clock.h"
#include "database.h"
#include "lib/service/fake_smtp.h"
#include "mailer.h"
#include "service/mime.h"
#include "service/smtp.h"
#include "store/mail_ledger.h"

static struct server server;
static struct db_pool *pool;
static int64_t user, household;

static int start(void **state)
{
    (void)state;
    pool = database_start(&server, 4);
    database_user(pool, "an@example.com", &user, &household);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    database_run(pool, "DELETE FROM mail_ledger");
    return 0;
}

/* ---- one office a test ---- */

struct office {
    struct fake_smtp *smtp;
    struct worker worker;
    struct mailer *mailer;
};

static void open_office(struct office *o, const struct fake_rule *rules)
{
    struct err err = {0};
    *o = (struct office){.smtp = fake_smtp_start("localhost", rules)};
    o->worker.db_pool = pool;
    o->worker.config = (struct config){.smtp_host = "localhost",
                                       .smtp_port = fake_smtp_port(o->smtp),
                                       .smtp_user = "user",
                                       .smtp_password = "secret",
                                       .smtp_ca_file = fake_smtp_ca(o->smtp),
                                       .mail_from = "no-reply@example.com",
                                       .mail_from_name = "Money Manager",
                                       .web_base_url = "https://app.example.com"};
    o->mailer = mailer_start(&o->worker, &err);
    if (!o->mailer)
        fail_msg("%s [%s]", err.detail, err.cause);
}

static void close_office(struct office *o)
{
    mailer_stop(o->mailer);
    fake_smtp_stop(o->smtp);
}

static void enqueue(const char *event, const char *template_name, const char *data)
{
    struct err err = {0};
    struct mail_row row = {.event_id = text_of(event),
                           .household_id = household,
                           .user_id = user,
                           .recipient = TEXT("an@example.com"),
                           .template_name = text_of(template_name),
                           .language = TEXT("vi"),
                           .data = text_of(data)};
    struct db *db = db_take(pool, &err);
    if (!db || !mail_enqueue(db, &row, clock_now_ms(), &err))
        fail_msg("%s [%s]", err.detail, err.cause);
    db_give(db);
}

static void enqueue_plain(const char *event)
{
    enqueue(event, "password_changed", "{}");
}

static const char ALL_STATES[] = "SELECT COALESCE(GROUP_CONCAT(state ORDER BY id), '') FROM mail_ledger";
static const char TROUBLED[] = "SELECT COUNT(*) FROM mail_ledger WHERE state = 'pending' AND last_error IS NOT NULL";

static void await(const char *question, const char *answer)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    int64_t until_ms = clock_monotonic_ms() + 30000;
    while (strcmp(database_text(pool, question), answer) != 0) {
        if (clock_monotonic_ms() > until_ms)
            fail_msg("%s stays %s instead of %s", question, database_text(pool, question), answer);
        nanosleep(&pause, NULL);
    }
}

/* ---- tests ---- */

static void test_mails_are_sent_and_recorded(void **state)
{
    (void)state;
    struct office o;
    enqueue_plain("e1");
    open_office(&o, NULL);
    await(ALL_STATES, "sent");
    enqueue_plain("e2");
    mailer_wake(o.mailer);
    await(ALL_STATES, "sent,sent");
    assert_string_equal(database_text(pool, "SELECT DISTINCT provider_id FROM mail_ledger"), "0102018f-taken");
    assert_int_equal(database_number(pool, "SELECT SUM(in_doubt + attempts) FROM mail_ledger"), 0);
    mailer_stop(o.mailer);
    assert_int_equal(fake_smtp_mails(o.smtp), 2);
    fake_smtp_stop(o.smtp);
}

static void test_what_can_never_be_sent_does_not_hold_the_others_up(void **state)
{
    (void)state;
    static const struct fake_rule RULES[] = {{"RCPT", 1, "550 5.1.1 unknown"}, {0}};
    struct office o;
    enqueue("e1", "no_such_template", "{}");
    enqueue("e2", "password_changed", "{}");
    enqueue("e3", "password_changed", "{}");
    open_office(&o, RULES);
    await(ALL_STATES, "refused,refused,sent");
    assert_string_equal(database_text(pool, "SELECT last_error FROM mail_ledger WHERE event_id = 'e2'"),
                        "550 5.1.1 unknown");
    close_office(&o);
}

static void test_a_deferred_mail_waits_alone(void **state)
{
    (void)state;
    static const struct fake_rule RULES[] = {{"RCPT", 1, "450 4.2.0 mailbox busy"}, {0}};
    struct office o;
    enqueue_plain("e1");
    enqueue_plain("e2");
    open_office(&o, RULES);
    await(ALL_STATES, "pending,sent");
    assert_int_equal(database_number(pool, "SELECT attempts FROM mail_ledger WHERE event_id = 'e1'"), 1);
    await(ALL_STATES, "sent,sent");
    close_office(&o);
}

/* Each row is some trouble of the server's; then it is well. */
static void test_after_a_servers_trouble_all_mails_go_out_untouched_by_it(void **state)
{
    (void)state;
    static const struct fake_rule TROUBLES[][3] = {
        {{"GREETING", 2, "421 too many connections"}},
        {{"MAIL", 1, "421 closing"}},
        {{"RCPT", 1, "421 closing"}},
        {{"DOT", 1, "454 Throttling failure: Maximum sending rate exceeded."}},
        {{"AUTH", 1, "535 5.7.8 wrong password"}, {"MAIL", 1, "530 login first"}},
        {{"AUTH", 1, "454 4.7.0 temporary"}, {"MAIL", 1, "530 login first"}},
        {{"MAIL", 1, "553 not verified"}},
        {{"MAIL", 1, NULL, FAKE_CUT}},
    };
    for (size_t i = 0; i < ARRAY_LEN(TROUBLES); i++) {
        struct office o;
        fresh(NULL);
        enqueue_plain("e1");
        enqueue_plain("e2");
        int64_t began_ms = clock_monotonic_ms();
        open_office(&o, TROUBLES[i]);
        await(ALL_STATES, "sent,sent");
        if (clock_monotonic_ms() - began_ms > 20000)
            fail_msg("trouble %zu is felt for long", i);
        assert_int_equal(database_number(pool, "SELECT SUM(in_doubt + attempts) FROM mail_ledger"), 0);
        mailer_stop(o.mailer);
        assert_int_equal(fake_smtp_mails(o.smtp), 2);
        fake_smtp_stop(o.smtp);
    }
}

/* Once is the mail's own fault; from the second on, with no mail taken between, more likely the server's. */
static void test_a_server_that_defers_everything_lets_no_mails_wait_grow(void **state)
{
    (void)state;
    static const struct fake_rule RULES[] = {{"RCPT", 0, "451 4.3.0 local trouble"}, {0}};
    struct office o;
    for (int i = 0; i < 4; i++)
        enqueue_plain((const char *const[]){"e1", "e2", "e3", "e4"}[i]);
    open_office(&o, RULES);
    await(TROUBLED, "4");
    close_office(&o);
    assert_int_equal(database_number(pool, "SELECT SUM(attempts) FROM mail_ledger"), 1);
    assert_int_equal(database_number(pool, "SELECT COUNT(*) FROM mail_ledger WHERE next_try_at >"
                                           " DATE_ADD(created_at, INTERVAL 20 SECOND)"),
                     0);
}

static void test_a_used_up_quota_stops_the_mailer_for_a_while(void **state)
{
    (void)state;
    static const struct fake_rule RULES[] = {{"DOT", 1, "454 Throttling failure: Daily message quota exceeded."}, {0}};
    struct office o;
    enqueue_plain("e1");
    enqueue_plain("e2");
    open_office(&o, RULES);
    await(TROUBLED, "1");
    mailer_wake(o.mailer);
    await(ALL_STATES, "pending,pending");
    int64_t began_ms = clock_monotonic_ms();
    mailer_stop(o.mailer); /* it waits for minutes, but ends at once */
    assert_true(clock_monotonic_ms() - began_ms < 5000);
    assert_int_equal(fake_smtp_mails(o.smtp), 0);
    assert_int_equal(database_number(pool, "SELECT SUM(attempts) FROM mail_ledger"), 0);
    fake_smtp_stop(o.smtp);
}

static void test_no_answer_to_the_last_line_is_counted_as_a_doubt(void **state)
{
    (void)state;
    static const struct fake_rule RULES[] = {{"DOT", 1, NULL, FAKE_CUT}, {0}};
    struct office o;
    enqueue_plain("e1");
    enqueue_plain("e2");
    open_office(&o, RULES);
    await(ALL_STATES, "sent,sent");
    close_office(&o);
    assert_string_equal(database_text(pool, "SELECT GROUP_CONCAT(in_doubt ORDER BY id) FROM mail_ledger"), "1,0");
    assert_int_equal(database_number(pool, "SELECT SUM(attempts) FROM mail_ledger"), 0);
}

/* A pool holds a server for down a while after it was. */
static void await_database(void)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    struct db *db = NULL;
    for (int i = 0; i < 3000 && !db; i++) {
        struct err err = {0};
        db = db_take(pool, &err);
        if (!db)
            nanosleep(&pause, NULL);
    }
    assert_non_null(db);
    db_give(db);
}

static void test_mails_wait_for_the_database(void **state)
{
    (void)state;
    struct office o;
    enqueue_plain("e1");
    server_kill(&server);
    open_office(&o, NULL);
    server_restart(&server);
    await_database();
    await(ALL_STATES, "sent");
    close_office(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_mails_are_sent_and_recorded, fresh),
        cmocka_unit_test_setup(test_what_can_never_be_sent_does_not_hold_the_others_up, fresh),
        cmocka_unit_test_setup(test_a_deferred_mail_waits_alone, fresh),
        cmocka_unit_test(test_after_a_servers_trouble_all_mails_go_out_untouched_by_it),
        cmocka_unit_test_setup(test_a_server_that_defers_everything_lets_no_mails_wait_grow, fresh),
        cmocka_unit_test_setup(test_a_used_up_quota_stops_the_mailer_for_a_while, fresh),
        cmocka_unit_test_setup(test_no_answer_to_the_last_line_is_counted_as_a_doubt, fresh),
        cmocka_unit_test_setup(test_mails_wait_for_the_database, fresh),
    };
    mime_global_init();
    smtp_global_init();
    return cmocka_run_group_tests(tests, start, stop);
}
