#include "finance/account.h"

#include "base/buf.h"
#include "base/json.h"
#include "finance/events.h"
#include "store/session.h"

enum { EVENT_DATA_MAX = 2048 };

/* ---- events ---- */

static bool record_for(struct scope *s, const struct user_row *user, const char *type, struct text data,
                       char event_id[UUID_TEXT_MAX], struct err *err)
{
    struct scope own = *s;
    own.user_id = user->id;
    own.household_id = user->household_id;
    if (!event_record(&own, type, user->id, data, event_id, err))
        return false;
    s->outbox_rows = own.outbox_rows;
    return true;
}

static bool mail(struct scope *s, const struct user_row *user, const char *template_name, struct err *err)
{
    AUTO(buf) struct buf data;
    buf_init(&data, EVENT_DATA_MAX);
    buf_printf(&data, "{\"template\":\"%s\"}", template_name);
    return record_for(s, user, EVENT_MAIL_REQUESTED, buf_view(&data), NULL, err);
}

/* new_email: where the mail goes instead of the user's address, or TEXT_NONE. */
static bool request_code(struct scope *s, const struct user_row *user, const char *purpose, struct text new_email,
                         struct err *err)
{
    AUTO(buf) struct buf data;
    struct json_out j;
    char event_id[UUID_TEXT_MAX];
    buf_init(&data, EVENT_DATA_MAX);
    json_out_init(&j, &data);
    json_begin_object(&j);
    json_put_str(&j, "purpose", purpose);
    if (new_email.p)
        json_put_text(&j, "email", new_email);
    json_end_object(&j);
    if (data.failed)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for an event");
    return record_for(s, user, EVENT_OTP_REQUESTED, buf_view(&data), event_id, err) &&
           otp_request(s->db, user->id, purpose, event_id, s->now_ms, err);
}

static bool request_code_if_due(struct scope *s, const struct user_row *user, const char *purpose, struct err *err)
{
    int64_t wait_ms;
    if (!otp_wait(s->db, user->id, purpose, s->now_ms, &wait_ms, err))
        return false;
    if (wait_ms > 0)
        return otp_decoy(s->db, user->email, s->now_ms, err);
    return request_code(s, user, purpose, TEXT_NONE, err);
}

/* Somebody tried to use the address of an account: its owner hears of it, no oftener than of codes. */
static bool tell_owner(struct scope *s, const struct user_row *owner, struct err *err)
{
    int64_t wait_ms;
    if (!otp_wait(s->db, owner->id, OTP_NOTICE, s->now_ms, &wait_ms, err))
        return false;
    if (wait_ms > 0)
        return otp_decoy(s->db, owner->email, s->now_ms, err);
    return otp_request(s->db, owner->id, OTP_NOTICE, "", s->now_ms, err) && mail(s, owner, "address_in_use", err);
}

/* ---- look-ups ---- */

/* *found is false, and nothing locked, for an address without an account. */
static bool lock_known(struct scope *s, struct text email, struct user_row *user, bool *found, struct err *err)
{
    struct err miss = {0};
    *found = user_lock_by_email(s->db, email, s->mem, user, &miss);
    if (*found || miss.code == ERR_NOT_FOUND)
        return true;
    *err = miss;
    return false;
}

/* ---- registration ---- */

static bool register_new(struct scope *s, const struct user_new *user, const struct currency *currency, struct err *err)
{
    struct user_row row = {.email = user->email};
    if (!user_insert_pending(s->db, user, currency, s->now_ms, &row.id, &row.household_id, err))
        return err->code == ERR_DUPLICATE ? err_set(err, ERR_DEADLOCK, "The address was registered meanwhile") : false;
    return request_code(s, &row, OTP_ACTIVATE, TEXT_NONE, err);
}

static bool register_again(struct scope *s, const struct user_row *user, const struct user_new *given, struct err *err)
{
    int64_t wait_ms;
    if (!otp_wait(s->db, user->id, OTP_ACTIVATE, s->now_ms, &wait_ms, err))
        return false;
    if (wait_ms > 0)
        return otp_decoy(s->db, user->email, s->now_ms, err);
    return user_replace_pending(s->db, user->id, given, s->now_ms, err) &&
           request_code(s, user, OTP_ACTIVATE, TEXT_NONE, err);
}

bool account_register(struct scope *s, const struct user_new *user, const struct currency *currency, struct err *err)
{
    struct user_row known;
    bool found;
    if (!lock_known(s, user->email, &known, &found, err))
        return false;
    if (!found)
        return register_new(s, user, currency, err);
    if (known.status == USER_PENDING)
        return register_again(s, &known, user, err);
    return tell_owner(s, &known, err);
}

