/* An intent becomes a proposal: its fields, what is missing, and the question to the user. */
#include "base/date.h"
#include "finance/nova/say.h"
#include "finance/proposal.h"
#include "finance/proposal_fields.h"
#include "finance/proposal_match.h"
#include "store/proposal.h"

static const int64_t MINUTE_MS = INT64_C(60) * 1000;

struct making {
    struct scope *s;
    const struct nova_intent *intent;
    const struct nova_context *ctx;
    struct proposal_fields f;
    struct proposal *out;
    struct say y; /* the prompt */
};

static void need(struct making *m, const char *key)
{
    if (m->out->missing_count < PROPOSAL_FIELDS_MAX)
        m->out->missing[m->out->missing_count++] = key;
}

static void need_text(struct making *m, const char *key, struct text t)
{
    if (!t.n)
        need(m, key);
}

static struct text name_of(const struct nova_name *names, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].id == id)
            return names[i].name;
    return TEXT_NONE;
}

static struct text jar_name(const struct making *m, int64_t id)
{
    return name_of(m->ctx->jars, m->ctx->jar_count, id);
}

static bool is_known(const struct making *m, struct text category, int64_t type)
{
    for (size_t i = 0; i < m->ctx->category_count; i++)
        if (m->ctx->categories[i].type == type && match_is_same(m->ctx->categories[i].name, category, m->s->mem))
            return true;
    return false;
}

/* Where nothing fits, it is the category of all that fits nowhere. */
static struct text category_of(const struct making *m, int64_t type)
{
    const struct nova_intent *i = m->intent;
    struct text known = name_of(m->ctx->categories, m->ctx->category_count, i->category_id);
    if (known.n)
        return known;
    if (i->category_hint.n)
        return i->category_hint;
    return m->y.vi || is_known(m, TEXT("Khác"), type) ? TEXT("Khác") : TEXT("Other");
}

/* ---- what is proposed, by kind ---- */

static bool make_transaction(struct making *m, int64_t type)
{
    const struct nova_intent *i = m->intent;
    m->f.amount = i->has_amount ? i->amount : 0;
    m->f.date = i->date ? i->date : m->s->today;
    m->f.category_name = category_of(m, type);
    m->f.description = i->name.n ? i->name : m->f.category_name;
    m->f.jar_name = type == CATEGORY_EXPENSE ? jar_name(m, i->jar_id) : TEXT_NONE;
    if (!m->f.amount)
        need(m, "amount");
    if (type == CATEGORY_EXPENSE)
        SAY(&m->y, "Ghi khoản chi \"{0}\" {1} ngày {2}, danh mục {3}",
            "Record the expense \"{0}\" of {1} on {2}, category {3}", SAY_TEXT(m->f.description),
            SAY_MONEY(m->f.amount), SAY_DAY(m->f.date), SAY_TEXT(m->f.category_name));
    else
        SAY(&m->y, "Ghi khoản thu \"{0}\" {1} ngày {2}, danh mục {3}",
            "Record the income \"{0}\" of {1} on {2}, category {3}", SAY_TEXT(m->f.description), SAY_MONEY(m->f.amount),
            SAY_DAY(m->f.date), SAY_TEXT(m->f.category_name));
    if (!is_known(m, m->f.category_name, type))
        say(&m->y, " (danh mục mới)", " (a new one)");
    if (m->f.jar_name.n)
        SAY(&m->y, ", từ hũ {0}", ", from the jar {0}", SAY_TEXT(m->f.jar_name));
    say(&m->y, "?", "?");
    return true;
}

static bool make_expense(struct making *m, struct err *err)
{
    (void)err;
    return make_transaction(m, CATEGORY_EXPENSE);
}

static bool make_income(struct making *m, struct err *err)
{
    (void)err;
    return make_transaction(m, CATEGORY_INCOME);
}

static bool make_category(struct making *m, struct err *err)
{
    (void)err;
    m->f.name = m->intent->name;
    m->f.type = m->intent->category_type >= 0 ? m->intent->category_type : CATEGORY_EXPENSE;
    need_text(m, "name", m->f.name);
    bool income = m->f.type == CATEGORY_INCOME;
    SAY(&m->y, income ? "Tạo danh mục thu nhập \"{0}\"?" : "Tạo danh mục chi tiêu \"{0}\"?",
        income ? "Create the income category \"{0}\"?" : "Create the expense category \"{0}\"?", SAY_TEXT(m->f.name));
    return true;
}

