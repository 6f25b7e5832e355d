/* The rules of accounts over a real database, with the clock in our hands. */
#include "check.h"

#include <signal.h>

#include "base/attr.h"
#include "finance/account.h"
#include "lib/service/server.h"
#include "store/migrate.h"
#include "store/session.h"

enum { MINUTE = 60 * 1000 };

static const int64_t START = INT64_C(1800000000000);

static struct server server;
static struct db_pool *pool;
static struct scope scope;
static int addresses;

/* What the mailer knows of the last request: its event. */
static char event_id[UUID_TEXT_MAX];

static const struct stmt_def LAST_EVENT = {
    "test.last_event",
    "SELECT id, type, body FROM outbox WHERE household_id = ? ORDER BY created_at DESC, id DESC LIMIT 1", "i", "ttt"};
static const struct stmt_def EVENTS = {"test.events", "SELECT COUNT(*) FROM outbox WHERE household_id = ?", "i", "i"};
static const struct stmt_def ROWS_OF = {
    "test.rows",
    "SELECT (SELECT COUNT(*) FROM users WHERE id = ?) + (SELECT COUNT(*) FROM households WHERE id = ?)"
    " + (SELECT COUNT(*) FROM household_members WHERE user_id = ?) + (SELECT COUNT(*) FROM otp_codes WHERE user_id = ?)",
    "iiii", "i"};

struct event_row {
    struct text id, type, body;
};

static bool read_event(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(struct event_row *)to = (struct event_row){row_text(row, 0), row_text(row, 1), row_text(row, 2)};
    return true;
}

static bool read_number(struct db_row *row, void *to, struct err *err)
{
    (void)err;
    *(int64_t *)to = row_int(row, 0);
    return true;
}

static void must(bool ok, const char *what, const struct err *err)
{
    if (!ok)
        fail_msg("%s: %s [%s]", what, err->detail, err->cause);
}

/* ---- steps, each in a transaction as the handlers have it ---- */

#define IN_TX(call_of_rule)                                                                                            \
    do {                                                                                                               \
        struct tx *tx_ = tx_begin(scope.db, err);                                                                      \
        must(tx_ != NULL, "tx_begin", err);                                                                            \
        bool ok_ = (call_of_rule);                                                                                     \
        if (ok_)                                                                                                       \
            must(tx_commit(tx_, err), "tx_commit", err);                                                               \
        else                                                                                                           \
            tx_rollback(tx_);                                                                                          \
        return ok_;                                                                                                    \
    } while (0)

static bool do_register(struct text email, const char *name, const char *hash, struct err *err)
{
    struct user_new user = {.email = email, .full_name = text_of(name), .password_hash = text_of(hash)};
    IN_TX(account_register(&scope, &user, currency_find(TEXT("VND")), err));
}

static bool do_resend(struct text email, struct err *err)
{
    IN_TX(account_resend(&scope, email, err));
}

static bool do_activate(int64_t user_id, const char *hash, struct err *err)
{
    IN_TX(account_activate(&scope, user_id, hash, err));
}

static bool do_open_link(const char *token, bool *email_changed, struct err *err)
{
    char hash[OTP_HASH_TEXT];
    otp_link_hash(text_of(token), hash);
    IN_TX(account_open_link(&scope, hash, email_changed, err));
}

static bool do_complete(struct text email, struct err *err)
{
    IN_TX(account_complete(&scope, email, TEXT("Tên"), TEXT("hash"), err));
}

static bool do_request_reset(struct text email, struct err *err)
{
    IN_TX(account_request_reset(&scope, email, err));
}

static bool do_reset(int64_t user_id, const char *proof, struct err *err)
{
    IN_TX(account_reset_password(&scope, user_id, proof, TEXT("new-hash"), err));
}

static bool do_sign_in(const struct user_row *user, const char *session, struct err *err)
{
    IN_TX(account_sign_in(&scope, user, session, err));
}

static bool do_cancel(struct text email, struct err *err)
{
    IN_TX(account_cancel(&scope, email, err));
}

static bool do_change(const struct account_change *change, struct user_row *user, struct err *err)
{
    IN_TX(account_change(&scope, change, user, err));
}

static struct text fresh_email(void)
{
    return text_of(arena_printf(scope.mem, "u%d@example.test", ++addresses));
}

