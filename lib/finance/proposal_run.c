/* A confirmed proposal is executed: names become ids, and the rules that the API's routes use do the rest. */
#include "finance/expense.h"
#include "finance/income.h"
#include "finance/jars.h"
#include "finance/nova/say.h"
#include "finance/proposal.h"
#include "finance/proposal_fields.h"
#include "finance/proposal_match.h"
#include "finance/undo.h"
#include "store/proposal.h"

struct running {
    struct scope *s;
    struct proposal_fields f;
    bool vi;
    struct text refusal; /* p != NULL: a rule said no, and this is why */
    struct say done;     /* what the user is told */
};

/* Ends with a refusal; the error only carries it out of the calls. */
static bool refuse(struct running *r, const char *vi, const char *en, struct text about, struct err *err)
{
    struct say y;
    say_init(&y, r->vi, r->s->currency, r->s->today);
    SAY(&y, vi, en, SAY_TEXT(about));
    r->refusal = say_end(&y, r->s->mem);
    return err_set(err, r->refusal.p ? ERR_CONFLICT : ERR_NO_MEMORY, "The proposal is refused");
}

static bool need(struct running *r, bool given, const char *key, struct err *err)
{
    return given || refuse(r, "Thiếu thông tin: {0}.", "Something is missing: {0}.", text_of(key), err);
}

/* ---- names ---- */

static bool find_category(struct running *r, int64_t type, struct category *out, struct err *err)
{
    bool found;
    if (!need(r, r->f.category_name.n, "categoryName", err) ||
        !match_category(r->s, r->f.category_name, type, out, &found, err))
        return false;
    return found ||
           refuse(r, "Không tìm thấy danh mục \"{0}\".", "There is no category \"{0}\".", r->f.category_name, err);
}

static bool add_category(struct running *r, struct category *c, struct err *err)
{
    int64_t count = 0;
    if (!category_count(r->s->db, r->s->household_id, &count, err))
        return false;
    if (count >= CATEGORY_MAX)
        return refuse(r, "Đã có quá nhiều danh mục.", "There are too many categories.", TEXT(""), err);
    return category_insert(r->s->db, r->s->household_id, c, r->s->now_ms, err);
}

/* The category that the user saw and confirmed; one that is missing is made. */
static bool category_for(struct running *r, int64_t type, int64_t *id, struct err *err)
{
    struct category c = {.name = r->f.category_name.n ? r->f.category_name : TEXT("Khác"), .type = type};
    bool found;
    if (!match_category(r->s, c.name, type, &c, &found, err) || (!found && !add_category(r, &c, err)))
        return false;
    *id = c.id;
    return true;
}

static bool find_jar(struct running *r, struct text name, const char *key, struct jar *out, struct err *err)
{
    bool found;
    if (!need(r, name.n, key, err) || !match_jar(r->s, name, out, &found, err))
        return false;
    return found || refuse(r, "Không tìm thấy hũ \"{0}\".", "There is no jar \"{0}\".", name, err);
}

/* 0 where none is named. */
static bool jar_for(struct running *r, int64_t *id, struct err *err)
{
    struct jar jar = {0};
    if (r->f.jar_name.n && !find_jar(r, r->f.jar_name, "jarName", &jar, err))
        return false;
    *id = jar.id;
    return true;
}

/* ---- a transaction that is there ---- */

static bool by_words(struct running *r, int64_t kind, int64_t amount, struct transaction *out, struct err *err)
{
    struct matches *found = arena_new_of(r->s->mem, struct matches);
    struct match_query q = {.kind = kind, .name = r->f.description, .date = r->f.date, .amount = amount};
    if (!found)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!match_transactions(r->s, &q, found, err))
        return false;
    if (!found->count)
        return refuse(r, "Không tìm thấy giao dịch \"{0}\".", "There is no transaction \"{0}\".", r->f.description,
                      err);
    if (found->count > 1)
        return refuse(r, "Có nhiều giao dịch \"{0}\". Hãy cho biết ngày hoặc số tiền.",
                      "There are several transactions \"{0}\". Tell the day or the amount.", r->f.description, err);
    *out = found->items[0];
    return true;
}

