#include "handlers/preferences.h"

#include "base/fields.h"
#include "store/user.h"

struct preferences_body {
    int64_t language; /* index into LANGUAGES */
    int64_t large_amount;
    bool large_amount_given;
};

static const char *const LANGUAGES[] = {"vi", "en", NULL};

static const struct field PREFERENCES_FIELDS[] = {
    FIELD_CHOICE("language", struct preferences_body, language, FF_REQUIRED, LANGUAGES),
    {.name = "largeTransactionAmount",
     .kind = FK_MONEY,
     .offset = offsetof(struct preferences_body, large_amount),
     .given_offset = offsetof(struct preferences_body, large_amount_given),
     .min = 1},
    FIELD_END};
const struct body_def PREFERENCES_BODY = {
    .fields = PREFERENCES_FIELDS, .size = sizeof(struct preferences_body), .strict = true};

static void write_preferences(struct json_out *j, const struct user_row *user, const struct currency *currency)
{
    json_begin_object(j);
    json_put_text(j, "language", user->language);
    if (user->large_transaction_amount)
        json_put_money(j, "largeTransactionAmount", user->large_transaction_amount, currency);
    else
        json_put_null(j, "largeTransactionAmount");
    json_end_object(j);
}

bool preferences_show(struct call *call, struct response *res, struct err *err)
{
    const struct scope *s = &call->scope;
    struct user_row user;
    if (!user_find(s->db, s->user_id, s->mem, &user, err))
        return false;
    write_preferences(&res->json, &user, s->currency);
    return true;
}

bool preferences_change(struct call *call, struct response *res, struct err *err)
{
    const struct preferences_body *b = call->body;
    const struct scope *s = &call->scope;
    struct user_row user;
    if (!user_lock(s->db, s->user_id, s->mem, &user, err))
        return false;
    int64_t amount = b->large_amount_given ? b->large_amount : user.large_transaction_amount;
    if (!user_set_preferences(s->db, s->user_id, LANGUAGES[b->language], amount, s->now_ms, err))
        return false;
    user.language = text_of(LANGUAGES[b->language]);
    user.large_transaction_amount = amount;
    write_preferences(&res->json, &user, s->currency);
    return true;
}