static struct user_row user_of(struct text email)
{
    struct err err = {0};
    struct user_row user;
    must(user_find_by_email(scope.db, email, scope.mem, &user, &err), "user_find_by_email", &err);
    return user;
}

static int64_t events_of(const struct user_row *user)
{
    struct err err = {0};
    int64_t n = 0;
    must(db_one(scope.db, &EVENTS, DB_ARGS(db_int(user->household_id)), NULL, read_number, &n, &err), "events", &err);
    return n;
}

static struct event_row last_event(const struct user_row *user)
{
    struct err err = {0};
    struct event_row row;
    must(db_one(scope.db, &LAST_EVENT, DB_ARGS(db_int(user->household_id)), scope.mem, read_event, &row, &err), "event",
         &err);
    snprintf(event_id, sizeof(event_id), "%.*s", TEXT_ARG(row.id));
    return row;
}

/* As the mailer does when the mail of the last event goes out. */
static bool send_code(const struct user_row *user, const char *purpose, const char *code, const char *token,
                      struct err *err)
{
    char code_hash[OTP_HASH_TEXT], link_hash[OTP_HASH_TEXT];
    otp_hash(text_of(code), user->id, purpose, code_hash);
    otp_link_hash(text_of(token), link_hash);
    return otp_store_code(scope.db, user->id, purpose, event_id, code_hash, link_hash, scope.now_ms, err);
}

static void mail_code(const struct user_row *user, const char *purpose, const char *code, const char *token)
{
    struct err err = {0};
    last_event(user);
    must(send_code(user, purpose, code, token, &err), "send_code", &err);
}

static bool check(struct text email, const char *purpose, const char *code, int64_t *id, char hash[OTP_HASH_TEXT],
                  struct err *err)
{
    return account_check_code(&scope, email, purpose, text_of(code), id, hash, err);
}

static bool activate_by_code(struct text email, const char *code, struct err *err)
{
    int64_t id;
    char hash[OTP_HASH_TEXT];
    return check(email, OTP_ACTIVATE, code, &id, hash, err) && do_activate(id, hash, err);
}

static struct user_row registered(const char *hash)
{
    struct err err = {0};
    struct text email = fresh_email();
    must(do_register(email, "Tên", hash, &err), "register", &err);
    return user_of(email);
}

static struct user_row active(const char *hash)
{
    struct err err = {0};
    struct user_row user = registered(hash);
    mail_code(&user, OTP_ACTIVATE, "111111", arena_printf(scope.mem, "link-%d", (int)user.id));
    must(activate_by_code(user.email, "111111", &err), "activate", &err);
    return user_of(user.email);
}

static void assert_fault(bool ok, const struct err *err, enum err_code code)
{
    assert_false(ok);
    if (err->code != code)
        fail_msg("%s instead of %s: %s [%s]", err_row(err->code)->name, err_row(code)->name, err->detail, err->cause);
}

/* ---- registration ---- */

static void test_a_registration_makes_a_pending_user_and_asks_for_a_code(void **state)
{
    (void)state;
    struct user_row user = registered("hash");
    assert_int_equal(user.status, USER_PENDING);
    assert_true(user.household_id > 0);
    assert_text(last_event(&user).type, "otp.requested");
    assert_non_null(strstr(last_event(&user).body.p, "\"data\":{\"purpose\":\"activate\"}"));
}

static void test_a_second_registration_counts_only_after_the_pause(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row user = registered("first");
    scope.now_ms = START + OTP_PAUSE_MS - 1;
    must(do_register(user.email, "Khác", "second", &err), "register", &err);
    assert_text(user_of(user.email).password_hash, "first");
    assert_int_equal(events_of(&user), 1);
    scope.now_ms = START + OTP_PAUSE_MS;
    must(do_register(user.email, "Khác", "second", &err), "register", &err);
    assert_text(user_of(user.email).password_hash, "second");
    assert_text(user_of(user.email).full_name, "Khác");
    assert_int_equal(events_of(&user), 2);
}