/* By its id as proposed, else by its words. */
static bool find_transaction(struct running *r, int64_t kind, int64_t amount, struct transaction *out, struct err *err)
{
    if (!r->f.transaction_id)
        return by_words(r, kind, amount, out, err);
    struct transaction t = {0};
    if (!transaction_find(r->s->db, r->s->household_id, r->f.transaction_id, r->s->mem, &t, err))
        return false;
    if (t.deleted_at_ms || t.kind != kind)
        return err_set(err, ERR_NOT_FOUND, "There is no such transaction");
    *out = t;
    return true;
}

/* With an id the description and the date are new values, else they are what it was found by. */
static struct text new_name(const struct running *r, const struct transaction *t)
{
    if (r->f.name.n)
        return r->f.name;
    return r->f.transaction_id && r->f.description.n ? r->f.description : t->name;
}

static int32_t new_date(const struct running *r, const struct transaction *t)
{
    return r->f.transaction_id && r->f.date ? r->f.date : t->occurred_on;
}

static bool new_category(struct running *r, const struct transaction *t, int64_t type, int64_t *id, struct err *err)
{
    *id = t->category_id;
    return !r->f.category_name.n || category_for(r, type, id, err);
}

/* ---- execution, by kind ---- */

static void say_done(struct running *r, const char *vi, const char *en, struct text name, int64_t amount)
{
    SAY(&r->done, vi, en, SAY_TEXT(name), SAY_MONEY(amount));
}

static bool create_expense(struct running *r, struct err *err)
{
    struct transaction made;
    struct expense_input in = {.name = r->f.description.n ? r->f.description : r->f.name,
                               .icon = r->f.icon,
                               .amount = r->f.amount,
                               .occurred_on = r->f.date};
    if (!need(r, r->f.amount, "amount", err) || !category_for(r, CATEGORY_EXPENSE, &in.category_id, err) ||
        !jar_for(r, &in.jar_id, err))
        return false;
    in.name = in.name.n ? in.name : r->f.category_name.n ? r->f.category_name : TEXT("Khoản chi");
    if (!expense_add(r->s, &in, &made, err))
        return false;
    say_done(r, "Đã ghi khoản chi \"{0}\" {1}.", "The expense \"{0}\" of {1} is recorded.", made.name, made.amount);
    return true;
}

static bool create_income(struct running *r, struct err *err)
{
    struct income_result made;
    struct income_input in = {.name = r->f.description.n ? r->f.description : r->f.name,
                              .icon = r->f.icon,
                              .amount = r->f.amount,
                              .occurred_on = r->f.date};
    if (!need(r, r->f.amount, "amount", err) || !category_for(r, CATEGORY_INCOME, &in.category_id, err))
        return false;
    in.name = in.name.n ? in.name : r->f.category_name.n ? r->f.category_name : TEXT("Khoản thu");
    if (!income_add(r->s, &in, &made, err))
        return false;
    say_done(r, "Đã ghi khoản thu \"{0}\" {1}.", "The income \"{0}\" of {1} is recorded.", made.income.name,
             made.income.amount);
    return true;
}

static bool create_category(struct running *r, struct err *err)
{
    struct category c = {.name = r->f.name.n ? r->f.name : r->f.category_name,
                         .icon = r->f.icon,
                         .type = r->f.type >= 0 ? r->f.type : CATEGORY_EXPENSE};
    if (!need(r, c.name.n, "name", err) || !add_category(r, &c, err))
        return false;
    say_done(r, "Đã tạo danh mục \"{0}\".", "The category \"{0}\" is created.", c.name, 0);
    return true;
}

