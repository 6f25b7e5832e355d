#include "handlers/jar.h"

#include "base/date.h"
#include "finance/jar_limits.h"
#include "finance/jars.h"
#include "store/household.h"
#include "views/view.h"

enum { WHOLE_BP = 10000, BULK_MAX = 50, MONTHS_MAX = 120, MONTHS_DEFAULT = 12 };

struct jar_body {
    struct text name, icon, color;
    int64_t rollover, opening;
    int32_t target_bp;
    bool icon_given, rollover_given, target_given;
};

static const char *const ROLLOVERS[] = {"carry", "reset", NULL};

/* The rows that a new jar and a change share; what differs is which must be there. */
#define JAR_COMMON                                                                                                     \
    {.name = "icon",                                                                                                   \
     .kind = FK_TEXT,                                                                                                  \
     .offset = offsetof(struct jar_body, icon),                                                                        \
     .given_offset = offsetof(struct jar_body, icon_given),                                                            \
     .max = 500},                                                                                                      \
        FIELD_COLOR("color", struct jar_body, color, 0),                                                               \
    {                                                                                                                  \
        .name = "rollover", .kind = FK_CHOICE, .offset = offsetof(struct jar_body, rollover),                          \
        .given_offset = offsetof(struct jar_body, rollover_given), .choices = ROLLOVERS                                \
    }

static const struct field NEW_FIELDS[] = {
    FIELD_TEXT("name", struct jar_body, name, FF_REQUIRED, 1, 255),
    JAR_COMMON,
    FIELD_PERCENT("targetPercentage", struct jar_body, target_bp, FF_REQUIRED, 0, WHOLE_BP),
    FIELD_MONEY("currentBalance", struct jar_body, opening, 0, 0),
    FIELD_END,
};

static const struct field CHANGE_FIELDS[] = {
    FIELD_TEXT("name", struct jar_body, name, 0, 1, 255),
    JAR_COMMON,
    {.name = "targetPercentage",
     .kind = FK_PERCENT,
     .offset = offsetof(struct jar_body, target_bp),
     .given_offset = offsetof(struct jar_body, target_given),
     .flags = FF_NOT_NULL,
     .max = WHOLE_BP},
    FIELD_END,
};

struct transfer_body {
    int64_t from, to, amount;
};

static const struct field TRANSFER_FIELDS[] = {
    FIELD_ID("fromJarId", struct transfer_body, from, 0),
    FIELD_ID("toJarId", struct transfer_body, to, 0),
    FIELD_MONEY("amount", struct transfer_body, amount, FF_REQUIRED, 1),
    FIELD_END,
};

struct months_query {
    int32_t from, to;
};

static const struct field MONTHS_FIELDS[] = {
    FIELD_MONTH("from", struct months_query, from, 0),
    FIELD_MONTH("to", struct months_query, to, 0),
    FIELD_END,
};

const struct body_def JAR_BODY = {.fields = NEW_FIELDS, .size = sizeof(struct jar_body)};
const struct body_def JAR_CHANGE_BODY = {.fields = CHANGE_FIELDS, .size = sizeof(struct jar_body)};
const struct body_def JARS_BULK_BODY = {
    .fields = NEW_FIELDS, .size = sizeof(struct jar_body), .is_list = true, .list_min = 1, .list_max = BULK_MAX};
const struct body_def JAR_TRANSFER_BODY = {.fields = TRANSFER_FIELDS, .size = sizeof(struct transfer_body)};
const struct query_def JAR_MONTHS_QUERY = {.fields = MONTHS_FIELDS, .size = sizeof(struct months_query)};

static int32_t this_month(const struct call *call)
{
    return date_month(call->scope.today);
}

static void write_jar(struct call *call, struct response *res, const struct jar *jar)
{
    jar_write_json(&res->json, jar, this_month(call), call->scope.currency);
}

static void write_jars(struct call *call, struct response *res, const struct jar_list *jars)
{
    json_begin_array(&res->json);
    for (size_t i = 0; i < jars->count; i++)
        write_jar(call, res, &jars->items[i]);
    json_end_array(&res->json);
}

/* GET /jars   200: Jar[] in order of creation; never creates anything */
bool jars_get(struct call *call, struct response *res, struct err *err)
{
    struct jar_list jars;
    struct scope *s = &call->scope;
    if (!jar_list(s->db, s->household_id, this_month(call), s->mem, &jars, err))
        return false;
    write_jars(call, res, &jars);
    return true;
}

static struct jar new_jar(const struct jar_body *body)
{
    return (struct jar){.name = body->name,
                        .icon = body->icon,
                        .color = body->color.n ? body->color : text_of(JAR_DEFAULT_COLOR),
                        .target_bp = body->target_bp,
                        .reset = body->rollover_given && body->rollover == 1};
}

static bool create(struct call *call, const struct jar_body *bodies, size_t count, struct jar_list *made,
                   struct err *err)
{
    struct jar jars[BULK_MAX];
    int64_t opening[BULK_MAX];
    for (size_t i = 0; i < count; i++) {
        jars[i] = new_jar(&bodies[i]);
        opening[i] = bodies[i].opening;
    }
    return jars_create(&call->scope, jars, opening, count, made, err);
}

/* POST /jars   body: name, icon?, color?, targetPercentage, currentBalance?, rollover?   201: Jar   errors: 409 name in
 * use */
bool jar_post(struct call *call, struct response *res, struct err *err)
{
    struct jar_list made;
    if (!create(call, call->body, 1, &made, err))
        return false;
    write_jar(call, res, &made.items[0]);
    return response_etag(call, res, made.items[0].version, err) &&
           response_created(call, res, "jars", made.items[0].id, err);
}