static void test_a_new_code_voids_the_one_before_even_when_its_mail_is_late(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row user = registered("hash");
    mail_code(&user, OTP_ACTIVATE, "111111", "late-1");
    char old_event[UUID_TEXT_MAX];
    memcpy(old_event, event_id, sizeof(old_event));
    scope.now_ms += OTP_PAUSE_MS;
    must(do_resend(user.email, &err), "resend", &err);
    assert_fault(activate_by_code(user.email, "111111", &err), &err, ERR_WRONG_CODE);
    assert_fault(send_code(&user, OTP_ACTIVATE, "222222", "late-2", &err), &err, ERR_NOT_FOUND);
    mail_code(&user, OTP_ACTIVATE, "333333", "late-3");
    assert_string_not_equal(old_event, event_id);
    err_clear(&err);
    must(activate_by_code(user.email, "333333", &err), "activate", &err);
}

static void test_an_active_owner_is_told_and_keeps_the_account(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row user = active("mine");
    must(do_register(user.email, "Kẻ lạ", "theirs", &err), "register", &err);
    assert_text(last_event(&user).type, "mail.requested");
    assert_non_null(strstr(last_event(&user).body.p, "address_in_use"));
    assert_text(user_of(user.email).password_hash, "mine");
    int64_t before = events_of(&user);
    must(do_register(user.email, "Kẻ lạ", "theirs", &err), "register", &err);
    assert_int_equal(events_of(&user), before);
}

static void test_only_a_pending_account_can_be_cancelled(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row gone = registered("hash"), kept = active("hash");
    must(do_cancel(gone.email, &err) && do_cancel(kept.email, &err) && do_cancel(fresh_email(), &err), "cancel", &err);
    int64_t rows = -1;
    must(db_one(scope.db, &ROWS_OF,
                DB_ARGS(db_int(gone.id), db_int(gone.household_id), db_int(gone.id), db_int(gone.id)), NULL,
                read_number, &rows, &err),
         "rows", &err);
    assert_int_equal(rows, 0);
    assert_int_equal(user_of(kept.email).status, USER_ACTIVE);
}

/* ---- codes ---- */

static void test_a_code_has_five_tries(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row user = registered("hash");
    mail_code(&user, OTP_ACTIVATE, "111111", "tries");
    for (int i = 0; i < OTP_TRIES; i++)
        assert_fault(activate_by_code(user.email, "999999", &err), &err, ERR_WRONG_CODE);
    assert_fault(activate_by_code(user.email, "111111", &err), &err, ERR_WRONG_CODE);
}

static void test_a_right_code_costs_no_try_and_works_once(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t id;
    char hash[OTP_HASH_TEXT];
    struct user_row user = registered("hash");
    mail_code(&user, OTP_ACTIVATE, "111111", "once");
    for (int i = 0; i < 2 * OTP_TRIES; i++)
        must(check(user.email, OTP_ACTIVATE, "111111", &id, hash, &err), "check", &err);
    must(do_activate(id, hash, &err), "activate", &err);
    assert_fault(do_activate(id, hash, &err), &err, ERR_WRONG_CODE);
}

static void test_a_code_expires(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row user = registered("hash");
    mail_code(&user, OTP_ACTIVATE, "111111", "expires");
    scope.now_ms += OTP_LIFE_MS;
    assert_fault(activate_by_code(user.email, "111111", &err), &err, ERR_WRONG_CODE);
    scope.now_ms -= 1;
    err_clear(&err);
    must(activate_by_code(user.email, "111111", &err), "activate", &err);
}

static void test_a_code_is_of_one_user_and_purpose(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t id;
    char hash[OTP_HASH_TEXT];
    struct user_row a = registered("hash"), b = registered("hash");
    mail_code(&a, OTP_ACTIVATE, "111111", "of-a");
    mail_code(&b, OTP_ACTIVATE, "222222", "of-b");
    assert_fault(activate_by_code(b.email, "111111", &err), &err, ERR_WRONG_CODE);
    assert_fault(check(a.email, OTP_RESET, "111111", &id, hash, &err), &err, ERR_WRONG_CODE);
    assert_fault(activate_by_code(fresh_email(), "111111", &err), &err, ERR_WRONG_CODE);
}

/* ---- links ---- */