static bool create_jar(struct running *r, struct err *err)
{
    static const int64_t NO_OPENING = 0;
    struct jar_list made;
    struct jar jar = {.name = r->f.name.n ? r->f.name : r->f.jar_name,
                      .icon = r->f.icon,
                      .color = r->f.color.n ? r->f.color : text_of(JAR_DEFAULT_COLOR),
                      .target_bp = r->f.target_bp >= 0 ? r->f.target_bp : 0};
    if (!need(r, jar.name.n, "name", err) || !jars_create(r->s, &jar, &NO_OPENING, 1, &made, err))
        return false;
    say_done(r, "Đã tạo hũ \"{0}\".", "The jar \"{0}\" is created.", jar.name, 0);
    return true;
}

static bool update_expense(struct running *r, struct err *err)
{
    struct transaction t = {0};
    if (!find_transaction(r, KIND_EXPENSE, 0, &t, err))
        return false;
    struct expense_input in = {.name = new_name(r, &t),
                               .icon = r->f.icon.n ? r->f.icon : t.icon,
                               .note = t.note,
                               .receipt_location = t.receipt_location,
                               .receipt_image_url = t.receipt_image_url,
                               .jar_id = t.jar_id,
                               .amount = r->f.amount ? r->f.amount : t.amount,
                               .occurred_on = new_date(r, &t)};
    if (!new_category(r, &t, CATEGORY_EXPENSE, &in.category_id, err) ||
        (r->f.jar_name.n && !jar_for(r, &in.jar_id, err)) || !expense_change(r->s, &in, &t, err))
        return false;
    say_done(r, "Đã sửa khoản chi \"{0}\": {1}.", "The expense \"{0}\" is changed: {1}.", t.name, t.amount);
    return true;
}

static bool update_income(struct running *r, struct err *err)
{
    struct transaction t = {0};
    struct income_result made;
    if (!find_transaction(r, KIND_INCOME, 0, &t, err))
        return false;
    struct income_input in = {.name = new_name(r, &t),
                              .icon = r->f.icon.n ? r->f.icon : t.icon,
                              .note = t.note,
                              .amount = r->f.amount ? r->f.amount : t.amount,
                              .occurred_on = new_date(r, &t)};
    if (!new_category(r, &t, CATEGORY_INCOME, &in.category_id, err) || !income_change(r->s, &in, &t, &made, err))
        return false;
    say_done(r, "Đã sửa khoản thu \"{0}\": {1}.", "The income \"{0}\" is changed: {1}.", made.income.name,
             made.income.amount);
    return true;
}

static bool update_category(struct running *r, struct err *err)
{
    struct category c;
    if (!find_category(r, r->f.type, &c, err) || !need(r, r->f.name.n || r->f.icon.n, "name", err))
        return false;
    c.name = r->f.name.n ? r->f.name : c.name;
    c.icon = r->f.icon.n ? r->f.icon : c.icon;
    if (!category_update(r->s->db, r->s->household_id, &c, r->s->now_ms, err))
        return false;
    say_done(r, "Đã sửa danh mục \"{0}\".", "The category \"{0}\" is changed.", c.name, 0);
    return true;
}

static bool update_jar(struct running *r, struct err *err)
{
    struct jar jar = {0};
    if (!find_jar(r, r->f.jar_name, "jarName", &jar, err) ||
        !need(r, r->f.name.n || r->f.icon.n || r->f.color.n || r->f.target_bp >= 0, "name", err))
        return false;
    jar.name = r->f.name.n ? r->f.name : jar.name;
    jar.icon = r->f.icon.n ? r->f.icon : jar.icon;
    jar.color = r->f.color.n ? r->f.color : jar.color;
    jar.target_bp = r->f.target_bp >= 0 ? r->f.target_bp : jar.target_bp;
    if (!jars_change(r->s, &jar, jar.reset, err))
        return false;
    say_done(r, "Đã sửa hũ \"{0}\".", "The jar \"{0}\" is changed.", jar.name, 0);
    return true;
}