bool account_resend(struct scope *s, struct text email, struct err *err)
{
    struct user_row user;
    bool found;
    if (!lock_known(s, email, &user, &found, err))
        return false;
    if (!found || user.status != USER_PENDING)
        return otp_decoy(s->db, email, s->now_ms, err);
    return request_code_if_due(s, &user, OTP_ACTIVATE, err);
}

static bool remove_pending(struct scope *s, const struct user_row *user, struct err *err)
{
    return otp_delete(s->db, user->id, err) && user_delete_pending(s->db, user->id, user->household_id, err);
}

bool account_cancel(struct scope *s, struct text email, struct err *err)
{
    struct user_row user;
    bool found;
    if (!lock_known(s, email, &user, &found, err))
        return false;
    if (!found || user.status != USER_PENDING)
        return otp_decoy(s->db, email, s->now_ms, err);
    return remove_pending(s, &user, err);
}

bool account_activate(struct scope *s, int64_t user_id, const char *hash, struct err *err)
{
    struct user_row user;
    if (!user_lock(s->db, user_id, s->mem, &user, err) || !otp_use(s->db, user_id, OTP_ACTIVATE, hash, s->now_ms, err))
        return false;
    return user_activate(s->db, user_id, s->now_ms, err);
}

bool account_complete(struct scope *s, struct text email, struct text full_name, struct text password_hash,
                      struct err *err)
{
    struct err miss = {0};
    if (user_complete(s->db, email, full_name, password_hash, s->now_ms - ACCOUNT_COMPLETE_MS, s->now_ms, &miss))
        return true;
    if (miss.code == ERR_NOT_FOUND)
        return err_set(err, ERR_VALIDATION, "This account cannot be completed, or not any more");
    *err = miss;
    return false;
}

/* ---- codes and links ---- */

static enum user_status status_for(const char *purpose)
{
    return strcmp(purpose, OTP_ACTIVATE) == 0 ? USER_PENDING : USER_ACTIVE;
}

bool account_check_code(struct scope *s, struct text email, const char *purpose, struct text code, int64_t *user_id,
                        char hash[OTP_HASH_TEXT], struct err *err)
{
    struct user_row user;
    struct err miss = {0};
    if (!user_find_by_email(s->db, email, s->mem, &user, &miss) && miss.code != ERR_NOT_FOUND) {
        *err = miss;
        return false;
    }
    if (miss.code == ERR_NOT_FOUND || user.status != status_for(purpose))
        return otp_decoy(s->db, email, s->now_ms, err) && err_set(err, ERR_WRONG_CODE, OTP_WRONG_TEXT);
    if (!otp_check(s->db, user.id, purpose, code, s->now_ms, s->mem, err))
        return false;
    otp_hash(code, user.id, purpose, hash);
    *user_id = user.id;
    return true;
}

bool account_check_reset_link(struct scope *s, const char *link_hash, int64_t *user_id, struct err *err)
{
    struct otp_link link;
    struct err miss = {0};
    if (otp_find_link(s->db, link_hash, s->mem, &link, &miss) && text_eq(link.purpose, TEXT(OTP_RESET)) &&
        !link.used_at_ms && link.link_expires_at_ms > s->now_ms) {
        *user_id = link.user_id;
        return true;
    }
    if (miss.code == ERR_NONE || miss.code == ERR_NOT_FOUND)
        return err_set(err, ERR_WRONG_CODE, OTP_WRONG_TEXT);
    *err = miss;
    return false;
}

static bool no_such_link(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "The link is unknown, expired or used up");
}

/* A registration that was never activated does not keep the address from who has shown that it is theirs. */
static bool clear_way(struct scope *s, struct text email, struct err *err)
{
    struct user_row other;
    bool found;
    if (!lock_known(s, email, &other, &found, err))
        return false;
    if (!found)
        return true;
    return other.status == USER_PENDING ? remove_pending(s, &other, err) : no_such_link(err);
}

static bool apply_email(struct scope *s, int64_t user_id, const char *link_hash, struct err *err)
{
    struct user_row user;
    if (!user_lock(s->db, user_id, s->mem, &user, err))
        return false;
    if (!user.pending_email.p || user.status != USER_ACTIVE)
        return no_such_link(err);
    if (!otp_use(s->db, user_id, OTP_EMAIL, link_hash, s->now_ms, err) || !clear_way(s, user.pending_email, err))
        return false;
    if (user_apply_pending_email(s->db, user_id, s->now_ms, err))
        return true;
    return err->code == ERR_DUPLICATE ? no_such_link(err) : false;
}