static struct text percent_of(const struct making *m, int32_t bp)
{
    char text[MONEY_TEXT_MAX];
    size_t n = percent_format(bp, text);
    return arena_text(m->s->mem, (struct text){text, n});
}

static bool make_jar(struct making *m, struct err *err)
{
    (void)err;
    m->f.name = m->intent->name;
    m->f.target_bp = m->intent->target_bp >= 0 ? m->intent->target_bp : 0;
    need_text(m, "name", m->f.name);
    SAY(&m->y, "Tạo hũ \"{0}\" với tỷ lệ {1}%?", "Create the jar \"{0}\" with a target of {1}%?", SAY_TEXT(m->f.name),
        SAY_TEXT(percent_of(m, m->f.target_bp)));
    return true;
}

static bool make_category_change(struct making *m, struct err *err)
{
    (void)err;
    m->f.category_name = name_of(m->ctx->categories, m->ctx->category_count, m->intent->category_id);
    m->f.name = m->intent->new_name;
    need_text(m, "categoryName", m->f.category_name);
    need_text(m, "name", m->f.name);
    SAY(&m->y, "Đổi tên danh mục \"{0}\" thành \"{1}\"?", "Rename the category \"{0}\" to \"{1}\"?",
        SAY_TEXT(m->f.category_name), SAY_TEXT(m->f.name));
    return true;
}

static bool make_jar_change(struct making *m, struct err *err)
{
    (void)err;
    m->f.jar_name = jar_name(m, m->intent->jar_id);
    m->f.name = m->intent->new_name;
    m->f.target_bp = m->intent->target_bp;
    need_text(m, "jarName", m->f.jar_name);
    if (m->f.target_bp < 0)
        need_text(m, "name", m->f.name);
    SAY(&m->y, "Sửa hũ \"{0}\":", "Change the jar \"{0}\":", SAY_TEXT(m->f.jar_name));
    if (m->f.name.n)
        SAY(&m->y, " tên \"{0}\"", " name \"{0}\"", SAY_TEXT(m->f.name));
    if (m->f.target_bp >= 0)
        SAY(&m->y, " tỷ lệ {0}%", " target {0}%", SAY_TEXT(percent_of(m, m->f.target_bp)));
    say(&m->y, "?", "?");
    return true;
}

static bool make_category_delete(struct making *m, struct err *err)
{
    (void)err;
    m->f.category_name = name_of(m->ctx->categories, m->ctx->category_count, m->intent->category_id);
    need_text(m, "categoryName", m->f.category_name);
    SAY(&m->y, "Xóa danh mục \"{0}\"? Các giao dịch của nó cũng bị xóa.",
        "Delete the category \"{0}\"? Its transactions go with it.", SAY_TEXT(m->f.category_name));
    return true;
}

static bool make_jar_delete(struct making *m, struct err *err)
{
    (void)err;
    m->f.jar_name = jar_name(m, m->intent->jar_id);
    need_text(m, "jarName", m->f.jar_name);
    SAY(&m->y, "Xóa hũ \"{0}\"? Số dư của nó trở thành tiền chưa phân bổ.",
        "Delete the jar \"{0}\"? What it holds becomes unassigned.", SAY_TEXT(m->f.jar_name));
    return true;
}

static bool make_transfer(struct making *m, struct err *err)
{
    (void)err;
    const struct nova_intent *i = m->intent;
    struct text unassigned = m->y.vi ? TEXT("Chưa phân bổ") : TEXT("Unassigned");
    m->f.amount = i->has_amount ? i->amount : 0;
    m->f.from_jar_name = i->jar_id ? jar_name(m, i->jar_id) : i->from_unassigned ? unassigned : TEXT_NONE;
    m->f.to_jar_name = i->to_jar_id ? jar_name(m, i->to_jar_id) : i->to_unassigned ? unassigned : TEXT_NONE;
    if (!m->f.amount)
        need(m, "amount");
    need_text(m, "fromJarName", m->f.from_jar_name);
    need_text(m, "toJarName", m->f.to_jar_name);
    SAY(&m->y, "Chuyển {0} từ \"{1}\" sang \"{2}\"?", "Move {0} from \"{1}\" to \"{2}\"?", SAY_MONEY(m->f.amount),
        SAY_TEXT(m->f.from_jar_name), SAY_TEXT(m->f.to_jar_name));
    return true;
}