static bool remove_transaction(struct running *r, int64_t kind, struct err *err)
{
    struct transaction t = {0};
    if (!find_transaction(r, kind, r->f.amount, &t, err) || !transaction_remove(r->s, &t, err))
        return false;
    say_done(r, "Đã xóa \"{0}\" {1}.", "\"{0}\" of {1} is deleted.", t.name, t.amount);
    return true;
}

static bool delete_expense(struct running *r, struct err *err)
{
    return remove_transaction(r, KIND_EXPENSE, err);
}

static bool delete_income(struct running *r, struct err *err)
{
    return remove_transaction(r, KIND_INCOME, err);
}

static bool delete_category(struct running *r, struct err *err)
{
    struct category c;
    r->f.category_name = r->f.category_name.n ? r->f.category_name : r->f.name;
    if (!find_category(r, r->f.type, &c, err) || !category_remove(r->s, c.id, err))
        return false;
    say_done(r, "Đã xóa danh mục \"{0}\".", "The category \"{0}\" is deleted.", c.name, 0);
    return true;
}

static bool delete_jar(struct running *r, struct err *err)
{
    struct jar jar = {0};
    struct text name = r->f.jar_name.n ? r->f.jar_name : r->f.name;
    if (!find_jar(r, name, "jarName", &jar, err) || !jars_remove(r->s, jar.id, err))
        return false;
    say_done(r, "Đã xóa hũ \"{0}\".", "The jar \"{0}\" is deleted.", jar.name, 0);
    return true;
}

/* 0 for what is unassigned. */
static bool transfer_end(struct running *r, struct text name, const char *key, int64_t *id, struct err *err)
{
    struct jar jar = {0};
    if (!match_is_unassigned(name, r->s->mem) && !find_jar(r, name, key, &jar, err))
        return false;
    *id = jar.id;
    return true;
}

static bool transfer(struct running *r, struct err *err)
{
    int64_t from, to;
    struct transaction made;
    if (!need(r, r->f.amount, "amount", err) || !transfer_end(r, r->f.from_jar_name, "fromJarName", &from, err) ||
        !transfer_end(r, r->f.to_jar_name, "toJarName", &to, err) ||
        !jars_transfer(r->s, from, to, r->f.amount, &made, err))
        return false;
    SAY(&r->done, "Đã chuyển {0} từ \"{1}\" sang \"{2}\".", "{0} is moved from \"{1}\" to \"{2}\".",
        SAY_MONEY(made.amount), SAY_TEXT(r->f.from_jar_name), SAY_TEXT(r->f.to_jar_name));
    return true;
}

typedef bool run_fn(struct running *r, struct err *err);

static run_fn *const RUNNERS[INTENT_COUNT] = {
    [INTENT_CREATE_EXPENSE] = create_expense,   [INTENT_CREATE_INCOME] = create_income,
    [INTENT_CREATE_CATEGORY] = create_category, [INTENT_CREATE_JAR] = create_jar,
    [INTENT_UPDATE_EXPENSE] = update_expense,   [INTENT_UPDATE_INCOME] = update_income,
    [INTENT_UPDATE_CATEGORY] = update_category, [INTENT_UPDATE_JAR] = update_jar,
    [INTENT_DELETE_EXPENSE] = delete_expense,   [INTENT_DELETE_INCOME] = delete_income,
    [INTENT_DELETE_CATEGORY] = delete_category, [INTENT_DELETE_JAR] = delete_jar,
    [INTENT_TRANSFER_JAR] = transfer,
};

/* ---- once an id ---- */