bool account_open_link(struct scope *s, const char *link_hash, bool *email_changed, struct err *err)
{
    struct otp_link link;
    if (!otp_find_link(s->db, link_hash, s->mem, &link, err))
        return false;
    *email_changed = text_eq(link.purpose, TEXT(OTP_EMAIL));
    if (!*email_changed && !text_eq(link.purpose, TEXT(OTP_ACTIVATE)))
        return no_such_link(err);
    if (link.used_at_ms)
        return s->now_ms - link.used_at_ms <= ACCOUNT_LINK_REPEAT_MS || no_such_link(err);
    bool ok = *email_changed ? apply_email(s, link.user_id, link_hash, err)
                             : account_activate(s, link.user_id, link_hash, err);
    return ok || (err->code == ERR_WRONG_CODE && no_such_link(err));
}

/* ---- passwords ---- */

bool account_request_reset(struct scope *s, struct text email, struct err *err)
{
    struct user_row user;
    bool found;
    if (!lock_known(s, email, &user, &found, err))
        return false;
    if (!found || user.status != USER_ACTIVE)
        return otp_decoy(s->db, email, s->now_ms, err);
    return request_code_if_due(s, &user, OTP_RESET, err);
}

/* Under the lock of the user's row. */
static bool change_password(struct scope *s, const struct user_row *user, struct text password_hash, struct err *err)
{
    return user_set_password(s->db, user->id, password_hash, s->now_ms, err) &&
           session_revoke_all(s->db, user->id, s->now_ms, err) && mail(s, user, "password_changed", err);
}

bool account_reset_password(struct scope *s, int64_t user_id, const char *hash, struct text password_hash,
                            struct err *err)
{
    struct user_row user;
    if (!user_lock(s->db, user_id, s->mem, &user, err))
        return false;
    if (user.status != USER_ACTIVE)
        return err_set(err, ERR_WRONG_CODE, "The account is closed");
    return otp_use(s->db, user_id, OTP_RESET, hash, s->now_ms, err) && change_password(s, &user, password_hash, err);
}

static bool lock_unchanged(struct scope *s, const struct user_row *before, struct user_row *now, struct err *err)
{
    return user_lock(s->db, before->id, s->mem, now, err) &&
           ((text_eq(now->password_hash, before->password_hash) && now->status == USER_ACTIVE) ||
            err_set(err, ERR_INVALID_CREDENTIALS, "The account has changed meanwhile"));
}

bool account_sign_in(struct scope *s, const struct user_row *verified, const char *session_id, struct err *err)
{
    struct user_row now;
    return lock_unchanged(s, verified, &now, err) &&
           session_insert(s->db, session_id, now.id, now.household_id, s->now_ms, err);
}

/* ---- changes by the owner ---- */

static bool change_email(struct scope *s, const struct user_row *user, struct text email, struct err *err)
{
    struct user_row owner;
    struct err miss = {0};
    int64_t wait_ms;
    if (!otp_wait(s->db, user->id, OTP_EMAIL, s->now_ms, &wait_ms, err))
        return false;
    if (wait_ms > 0 && text_eq(user->pending_email, email))
        return true;
    if (!user_set_pending_email(s->db, user->id, email, s->now_ms, err))
        return false;
    if (!user_find_by_email(s->db, email, s->mem, &owner, &miss)) {
        if (miss.code == ERR_NOT_FOUND)
            return request_code(s, user, OTP_EMAIL, email, err);
        *err = miss;
        return false;
    }
    if (owner.status == USER_PENDING)
        return request_code(s, user, OTP_EMAIL, email, err);
    /* The same pause as if a mail had gone to the address. */
    return otp_request(s->db, user->id, OTP_EMAIL, "", s->now_ms, err) && tell_owner(s, &owner, err);
}

static bool new_password(struct scope *s, const struct account_change *change, const struct user_row *user,
                         struct err *err)
{
    return change_password(s, user, change->new_password_hash, err) &&
           otp_void(s->db, user->id, OTP_RESET, s->now_ms, err) &&
           session_insert(s->db, change->new_session_id, user->id, user->household_id, s->now_ms, err);
}

bool account_change(struct scope *s, const struct account_change *change, struct user_row *user, struct err *err)
{
    struct user_row now;
    if (!lock_unchanged(s, user, &now, err))
        return false;
    if (!user_set_profile(s->db, now.id, change->full_name, change->profile_image_url, s->now_ms, err) ||
        (change->new_email.n && !change_email(s, &now, change->new_email, err)) ||
        (change->new_password_hash.n && !new_password(s, change, &now, err)))
        return false;
    return user_find(s->db, now.id, s->mem, user, err);
}