/* POST /jars/bulk   body: [jar] (1..50), targets exactly 100 %   201: Jar[]   errors: 409 a name in use (nothing is
 * made), 422 */
bool jars_bulk(struct call *call, struct response *res, struct err *err)
{
    const struct jar_body *bodies = call->body_list->items;
    struct jar_list made;
    int64_t sum = 0;
    for (size_t i = 0; i < call->body_list->count; i++)
        sum += bodies[i].target_bp;
    if (sum != WHOLE_BP)
        return err_field(err, "targetPercentage", "Tổng tỷ lệ các hũ phải đúng bằng 100%%");
    if (!create(call, bodies, call->body_list->count, &made, err))
        return false;
    res->status = 201;
    write_jars(call, res, &made);
    return true;
}

/* PUT /jars/{id}   body: name?, icon?, color?, targetPercentage?, rollover?   200: Jar   errors: 404, 409 name in use,
 * 412 */
bool jar_put(struct call *call, struct response *res, struct err *err)
{
    const struct jar_body *body = call->body;
    struct scope *s = &call->scope;
    struct jar jar;
    if (!jar_find(s->db, s->household_id, call->ids[0], this_month(call), s->mem, &jar, err) ||
        !call_if_match(call, jar.version, err))
        return false;
    bool was_reset = jar.reset;
    jar.name = body->name.n ? body->name : jar.name;
    jar.icon = body->icon_given ? body->icon : jar.icon;
    jar.color = body->color.n ? body->color : jar.color;
    jar.target_bp = body->target_given ? body->target_bp : jar.target_bp;
    jar.reset = body->rollover_given ? body->rollover == 1 : jar.reset;
    if (!jars_change(s, &jar, was_reset, err))
        return false;
    write_jar(call, res, &jar);
    return response_etag(call, res, jar.version, err);
}

/* DELETE /jars/{id}   200: Message   errors: 404, 412. What it held becomes unassigned, on record. */
bool jar_delete(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct jar jar;
    if (!jar_find(s->db, s->household_id, call->ids[0], this_month(call), s->mem, &jar, err) ||
        !call_if_match(call, jar.version, err) || !jars_remove(s, jar.id, err))
        return false;
    response_message(res, "Đã xóa hũ");
    return true;
}

static void put_jar(struct call *call, struct response *res, const char *key, const struct jar_list *jars, int64_t id)
{
    const struct jar *jar = jars_pick(jars, id);
    json_key(&res->json, key);
    if (jar)
        write_jar(call, res, jar);
    else
        json_null(&res->json);
}

/* POST /jars/transfer   body: fromJarId, toJarId (null: unassigned), amount   200: message and both jars   errors: 404,
 * 409 insufficient_balance, 422 */
bool jar_transfer(struct call *call, struct response *res, struct err *err)
{
    const struct transfer_body *body = call->body;
    struct scope *s = &call->scope;
    struct transaction t;
    struct jar_list jars;
    if (!jars_transfer(s, body->from, body->to, body->amount, &t, err) ||
        !jar_list(s->db, s->household_id, this_month(call), s->mem, &jars, err))
        return false;
    json_begin_object(&res->json);
    json_put_str(&res->json, "message", "Đã chuyển tiền");
    json_put_int(&res->json, "transactionId", t.id);
    put_jar(call, res, "fromJar", &jars, body->from);
    put_jar(call, res, "toJar", &jars, body->to);
    json_end_object(&res->json);
    return true;
}

/* GET /jars/unassigned   200: {amount} */
bool jars_unassigned(struct call *call, struct response *res, struct err *err)
{
    int64_t amount = 0;
    if (!household_unassigned(call->scope.db, call->scope.household_id, &amount, err))
        return false;
    json_begin_object(&res->json);
    json_put_money(&res->json, "amount", amount, call->scope.currency);
    json_end_object(&res->json);
    return true;
}

static int month_number(int32_t ym)
{
    return ym / 100 * 12 + ym % 100;
}

/* Months without a row are derived from the latest one before them. */
static void write_months(struct call *call, struct response *res, const struct jar *jar,
                         const struct jar_month_list *rows, int32_t from, int32_t to)
{
    struct jar_month latest = {0};
    size_t next = 0;
    json_begin_array(&res->json);
    for (int32_t month = from; month <= to; month = month_add(month, 1)) {
        while (next < rows->count && rows->items[next].month <= month)
            latest = rows->items[next++];
        struct jar_month m = jar_month_derive(jar, &latest, month);
        jar_month_write_json(&res->json, &m, call->scope.currency);
    }
    json_end_array(&res->json);
}

/* GET /jars/{id}/months   q: from?, to? (yyyy-MM; the last twelve)   200: the jar's months, oldest first   errors: 404,
 * 422 */
bool jar_months(struct call *call, struct response *res, struct err *err)
{
    const struct months_query *q = call->query;
    struct scope *s = &call->scope;
    struct jar jar;
    struct jar_month_list rows;
    int32_t to = q->to ? q->to : q->from > this_month(call) ? q->from : this_month(call);
    int32_t from = q->from ? q->from : month_add(to, 1 - MONTHS_DEFAULT);
    if (from > to)
        return err_field(err, "from", "Tháng bắt đầu phải trước tháng kết thúc");
    if (month_number(to) - month_number(from) >= MONTHS_MAX)
        return err_field(err, "from", "Tối đa %d tháng một lần", MONTHS_MAX);
    if (!jar_month_list(s->db, s->household_id, call->ids[0], from, to, s->mem, &jar, &rows, err))
        return false;
    write_months(call, res, &jar, &rows, from, to);
    return true;
}