/* *row->id.p == NULL when there is no proposal to execute, only fields. */
static bool find_proposal(struct running *r, enum nova_intent_kind kind, struct proposal_row *row, struct err *err)
{
    struct scope *s = r->s;
    struct err missing = {0};
    if (!r->f.proposal_id.n)
        return true;
    if (!uuid_is_valid(r->f.proposal_id) ||
        !proposal_row_find(s->db, s->household_id, s->user_id, r->f.proposal_id, s->mem, row, &missing)) {
        if (missing.code != ERR_NONE && missing.code != ERR_NOT_FOUND) {
            *err = missing;
            return false;
        }
        return refuse(r, "Không tìm thấy đề xuất này.", "There is no such proposal.", TEXT(""), err);
    }
    r->vi = !text_eq(row->language, TEXT("en"));
    if (row->executed_at_ms)
        return true;
    if (nova_intent_of_name(row->intent) != kind)
        return refuse(r, "Đề xuất này là một thao tác khác.", "The proposal is for something else.", TEXT(""), err);
    if (row->expires_at_ms <= s->now_ms)
        return refuse(r, "Đề xuất này đã hết hạn. Hãy yêu cầu lại.", "The proposal has expired. Please ask again.",
                      TEXT(""), err);
    return true;
}

static bool run(struct running *r, enum nova_intent_kind kind, const struct json_node *fields,
                struct proposal_result *out, struct err *err)
{
    struct scope *s = r->s;
    struct proposal_row row = {0};
    run_fn *runner = (unsigned)kind < INTENT_COUNT ? RUNNERS[kind] : NULL;
    if (!runner)
        return refuse(r, "Thao tác này chưa được hỗ trợ.", "That is not something I can do.", TEXT(""), err);
    if (!proposal_fields_read(fields, s->currency, s->mem, &r->f, err) || !find_proposal(r, kind, &row, err))
        return false;
    if (row.executed_at_ms) {
        *out = (struct proposal_result){.done = true, .repeated = true, .message = row.result};
        return true;
    }
    say_init(&r->done, r->vi, s->currency, s->today);
    bool ok = runner(r, err);
    struct text message = say_end(&r->done, s->mem);
    if (!ok)
        return false;
    if (!message.p)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (row.id.p && !proposal_row_execute(s->db, s->household_id, row.id, message, s->now_ms, err))
        return false;
    *out = (struct proposal_result){.done = true, .message = message};
    return true;
}

/* What a rule says no to; anything else is a fault. */
static bool is_refusal(enum err_code code)
{
    switch (code) {
    case ERR_NOT_FOUND:
    case ERR_VALIDATION:
    case ERR_CONFLICT:
    case ERR_NAME_IN_USE:
    case ERR_INSUFFICIENT_BALANCE:
    case ERR_CATEGORY_IN_USE:
    case ERR_OVERFLOW: return true;
    default: return false;
    }
}

/* The fields' own texts where there are any; they are for Vietnamese users, as the table's are. */
static struct text reason_of(const struct running *r, const struct err *err)
{
    struct buf text;
    buf_init(&text, SAY_MAX);
    for (size_t i = 0; r->vi && i < err->field_count; i++)
        buf_printf(&text, "%s%s: %s", i ? "; " : "", err->fields[i].name, err->fields[i].text);
    for (size_t i = 0; !r->vi && i < err->field_count; i++)
        buf_printf(&text, "%s%s", i ? ", " : "These are not valid: ", err->fields[i].name);
    if (!text.n)
        buf_str(&text, r->vi ? err_row(err->code)->message : err->detail);
    struct text out = text.failed ? TEXT_NONE : arena_text(r->s->mem, buf_view(&text));
    buf_release(&text);
    return out;
}

bool proposal_execute(struct scope *s, enum nova_intent_kind kind, const struct json_node *fields,
                      struct proposal_result *out, struct err *err)
{
    struct running r = {.s = s, .vi = true};
    struct err failed = {0};
    if (run(&r, kind, fields, out, &failed))
        return true;
    struct text reason = r.refusal;
    if (!reason.p && is_refusal(failed.code)) {
        reason = reason_of(&r, &failed);
        if (!reason.p)
            return err_set(err, ERR_NO_MEMORY, "Out of memory");
    }
    if (!reason.p) {
        *err = failed;
        return false;
    }
    *out = (struct proposal_result){.message = reason};
    return true;
}