static void test_a_link_activates_once_and_answers_the_same_for_ten_minutes(void **state)
{
    (void)state;
    struct err err = {0};
    bool email_changed;
    struct user_row user = registered("hash");
    mail_code(&user, OTP_ACTIVATE, "111111", "link-once");
    scope.now_ms += 23 * 60 * MINUTE;
    must(do_open_link("link-once", &email_changed, &err), "link", &err);
    assert_false(email_changed);
    assert_int_equal(user_of(user.email).status, USER_ACTIVE);
    int64_t activated_at = user_of(user.email).activated_at_ms;
    scope.now_ms += ACCOUNT_LINK_REPEAT_MS;
    must(do_open_link("link-once", &email_changed, &err), "link", &err);
    assert_true(user_of(user.email).activated_at_ms == activated_at);
    scope.now_ms += 1;
    assert_fault(do_open_link("link-once", &email_changed, &err), &err, ERR_NOT_FOUND);
}

static void test_unknown_expired_and_reset_links_open_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    bool email_changed;
    struct user_row user = registered("hash"), other = active("hash");
    assert_fault(do_open_link("nobody-has-this", &email_changed, &err), &err, ERR_NOT_FOUND);
    mail_code(&user, OTP_ACTIVATE, "111111", "link-expired");
    must(do_request_reset(other.email, &err), "reset", &err);
    mail_code(&other, OTP_RESET, "111111", "link-reset");
    assert_fault(do_open_link("link-reset", &email_changed, &err), &err, ERR_NOT_FOUND);
    scope.now_ms += 24 * 60 * MINUTE;
    assert_fault(do_open_link("link-expired", &email_changed, &err), &err, ERR_NOT_FOUND);
    assert_int_equal(user_of(user.email).status, USER_PENDING);
}

/* ---- completing ---- */

static void test_a_profile_is_completed_once_and_only_shortly_after_activation(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row late = active(NULL), user = active(NULL), has_password = active("hash"), pending = registered(NULL);
    assert_fault(do_complete(pending.email, &err), &err, ERR_VALIDATION);
    assert_fault(do_complete(has_password.email, &err), &err, ERR_VALIDATION);
    assert_fault(do_complete(fresh_email(), &err), &err, ERR_VALIDATION);
    err_clear(&err);
    must(do_complete(user.email, &err), "complete", &err);
    assert_fault(do_complete(user.email, &err), &err, ERR_VALIDATION);
    scope.now_ms += ACCOUNT_COMPLETE_MS;
    assert_fault(do_complete(late.email, &err), &err, ERR_VALIDATION);
}

/* ---- passwords and sessions ---- */

static bool session_lives(const char *id, const struct user_row *user)
{
    struct err err = {0};
    struct session_row row;
    bool ok = session_find(scope.db, id, user->id, scope.now_ms, scope.mem, &row, &err);
    if (ok)
        assert_string_equal(row.currency, "VND");
    return ok;
}

static void sign_in(const struct user_row *user, char id[UUID_TEXT_MAX])
{
    struct err err = {0};
    uuid7(scope.now_ms, id);
    must(do_sign_in(user, id, &err), "sign_in", &err);
}

static void test_a_session_lasts_ten_hours(void **state)
{
    (void)state;
    char id[UUID_TEXT_MAX];
    struct user_row user = active("hash");
    sign_in(&user, id);
    scope.now_ms += SESSION_LIFE_MS - 1;
    assert_true(session_lives(id, &user));
    scope.now_ms += 1;
    assert_false(session_lives(id, &user));
}

static void test_no_session_starts_with_a_password_that_changed_meanwhile(void **state)
{
    (void)state;
    struct err err = {0};
    char id[UUID_TEXT_MAX];
    struct user_row user = active("hash"), before = user;
    before.password_hash = TEXT("older");
    uuid7(scope.now_ms, id);
    assert_fault(do_sign_in(&before, id, &err), &err, ERR_INVALID_CREDENTIALS);
    assert_false(session_lives(id, &user));
}

static void test_a_reset_ends_every_session_and_works_once(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t id;
    char session[UUID_TEXT_MAX], proof[OTP_HASH_TEXT];
    struct user_row user = active("hash");
    sign_in(&user, session);
    must(do_request_reset(user.email, &err), "request_reset", &err);
    mail_code(&user, OTP_RESET, "444444", "reset-once");
    must(check(user.email, OTP_RESET, "444444", &id, proof, &err) && do_reset(id, proof, &err), "reset", &err);
    assert_text(user_of(user.email).password_hash, "new-hash");
    assert_false(session_lives(session, &user));
    assert_non_null(strstr(last_event(&user).body.p, "password_changed"));
    assert_fault(do_reset(id, proof, &err), &err, ERR_WRONG_CODE);
}