/* ---- a transaction that is there already ---- */

static void say_which(struct making *m, const struct matches *found)
{
    if (!found->count) {
        say(&m->y, "Tôi không tìm thấy giao dịch nào như vậy. Bạn cho biết tên, ngày hoặc số tiền nhé?",
            "I found no such transaction. What is its name, day or amount?");
        return;
    }
    say(&m->y, "Có nhiều giao dịch như vậy. Bạn muốn giao dịch nào (cho biết ngày hoặc số tiền)?",
        "There are several of them. Which one (tell the day or the amount)?");
    for (size_t i = 0; i < found->count && i < MATCHES_MAX; i++)
        SAY(&m->y, "\n- {0}: {1} ({2})", "\n- {0}: {1} ({2})", SAY_TEXT(found->items[i].name),
            SAY_MONEY(found->items[i].amount), SAY_DAY(found->items[i].occurred_on));
}

/* *t is NULL when it is not one; the prompt then asks. */
static bool find_one(struct making *m, int64_t kind, int64_t amount, const struct transaction **t, struct err *err)
{
    struct matches *found = arena_new_of(m->s->mem, struct matches);
    struct match_query q = {.kind = kind,
                            .name = m->intent->name,
                            .date = m->intent->date,
                            .amount = amount,
                            .category_id = m->intent->category_id};
    *t = NULL;
    if (!found)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (!match_transactions(m->s, &q, found, err))
        return false;
    if (found->count == 1) {
        *t = &found->items[0];
        m->f.transaction_id = (*t)->id;
        m->f.description = (*t)->name;
        m->f.date = (*t)->occurred_on;
        m->f.category_name = (*t)->category_name;
        m->f.amount = (*t)->amount;
        return true;
    }
    say_which(m, found);
    need(m, m->intent->name.n ? "date" : "description");
    return true;
}

static bool make_change(struct making *m, int64_t kind, struct err *err)
{
    const struct transaction *t;
    if (!find_one(m, kind, 0, &t, err))
        return false;
    if (!t)
        return true;
    if (!m->intent->has_amount) {
        need(m, "amount");
        return true;
    }
    SAY(&m->y, "Sửa \"{0}\" ngày {1} từ {2} thành {3}?", "Change \"{0}\" on {1} from {2} to {3}?", SAY_TEXT(t->name),
        SAY_DAY(t->occurred_on), SAY_MONEY(t->amount), SAY_MONEY(m->intent->amount));
    m->f.amount = m->intent->amount;
    return true;
}

static bool make_delete(struct making *m, int64_t kind, struct err *err)
{
    const struct transaction *t;
    if (!find_one(m, kind, m->intent->has_amount ? m->intent->amount : 0, &t, err))
        return false;
    if (t)
        SAY(&m->y, "Xóa \"{0}\" {1} ngày {2}?", "Delete \"{0}\" of {1} on {2}?", SAY_TEXT(t->name),
            SAY_MONEY(t->amount), SAY_DAY(t->occurred_on));
    return true;
}

static bool make_expense_change(struct making *m, struct err *err)
{
    return make_change(m, KIND_EXPENSE, err);
}

static bool make_income_change(struct making *m, struct err *err)
{
    return make_change(m, KIND_INCOME, err);
}

static bool make_expense_delete(struct making *m, struct err *err)
{
    return make_delete(m, KIND_EXPENSE, err);
}

static bool make_income_delete(struct making *m, struct err *err)
{
    return make_delete(m, KIND_INCOME, err);
}

typedef bool make_fn(struct making *m, struct err *err);

