#include "handlers/assistant.h"

#include "base/date.h"
#include "base/fields.h"
#include "finance/nova/answer.h"
#include "finance/proposal.h"
#include "store/category.h"
#include "views/view.h"

/* ---- POST /gemini/spending-tips ---- */

static const struct field NO_FIELDS[] = {FIELD_END};
const struct body_def TIPS_BODY = {.fields = NO_FIELDS, .size = 1, .optional = true};

/* Figures first, each from a tool; the last two hold for everybody. */
static bool put_figure_tips(struct call *call, struct json_out *j, struct err *err)
{
    struct scope *s = &call->scope;
    struct nova_context ctx = {0};
    int32_t month = date_month(s->today), before = month_add(month, -1);
    const struct nova_intent ASKED[] = {
        {.kind = INTENT_SPENT,
         .from = month_first_day(month),
         .to = month_last_day(month),
         .target_bp = -1,
         .category_type = -1},
        {.kind = INTENT_COMPARE,
         .from = month_first_day(month),
         .to = month_last_day(month),
         .other_from = month_first_day(before),
         .other_to = month_last_day(before),
         .target_bp = -1,
         .category_type = -1},
        {.kind = INTENT_BIGGEST,
         .from = month_first_day(month),
         .to = month_last_day(month),
         .limit = 3,
         .target_bp = -1,
         .category_type = -1},
    };
    if (!nova_context_read(s, &ctx, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(ASKED); i++) {
        struct nova_answer answer = {0};
        if (!nova_answer(s, &ASKED[i], &ctx, &answer, err))
            return false;
        if (answer.reply.n)
            json_text(j, answer.reply);
    }
    return true;
}

/* POST /gemini/spending-tips   body: empty   200: {tips[], timestamp, disclaimer} */
bool assistant_tips(struct call *call, struct response *res, struct err *err)
{
    struct json_out *j = &res->json;
    json_begin_object(j);
    json_key(j, "tips");
    json_begin_array(j);
    if (!put_figure_tips(call, j, err))
        return false;
    json_text(j, TEXT("Ghi lại mỗi khoản chi ngay khi phát sinh để các hũ luôn đúng."));
    json_text(j, TEXT("Mỗi khi có thu nhập, hãy chia vào các hũ trước rồi mới chi tiêu."));
    json_end_array(j);
    json_put_instant(j, "timestamp", call->scope.now_ms);
    json_put_str(j, "disclaimer", "Gợi ý được tạo tự động từ dữ liệu của bạn và chỉ mang tính tham khảo.");
    json_end_object(j);
    return true;
}

/* ---- POST /gemini/voice-parse ---- */

struct voice_body {
    struct text text;
};
static const struct field VOICE_FIELDS[] = {
    FIELD_TEXT("text", struct voice_body, text, FF_REQUIRED | FF_MULTILINE, 1, 1000),
    FIELD_END,
};
const struct body_def VOICE_BODY = {.fields = VOICE_FIELDS, .size = sizeof(struct voice_body)};

static struct text category_of(const struct nova_intent *intent, const struct nova_context *ctx)
{
    for (size_t i = 0; intent->category_id && i < ctx->category_count; i++)
        if (ctx->categories[i].id == intent->category_id)
            return ctx->categories[i].name;
    return intent->category_hint;
}

static void put_voice(struct json_out *j, const struct nova_intent *intent, const struct nova_context *ctx,
                      struct text said)
{
    json_begin_object(j);
    json_put_str(j, "type", intent->kind == INTENT_CREATE_INCOME ? "INCOME" : "EXPENSE");
    if (intent->has_amount)
        json_put_money(j, "amount", intent->amount, ctx->currency);
    else
        json_put_null(j, "amount");
    json_put_text(j, "name", intent->name.n ? intent->name : said);
    json_put_text(j, "categoryHint", category_of(intent, ctx));
    json_put_date(j, "date", intent->date);
    json_put_null(j, "note");
    json_end_object(j);
}

/* POST /gemini/voice-parse   body: text   200: {type, amount, name, categoryHint, date, note}   errors: 422 not
 * understood */
bool assistant_voice(struct call *call, struct response *res, struct err *err)
{
    const struct voice_body *body = call->body;
    struct scope *s = &call->scope;
    struct nova_context ctx = {0};
    struct nova_intent intent;
    if (!nova_context_read(s, &ctx, err) || !nova_understand(body->text, &ctx, s->mem, &intent, err))
        return false;
    if (intent.kind != INTENT_CREATE_EXPENSE && intent.kind != INTENT_CREATE_INCOME)
        return err_field(err, "text", "Không hiểu nội dung. Hãy thử: \"ăn trưa 50 nghìn\"");
    put_voice(&res->json, &intent, &ctx, body->text);
    return true;
}

/* ---- POST /ai/confirm-action ---- */

struct confirm_body {
    struct text intent;
    const struct json_node *data;
};
static const struct field CONFIRM_FIELDS[] = {
    FIELD_TEXT("intent", struct confirm_body, intent, FF_REQUIRED, 1, 64),
    FIELD_OBJECT("extractedData", struct confirm_body, data, FF_REQUIRED),
    FIELD_END,
};
const struct body_def CONFIRM_BODY = {.fields = CONFIRM_FIELDS, .size = sizeof(struct confirm_body)};

/* POST /ai/confirm-action   body: intent, extractedData {}   200: {status, message, undoable, operationId}; what a rule
 * refuses is 200 with status ERROR */
bool assistant_confirm(struct call *call, struct response *res, struct err *err)
{
    const struct confirm_body *body = call->body;
    enum nova_intent_kind kind = nova_intent_of_name(body->intent);
    struct proposal_result result = {.message = TEXT("Hành động này không được hỗ trợ.")};
    if (nova_intent_is_command(kind) && !proposal_execute(&call->scope, kind, body->data, &result, err))
        return false;
    call->discard = !result.done;
    json_begin_object(&res->json);
    json_put_str(&res->json, "status", result.done ? "SUCCESS" : "ERROR");
    json_put_text(&res->json, "message", result.message);
    json_put_bool(&res->json, "undoable", false);
    json_put_null(&res->json, "operationId");
    json_put_bool(&res->json, "repeated", result.repeated);
    json_end_object(&res->json);
    return true;
}

/* POST /ai/undo/{operation}   404: no answer ever said that something may be undone */
bool assistant_undo(struct call *call, struct response *res, struct err *err)
{
    (void)call;
    (void)res;
    return err_set(err, ERR_NOT_FOUND, "There is nothing to undo");
}

/* ---- GET /ai/page-context ---- */

struct page_query {
    struct text page;
};
static const struct field PAGE_FIELDS[] = {
    FIELD_TEXT("page", struct page_query, page, FF_REQUIRED, 1, 200),
    FIELD_END,
};
const struct query_def PAGE_CONTEXT_QUERY = {.fields = PAGE_FIELDS, .size = sizeof(struct page_query)};

/* GET /ai/page-context   q: page   200: {page, categories, savingGoals} */
bool assistant_page_context(struct call *call, struct response *res, struct err *err)
{
    const struct page_query *q = call->query;
    const struct scope *s = &call->scope;
    struct category_list list;
    if (!category_list(s->db, s->household_id, s->mem, &list, err))
        return false;
    json_begin_object(&res->json);
    json_put_text(&res->json, "page", q->page);
    json_key(&res->json, "categories");
    json_begin_array(&res->json);
    for (size_t i = 0; i < list.count; i++)
        category_write_json(&res->json, &list.items[i], s->user_id);
    json_end_array(&res->json);
    json_key(&res->json, "savingGoals");
    json_begin_array(&res->json);
    json_end_array(&res->json);
    json_end_object(&res->json);
    return true;
}