static void test_a_reset_link_lasts_half_an_hour(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t id = 0;
    char hash[OTP_HASH_TEXT];
    struct user_row user = active("hash");
    must(do_request_reset(user.email, &err), "request_reset", &err);
    mail_code(&user, OTP_RESET, "444444", "reset-link");
    otp_link_hash(TEXT("reset-link"), hash);
    scope.now_ms += 30 * MINUTE - 1;
    must(account_check_reset_link(&scope, hash, &id, &err), "reset link", &err);
    assert_true(id == user.id);
    scope.now_ms += 1;
    assert_fault(account_check_reset_link(&scope, hash, &id, &err), &err, ERR_WRONG_CODE);
}

static void test_a_reset_is_for_active_accounts_and_paused(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row pending = registered("hash"), user = active("hash");
    int64_t of_pending = events_of(&pending), of_user = events_of(&user);
    must(do_request_reset(pending.email, &err) && do_request_reset(fresh_email(), &err), "request_reset", &err);
    must(do_request_reset(user.email, &err) && do_request_reset(user.email, &err), "request_reset", &err);
    assert_int_equal(events_of(&pending), of_pending);
    assert_int_equal(events_of(&user), of_user + 1);
}

/* ---- changes by the owner ---- */

static void test_a_new_password_leaves_only_the_new_session(void **state)
{
    (void)state;
    struct err err = {0};
    char old[UUID_TEXT_MAX], fresh[UUID_TEXT_MAX];
    struct user_row user = active("hash");
    sign_in(&user, old);
    uuid7(scope.now_ms, fresh);
    struct account_change change = {
        .full_name = TEXT("Mới"), .new_password_hash = TEXT("changed"), .new_session_id = fresh};
    must(do_change(&change, &user, &err), "change", &err);
    assert_text(user.full_name, "Mới");
    assert_false(session_lives(old, &user));
    assert_true(session_lives(fresh, &user));
}

static bool change_email(struct user_row *user, struct text email, struct err *err)
{
    struct account_change change = {.full_name = TEXT("Tên"), .new_email = email};
    return do_change(&change, user, err);
}

static void test_a_new_address_counts_only_when_its_link_is_opened(void **state)
{
    (void)state;
    struct err err = {0};
    bool email_changed;
    struct user_row user = active("hash");
    struct text wanted = fresh_email(), before = user.email;
    must(change_email(&user, wanted, &err), "change_email", &err);
    assert_text(user.email, before.p);
    assert_text(user.pending_email, wanted.p);
    assert_non_null(strstr(last_event(&user).body.p, wanted.p));
    mail_code(&user, OTP_EMAIL, "555555", "new-address");
    must(do_open_link("new-address", &email_changed, &err), "link", &err);
    assert_true(email_changed);
    assert_true(user_of(wanted).id == user.id);
    assert_null(user_of(wanted).pending_email.p);
}

static void test_an_address_in_use_looks_the_same_but_only_its_owner_gets_a_mail(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row user = active("hash"), owner = active("hash");
    int64_t before = events_of(&user);
    must(change_email(&user, owner.email, &err), "change_email", &err);
    assert_text(user.pending_email, owner.email.p);
    assert_int_equal(events_of(&user), before);
    assert_non_null(strstr(last_event(&owner).body.p, "address_in_use"));
}

static void test_an_address_taken_before_the_link_is_opened_stays_its_owners(void **state)
{
    (void)state;
    struct err err = {0};
    bool email_changed;
    struct user_row user = active("hash");
    struct text wanted = fresh_email();
    must(change_email(&user, wanted, &err), "change_email", &err);
    mail_code(&user, OTP_EMAIL, "555555", "taken-address");
    must(do_register(wanted, "Chủ", "theirs", &err), "register", &err);
    struct user_row owner = user_of(wanted);
    mail_code(&owner, OTP_ACTIVATE, "666666", "taken-owner");
    must(activate_by_code(wanted, "666666", &err), "activate", &err);
    assert_fault(do_open_link("taken-address", &email_changed, &err), &err, ERR_NOT_FOUND);
    assert_true(user_of(wanted).id == owner.id);
}