static make_fn *const MAKERS[INTENT_COUNT] = {
    [INTENT_CREATE_EXPENSE] = make_expense,          [INTENT_CREATE_INCOME] = make_income,
    [INTENT_CREATE_CATEGORY] = make_category,        [INTENT_CREATE_JAR] = make_jar,
    [INTENT_UPDATE_EXPENSE] = make_expense_change,   [INTENT_UPDATE_INCOME] = make_income_change,
    [INTENT_UPDATE_CATEGORY] = make_category_change, [INTENT_UPDATE_JAR] = make_jar_change,
    [INTENT_DELETE_EXPENSE] = make_expense_delete,   [INTENT_DELETE_INCOME] = make_income_delete,
    [INTENT_DELETE_CATEGORY] = make_category_delete, [INTENT_DELETE_JAR] = make_jar_delete,
    [INTENT_TRANSFER_JAR] = make_transfer,
};

/* ---- the whole ---- */

static const struct question {
    const char *key, *vi, *en;
} QUESTIONS[] = {
    {"amount", "Số tiền là bao nhiêu?", "How much is it?"},  {"name", "Tên là gì?", "What is the name?"},
    {"categoryName", "Danh mục nào?", "Which category?"},    {"jarName", "Hũ nào?", "Which jar?"},
    {"fromJarName", "Chuyển từ hũ nào?", "From which jar?"}, {"toJarName", "Chuyển sang hũ nào?", "To which jar?"},
};

/* What stands in the prompt already (which of several?) stays. */
static void ask_for_missing(struct making *m, bool asked)
{
    if (asked)
        return;
    buf_reset(&m->y.buf);
    for (size_t i = 0; i < m->out->missing_count; i++)
        for (size_t k = 0; k < ARRAY_LEN(QUESTIONS); k++)
            if (text_eq(text_of(m->out->missing[i]), text_of(QUESTIONS[k].key))) {
                say(&m->y, m->y.buf.n ? " " : "", m->y.buf.n ? " " : "");
                say(&m->y, QUESTIONS[k].vi, QUESTIONS[k].en);
            }
}

static bool keep(struct making *m, struct err *err)
{
    struct scope *s = m->s;
    uuid7(s->now_ms, m->out->id);
    m->f.proposal_id = text_of(m->out->id);
    m->out->fields = proposal_fields_write(&m->f, s->currency, s->mem);
    if (!m->out->fields.p)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    struct proposal_row row = {.id = text_of(m->out->id),
                               .intent = text_of(nova_intent_name(m->out->kind)),
                               .language = m->y.vi ? TEXT("vi") : TEXT("en"),
                               .fields = m->out->fields,
                               .expires_at_ms = s->now_ms + PROPOSAL_MINUTES * MINUTE_MS};
    return proposal_row_insert(s->db, s->household_id, s->user_id, &row, s->now_ms, err);
}

bool proposal_make(struct scope *s, const struct nova_intent *intent, const struct nova_context *ctx,
                   struct proposal *out, struct err *err)
{
    make_fn *maker = (unsigned)intent->kind < INTENT_COUNT ? MAKERS[intent->kind] : NULL;
    struct proposal made = {.kind = intent->kind};
    struct making m = {.s = s, .intent = intent, .ctx = ctx, .f = {.type = -1, .target_bp = -1}, .out = &made};
    if (!maker)
        return err_set(err, ERR_BAD_REQUEST, "That is no command");
    say_init(&m.y, intent->language == NOVA_VI, s->currency, s->today);
    bool ok = maker(&m, err);
    bool which =
        made.missing_count && !m.f.transaction_id && m.y.buf.n &&
        (text_eq(text_of(made.missing[0]), TEXT("date")) || text_eq(text_of(made.missing[0]), TEXT("description")));
    if (ok && made.missing_count)
        ask_for_missing(&m, which);
    made.prompt = say_end(&m.y, s->mem);
    if (!ok)
        return false;
    if (!made.prompt.p)
        return err_set(err, ERR_NO_MEMORY, "Out of memory");
    if (made.missing_count) {
        made.fields = proposal_fields_write(&m.f, s->currency, s->mem);
        if (!made.fields.p)
            return err_set(err, ERR_NO_MEMORY, "Out of memory");
    } else if (!keep(&m, err)) {
        return false;
    }
    *out = made;
    return true;
}
