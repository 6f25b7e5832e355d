/* The mail client against a server that misbehaves by rules. */
#include "check.h"

#include <stdlib.h>

#include "base/attr.h"
#include "base/clock.h"
#include "lib/service/fake_smtp.h"
#include "service/smtp.h"

enum { MAILS_MAX = 4, FATES_MAX = 8 };

#define HOST "localhost"
#define HELLO "Subject: a\r\n\r\nHello\r\n"

static const struct smtp_options PATIENT = {.host = HOST,
                                            .user = "user",
                                            .password = "secret",
                                            .connect_timeout_ms = 5000,
                                            .reply_timeout_ms = 20000,
                                            .delivery_timeout_ms = 20000};
/* libesmtp waits no less than a second. */
static const struct smtp_options HASTY = {.host = HOST,
                                          .user = "user",
                                          .password = "secret",
                                          .connect_timeout_ms = 1000,
                                          .reply_timeout_ms = 1000,
                                          .delivery_timeout_ms = 1000};

/* ---- a mailer that notes what it is told ---- */

struct fate {
    char word; /* s sent, r refused, d deferred */
    int code;
    bool any_mail;
    char text[160];
};

struct post {
    const char *mails[MAILS_MAX]; /* by their texts */
    size_t count, next;
    bool lease_lost;
    struct fate fates[FATES_MAX];
    size_t told;
};

static bool give(void *to, struct smtp_mail *mail)
{
    struct post *p = to;
    assert_int_equal(p->told, p->next); /* one fate a mail, before the next is asked for */
    if (p->next == p->count)
        return false;
    *mail = (struct smtp_mail){"from@example.com", "to@example.com", text_of(p->mails[p->next])};
    p->next++;
    return true;
}

static bool may_finish(void *to)
{
    return !((struct post *)to)->lease_lost;
}

static void tell(struct post *p, char word, int code, bool any_mail, const char *text)
{
    assert_true(p->told < FATES_MAX);
    struct fate *f = &p->fates[p->told++];
    *f = (struct fate){.word = word, .code = code, .any_mail = any_mail};
    snprintf(f->text, sizeof f->text, "%s", text);
}

static void on_sent(void *to, const char *reply)
{
    tell(to, 's', 250, false, reply);
}

static void on_refused(void *to, int code, const char *reply)
{
    tell(to, 'r', code, false, reply);
}

static void on_deferred(void *to, int code, bool any_mail, const char *reason)
{
    tell(to, 'd', code, any_mail, reason);
}

static bool run(const struct smtp_options *opts, struct fake_smtp *f, struct post *p, struct err *err)
{
    struct smtp_callbacks callbacks = {.to = p,
                                       .next = give,
                                       .may_finish = may_finish,
                                       .sent = on_sent,
                                       .refused = on_refused,
                                       .deferred = on_deferred};
    struct smtp_options o = *opts;
    o.port = fake_smtp_port(f);
    o.ca_file = o.ca_file ? o.ca_file : fake_smtp_ca(f);
    struct smtp *s = smtp_open(&o, err);
    assert_non_null(s);
    bool ok = smtp_run(s, &callbacks, err);
    smtp_close(s);
    return ok;
}

/* ---- a case is a row ---- */

struct behaviour {
    const char *name;
    struct fake_rule rules[3];
    size_t mails;
    const char
        *fates;    /* such as "sd": the first sent, the second deferred; those that were not asked for are not told */
    int code;      /* of the last fate */
    bool any_mail; /* of the last fate */
    enum err_code end;
    const char *says; /* in the last fate's text */
    size_t taken;     /* mails that the server has */
};