static void test_a_pending_registration_does_not_keep_an_address(void **state)
{
    (void)state;
    struct err err = {0};
    bool email_changed;
    struct user_row user = active("hash"), squatter = registered("hash");
    must(change_email(&user, squatter.email, &err), "change_email", &err);
    mail_code(&user, OTP_EMAIL, "555555", "squatted");
    must(do_open_link("squatted", &email_changed, &err), "link", &err);
    assert_true(user_of(squatter.email).id == user.id);
}

static void test_the_same_new_address_gets_a_mail_only_after_the_pause(void **state)
{
    (void)state;
    struct err err = {0};
    struct user_row user = active("hash");
    struct text wanted = fresh_email(), other = fresh_email();
    int64_t before = events_of(&user);
    must(change_email(&user, wanted, &err) && change_email(&user, wanted, &err), "change_email", &err);
    assert_int_equal(events_of(&user), before + 1);
    must(change_email(&user, other, &err), "change_email", &err);
    assert_int_equal(events_of(&user), before + 2);
    scope.now_ms += OTP_PAUSE_MS;
    must(change_email(&user, other, &err), "change_email", &err);
    assert_int_equal(events_of(&user), before + 3);
    assert_text(user.pending_email, other.p);
}

/* ---- the database ---- */

static struct db_pool *open_pool(const char *name)
{
    struct err err = {0};
    struct db_options opts = {.socket = server.socket,
                              .name = name,
                              .user = "root",
                              .pool_size = 2,
                              .pool_wait_ms = 1000,
                              .connect_timeout_s = 2,
                              .io_timeout_s = 20,
                              .lock_wait_s = 5};
    struct db_pool *p = db_pool_open(&opts, &err);
    must(p != NULL, "db_pool_open", &err);
    return p;
}

static void make_database(void)
{
    struct err err = {0};
    struct db_pool *p = open_pool(NULL);
    struct db *db = db_take(p, &err);
    must(db && db_run_sql(db, TEXT("CREATE DATABASE test"), &err), "create", &err);
    db_give(db);
    db_pool_close(p);
}

static int set_up_all(void **state)
{
    (void)state;
    struct err err = {0};
    size_t steps;
    signal(SIGPIPE, SIG_IGN);
    server_start_mariadb(&server);
    make_database();
    pool = open_pool("test");
    scope.db = db_take(pool, &err);
    must(scope.db != NULL, "db_take", &err);
    scope.mem = arena_new(64 * 1024, 1 << 24);
    scope.currency = currency_find(TEXT("VND"));
    must(migrate_run(scope.db, migration_files, START, scope.mem, &steps, &err), "migrate", &err);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    db_give(scope.db);
    db_pool_close(pool);
    arena_free(scope.mem);
    server_remove(&server);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    scope.now_ms = START;
    scope.outbox_rows = 0;
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_registration_makes_a_pending_user_and_asks_for_a_code),
        TEST(test_a_second_registration_counts_only_after_the_pause),
        TEST(test_a_new_code_voids_the_one_before_even_when_its_mail_is_late),
        TEST(test_an_active_owner_is_told_and_keeps_the_account),
        TEST(test_only_a_pending_account_can_be_cancelled),
        TEST(test_a_code_has_five_tries),
        TEST(test_a_right_code_costs_no_try_and_works_once),
        TEST(test_a_code_expires),
        TEST(test_a_code_is_of_one_user_and_purpose),
        TEST(test_a_link_activates_once_and_answers_the_same_for_ten_minutes),
        TEST(test_unknown_expired_and_reset_links_open_nothing),
        TEST(test_a_profile_is_completed_once_and_only_shortly_after_activation),
        TEST(test_a_session_lasts_ten_hours),
        TEST(test_no_session_starts_with_a_password_that_changed_meanwhile),
        TEST(test_a_reset_ends_every_session_and_works_once),
        TEST(test_a_reset_link_lasts_half_an_hour),
        TEST(test_a_reset_is_for_active_accounts_and_paused),
        TEST(test_a_new_password_leaves_only_the_new_session),
        TEST(test_a_new_address_counts_only_when_its_link_is_opened),
        TEST(test_an_address_in_use_looks_the_same_but_only_its_owner_gets_a_mail),
        TEST(test_an_address_taken_before_the_link_is_opened_stays_its_owners),
        TEST(test_a_pending_registration_does_not_keep_an_address),
        TEST(test_the_same_new_address_gets_a_mail_only_after_the_pause),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