static void check_behaviour(const struct smtp_options *opts, const struct behaviour *b)
{
    struct fake_smtp *f = fake_smtp_start(HOST, b->rules);
    struct post p = {.mails = {HELLO, HELLO, HELLO}, .count = b->mails};
    struct err err = {0};
    char fates[FATES_MAX + 1] = "";
    bool ok = run(opts, f, &p, &err);
    for (size_t i = 0; i < p.told; i++)
        fates[i] = p.fates[i].word;
    const struct fate *last = &p.fates[p.told - 1];
    if (strcmp(fates, b->fates) != 0 || err.code != b->end || ok != (b->end == ERR_NONE) || last->code != b->code ||
        last->any_mail != b->any_mail || !strstr(last->text, b->says) || fake_smtp_mails(f) != b->taken)
        fail_msg("%s: fates %s, the last %d (any mail: %d) '%s', end %d (%s), %zu taken; talk %s", b->name, fates,
                 last->code, last->any_mail, last->text, err.code, err.cause, fake_smtp_mails(f), fake_smtp_talk(f));
    fake_smtp_stop(f);
}

static void test_each_answer_has_its_fate(void **state)
{
    (void)state;
    static const struct behaviour ROWS[] = {
        {"all well", {{0}}, 3, "sss", 250, false, ERR_NONE, "Ok 0102018f-taken", 3},
        {"one unknown recipient", {{"RCPT", 1, "550 5.1.1 unknown"}}, 2, "rs", 250, false, ERR_NONE, "Ok", 1},
        {"refused at last", {{"RCPT", 2, "553 bad address"}}, 2, "sr", 553, false, ERR_NONE, "bad address", 1},
        {"refused for its content", {{"DOT", 1, "554 5.6.0 no"}}, 1, "r", 554, false, ERR_NONE, "5.6.0 no", 0},
        {"a busy mailbox", {{"RCPT", 1, "450 4.2.0 later"}}, 2, "ds", 250, false, ERR_NONE, "Ok", 1},
        {"a busy mailbox at last", {{"RCPT", 2, "450 4.2.0 later"}}, 2, "sd", 450, false, ERR_NONE, "later", 1},
        {"later, after the text", {{"DOT", 1, "451 4.3.0 later"}}, 1, "d", 451, false, ERR_NONE, "4.3.0 later", 0},
        {"closing", {{"RCPT", 1, "421 bye"}}, 2, "d", 421, true, ERR_UNAVAILABLE, "421 bye", 0},
        {"closing after one", {{"MAIL", 2, "421 bye"}}, 3, "sd", 421, true, ERR_UNAVAILABLE, "421 bye", 1},
        {"too fast",
         {{"DOT", 1, "454 Throttling failure: Maximum sending rate exceeded."}},
         2,
         "d",
         454,
         true,
         ERR_UNAVAILABLE,
         "454 Throttling failure",
         0},
        {"used up",
         {{"DOT", 2, "454 Throttling failure: Daily message quota exceeded."}},
         3,
         "sd",
         454,
         true,
         ERR_RATE_LIMITED,
         "quota",
         1},
        {"no sender now", {{"MAIL", 1, "451 4.7.1 not now"}}, 2, "d", 451, true, ERR_UNAVAILABLE, "4.7.1", 0},
        {"never this sender", {{"MAIL", 0, "553 not verified"}}, 2, "d", 553, true, ERR_UNAUTHORIZED, "553", 0},
        {"login refused",
         {{"AUTH", 0, "535 5.7.8 wrong"}, {"MAIL", 0, "530 login first"}},
         2,
         "d",
         530,
         true,
         ERR_UNAUTHORIZED,
         "535",
         0},
        {"not greeted", {{"GREETING", 0, "554 go away"}}, 1, "d", 0, true, ERR_UNAVAILABLE, "554", 0},
        {"busy at once", {{"GREETING", 0, "421 too many"}}, 1, "d", 0, true, ERR_UNAVAILABLE, "421", 0},
        {"cut at the greeting", {{"GREETING", 0, NULL, FAKE_CUT}}, 1, "d", 0, true, ERR_UNAVAILABLE, "", 0},
        {"cut at MAIL", {{"MAIL", 1, NULL, FAKE_CUT}}, 1, "d", 0, true, ERR_UNAVAILABLE, "", 0},
        {"cut at the end", {{"DOT", 1, NULL, FAKE_CUT}}, 1, "d", 0, true, ERR_UNAVAILABLE, "", 0},
        /* A connection that did something is not the server's end. */
        {"cut between two", {{"MAIL", 2, NULL, FAKE_CUT}}, 3, "sss", 250, false, ERR_NONE, "Ok", 3},
        /* The server may have taken it: whether it goes out again is the caller's to count. */
        {"cut after the last line of the second",
         {{"DOT", 2, NULL, FAKE_CUT}},
         3,
         "sds",
         250,
         false,
         ERR_NONE,
         "Ok",
         2},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        check_behaviour(&PATIENT, &ROWS[i]);
}

static void test_a_server_that_hangs_costs_one_time_out(void **state)
{
    (void)state;
    static const struct behaviour ROWS[] = {
        {"at the greeting", {{"GREETING", 0, NULL, FAKE_HANG}}, 2, "d", 0, true, ERR_UNAVAILABLE, "", 0},
        {"at EHLO", {{"EHLO", 0, NULL, FAKE_HANG}}, 2, "d", 0, true, ERR_UNAVAILABLE, "", 0},
        {"at MAIL", {{"MAIL", 0, NULL, FAKE_HANG}}, 2, "d", 0, true, ERR_UNAVAILABLE, "", 0},
        {"at DATA", {{"DATA", 0, NULL, FAKE_HANG}}, 2, "d", 0, true, ERR_UNAVAILABLE, "", 0},
        {"at the end", {{"DOT", 0, NULL, FAKE_HANG}}, 2, "d", 0, true, ERR_UNAVAILABLE, "", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        int64_t began_ms = clock_monotonic_ms();
        check_behaviour(&HASTY, &ROWS[i]);
        assert_true(clock_monotonic_ms() - began_ms < 15000);
    }
}

static void test_a_used_up_quota_says_how_long_to_wait(void **state)
{
    (void)state;
    static const struct fake_rule RULES[] = {{"MAIL", 1, "454 Throttling failure: Daily message quota exceeded."}, {0}};
    struct fake_smtp *f = fake_smtp_start(HOST, RULES);
    struct post p = {.mails = {HELLO}, .count = 1};
    struct err err = {0};
    assert_false(run(&PATIENT, f, &p, &err));
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    assert_int_equal(err.retry_after_seconds, SMTP_QUOTA_WAIT_S);
    fake_smtp_stop(f);
}

/* ---- the talk ---- */

static void test_many_mails_go_over_one_connection(void **state)
{
    (void)state;
    struct fake_smtp *f = fake_smtp_start(HOST, NULL);
    struct post p = {.mails = {HELLO, HELLO, HELLO}, .count = 3};
    struct err err = {0};
    assert_true(run(&PATIENT, f, &p, &err));
    assert_string_equal(fake_smtp_talk(f), "EHLO STARTTLS tls EHLO AUTH MAIL RCPT DATA DOT MAIL RCPT DATA DOT"
                                           " MAIL RCPT DATA DOT QUIT");
    fake_smtp_stop(f);
}

static void test_nothing_to_send_opens_no_connection(void **state)
{
    (void)state;
    struct fake_smtp *f = fake_smtp_start(HOST, NULL);
    struct post p = {.count = 0};
    struct err err = {0};
    assert_true(run(&PATIENT, f, &p, &err));
    assert_string_equal(fake_smtp_talk(f), "");
    fake_smtp_stop(f);
}

static void test_without_a_user_there_is_no_login(void **state)
{
    (void)state;
    struct smtp_options opts = PATIENT;
    struct fake_smtp *f = fake_smtp_start(HOST, NULL);
    struct post p = {.mails = {HELLO}, .count = 1};
    struct err err = {0};
    opts.user = opts.password = NULL;
    assert_true(run(&opts, f, &p, &err));
    assert_null(strstr(fake_smtp_talk(f), "AUTH"));
    fake_smtp_stop(f);
}

static void test_lines_that_begin_with_dots_arrive_as_they_are(void **state)
{
    (void)state;
    static const char MAIL[] = "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\nend.\r\n.\r\nstill here\r\n";
    struct fake_smtp *f = fake_smtp_start(HOST, NULL);
    struct post p = {.mails = {MAIL}, .count = 1};
    struct err err = {0};
    assert_true(run(&PATIENT, f, &p, &err));
    struct text got = fake_smtp_mail(f, 0);
    const char *body = strstr(MAIL, "\r\n\r\n"), *found = memmem(got.p, got.n, "\r\n\r\n", 4);
    assert_non_null(found);
    assert_text(text_slice(got, (size_t)(found - got.p), got.n), body);
    fake_smtp_stop(f);
}

static void test_a_lost_lease_keeps_the_last_line_back(void **state)
{
    (void)state;
    struct fake_smtp *f = fake_smtp_start(HOST, NULL);
    struct post p = {.mails = {HELLO}, .count = 1, .lease_lost = true};
    struct err err = {0};
    assert_true(run(&PATIENT, f, &p, &err));
    assert_int_equal(p.told, 1);
    assert_int_equal(p.fates[0].word, 'd');
    assert_int_equal(fake_smtp_mails(f), 0);
    assert_null(strstr(fake_smtp_talk(f), "DOT"));
    fake_smtp_stop(f);
}

/* ---- trust ---- */

static void check_no_trust(const struct smtp_options *opts, struct fake_smtp *f)
{
    struct post p = {.mails = {HELLO, HELLO}, .count = 2};
    struct err err = {0};
    assert_false(run(opts, f, &p, &err));
    assert_int_equal(err.code, ERR_UNAUTHORIZED);
    assert_int_equal(p.told, 1);
    assert_int_equal(p.fates[0].word, 'd');
    assert_true(p.fates[0].any_mail);
    assert_null(strstr(fake_smtp_talk(f), "AUTH"));
    assert_null(strstr(fake_smtp_talk(f), "MAIL"));
}

static void test_without_starttls_nothing_is_told(void **state)
{
    (void)state;
    static const struct fake_rule RULES[] = {{"EHLO", 0, "250-localhost\r\n250 AUTH PLAIN"}, {0}};
    struct fake_smtp *f = fake_smtp_start(HOST, RULES);
    check_no_trust(&PATIENT, f);
    fake_smtp_stop(f);
}

static void test_a_certificate_of_another_host_is_refused(void **state)
{
    (void)state;
    struct fake_smtp *f = fake_smtp_start("mail.example.com", NULL);
    check_no_trust(&PATIENT, f);
    fake_smtp_stop(f);
}

static void test_an_unknown_authority_is_refused(void **state)
{
    (void)state;
    struct smtp_options opts = PATIENT;
    struct fake_smtp *f = fake_smtp_start(HOST, NULL), *stranger = fake_smtp_start(HOST, NULL);
    opts.ca_file = fake_smtp_ca(stranger);
    check_no_trust(&opts, f);
    fake_smtp_stop(stranger);
    fake_smtp_stop(f);
}

/* ---- opening ---- */

static void test_a_dead_server_is_told_at_once(void **state)
{
    (void)state;
    struct fake_smtp *f = fake_smtp_start(HOST, NULL);
    struct smtp_options opts = PATIENT;
    struct smtp_callbacks callbacks = {.next = give, .deferred = on_deferred};
    struct post p = {.mails = {HELLO, HELLO}, .count = 2};
    struct err err = {0}, probe = {0};
    opts.port = fake_smtp_port(f);
    opts.ca_file = fake_smtp_ca(f);
    callbacks.to = &p;
    struct smtp *s = smtp_open(&opts, &err);
    assert_non_null(s);
    fake_smtp_stop(f);
    assert_false(smtp_run(s, &callbacks, &err));
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    assert_int_equal(p.told, 1);
    assert_int_equal(p.fates[0].code, 0);
    assert_true(p.fates[0].any_mail);
    assert_false(smtp_probe(s, &probe));
    assert_int_equal(probe.code, ERR_UNAVAILABLE);
    smtp_close(s);
}

static void test_wrong_settings_are_found_when_it_opens(void **state)
{
    (void)state;
    char password[300];
    memset(password, 'x', sizeof password - 1);
    password[sizeof password - 1] = '\0';
    struct smtp_options no_file = PATIENT, too_long = PATIENT;
    struct err err = {0};
    no_file.ca_file = "/nonexistent/ca.pem";
    assert_null(smtp_open(&no_file, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    err_clear(&err);
    too_long.password = password;
    assert_null(smtp_open(&too_long, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    smtp_close(NULL);
}

/* ---- pure ---- */

static void test_a_reply_means_what_its_stage_says(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum smtp_stage stage;
        enum smtp_fate fate;
    } ROWS[] = {{250, SMTP_STAGE_DATA, SMTP_SENT},          {550, SMTP_STAGE_RCPT, SMTP_REFUSED},
                {554, SMTP_STAGE_DATA, SMTP_REFUSED},       {554, SMTP_STAGE_MAIL, SMTP_CONFIGURATION},
                {530, SMTP_STAGE_RCPT, SMTP_CONFIGURATION}, {535, SMTP_STAGE_DATA, SMTP_CONFIGURATION},
                {421, SMTP_STAGE_RCPT, SMTP_BUSY},          {454, SMTP_STAGE_DATA, SMTP_BUSY},
                {451, SMTP_STAGE_MAIL, SMTP_BUSY},          {451, SMTP_STAGE_RCPT, SMTP_DEFERRED},
                {452, SMTP_STAGE_DATA, SMTP_DEFERRED},      {399, SMTP_STAGE_DATA, SMTP_DEFERRED}};
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        if (smtp_fate_of(ROWS[i].code, ROWS[i].stage) != ROWS[i].fate)
            fail_msg("%d at stage %d", ROWS[i].code, ROWS[i].stage);
}

static void test_a_providers_id_is_the_last_word(void **state)
{
    (void)state;
    assert_text(smtp_provider_id("Ok 0102018f-1"), "0102018f-1");
    assert_text(smtp_provider_id("2.0.0 OK 12.eml\r\n"), "12.eml");
    assert_text(smtp_provider_id("Ok one\nOk two"), "one");
    assert_text(smtp_provider_id("id"), "id");
    assert_text(smtp_provider_id(""), "");
    assert_int_equal(smtp_provider_id(NULL).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_answer_has_its_fate),
        cmocka_unit_test(test_a_server_that_hangs_costs_one_time_out),
        cmocka_unit_test(test_a_used_up_quota_says_how_long_to_wait),
        cmocka_unit_test(test_many_mails_go_over_one_connection),
        cmocka_unit_test(test_nothing_to_send_opens_no_connection),
        cmocka_unit_test(test_without_a_user_there_is_no_login),
        cmocka_unit_test(test_lines_that_begin_with_dots_arrive_as_they_are),
        cmocka_unit_test(test_a_lost_lease_keeps_the_last_line_back),
        cmocka_unit_test(test_without_starttls_nothing_is_told),
        cmocka_unit_test(test_a_certificate_of_another_host_is_refused),
        cmocka_unit_test(test_an_unknown_authority_is_refused),
        cmocka_unit_test(test_a_dead_server_is_told_at_once),
        cmocka_unit_test(test_wrong_settings_are_found_when_it_opens),
        cmocka_unit_test(test_a_reply_means_what_its_stage_says),
        cmocka_unit_test(test_a_providers_id_is_the_last_word),
    };
    smtp_global_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
