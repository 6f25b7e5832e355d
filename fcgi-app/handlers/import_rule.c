#include "handlers/import_rule.h"

#include "finance/imports/rules.h"
#include "service/pattern.h"
#include "store/transaction.h"

enum { PRIORITY_MAX = 1000000, FIRST_DAY = 19700101 };

/* "income", "expense": the first kinds of a transaction. */
static const char *const KINDS[] = {"income", "expense", NULL};

struct rule_body {
    struct text pattern, name;
    bool is_regex, kind_given;
    int64_t kind, category_id, jar_id, priority;
};

static const struct field RULE_FIELDS[] = {
    FIELD_TEXT("pattern", struct rule_body, pattern, FF_REQUIRED, 2, PATTERN_MAX),
    FIELD_BOOL("regex", struct rule_body, is_regex, 0),
    {.name = "kind",
     .kind = FK_CHOICE,
     .offset = offsetof(struct rule_body, kind),
     .given_offset = offsetof(struct rule_body, kind_given),
     .choices = KINDS},
    FIELD_ID("categoryId", struct rule_body, category_id, 0),
    FIELD_ID("jarId", struct rule_body, jar_id, 0),
    FIELD_TEXT("name", struct rule_body, name, 0, 0, 255),
    FIELD_INT("priority", struct rule_body, priority, 0, 0, PRIORITY_MAX),
    FIELD_END,
};

struct apply_body {
    int32_t from;
};

static const struct field APPLY_FIELDS[] = {
    FIELD_DATE("from", struct apply_body, from, 0),
    FIELD_END,
};

const struct body_def IMPORT_RULE_BODY = {.fields = RULE_FIELDS, .size = sizeof(struct rule_body), .strict = true};
const struct body_def IMPORT_RULES_APPLY_BODY = {
    .fields = APPLY_FIELDS, .size = sizeof(struct apply_body), .strict = true, .optional = true};

static void write_rule(struct json_out *j, const struct import_rule *r)
{
    json_begin_object(j);
    json_put_int(j, "id", r->id);
    json_put_text(j, "pattern", r->pattern);
    json_put_bool(j, "regex", r->is_regex);
    json_put_str(j, "kind", r->kind < 0 ? NULL : KINDS[r->kind]);
    json_put_id(j, "categoryId", r->category_id);
    json_put_id(j, "jarId", r->jar_id);
    json_put_text(j, "name", r->name);
    json_put_int(j, "priority", r->priority);
    json_put_instant(j, "createdAt", r->created_at_ms);
    json_put_instant(j, "updatedAt", r->updated_at_ms);
    json_end_object(j);
}

static void take_body(struct import_rule *r, const struct rule_body *body)
{
    r->pattern = body->pattern;
    r->is_regex = body->is_regex;
    r->kind = body->kind_given ? body->kind : -1;
    r->category_id = body->category_id;
    r->jar_id = body->jar_id;
    r->name = body->name;
    r->priority = body->priority;
}

/* GET /import-rules   200: ImportRule[] in the order in which they are asked */
bool import_rules_get(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct import_rule_list list;
    if (!import_rule_list(s->db, s->household_id, s->mem, &list, err))
        return false;
    json_begin_array(&res->json);
    for (size_t i = 0; i < list.count; i++)
        write_rule(&res->json, &list.items[i]);
    json_end_array(&res->json);
    return true;
}

/* POST /import-rules   body: pattern, regex?, kind?, categoryId?, jarId?, name?, priority?   201: ImportRule   errors:
 * 404, 409 too many, 422 */
bool import_rule_post(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct import_rule_list list;
    struct import_rule rule = {0};
    take_body(&rule, call->body);
    if (!rule_check(s, &rule, err) || !import_rule_list(s->db, s->household_id, s->mem, &list, err))
        return false;
    if (list.count == IMPORT_RULE_MAX)
        return err_set(err, ERR_CONFLICT, "There may be %d rules at most", IMPORT_RULE_MAX);
    if (!import_rule_insert(s->db, s->household_id, &rule, s->now_ms, err))
        return false;
    write_rule(&res->json, &rule);
    return response_etag(call, res, rule.version, err) && response_created(call, res, "import-rules", rule.id, err);
}

/* PUT /import-rules/{id}   body: as POST, whole   200: ImportRule   errors: 404, 412, 422 */
bool import_rule_put(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct import_rule rule;
    if (!import_rule_find(s->db, s->household_id, call->ids[0], s->mem, &rule, err) ||
        !call_if_match(call, rule.version, err))
        return false;
    take_body(&rule, call->body);
    if (!rule_check(s, &rule, err) || !import_rule_update(s->db, s->household_id, &rule, s->now_ms, err))
        return false;
    write_rule(&res->json, &rule);
    return response_etag(call, res, rule.version, err);
}

/* DELETE /import-rules/{id}   204   errors: 404 */
bool import_rule_delete(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    if (!import_rule_remove(s->db, s->household_id, call->ids[0], err))
        return false;
    response_no_content(res);
    return true;
}

/* POST /import-rules/apply   body: from?   200: {scanned, changed, more}; 202 while the worker goes on with the rest */
bool import_rules_apply(struct call *call, struct response *res, struct err *err)
{
    const struct apply_body *body = call->body;
    struct rules_applied done;
    if (!rules_apply(&call->scope, body && body->from ? body->from : FIRST_DAY, 0, &done, err))
        return false;
    if (done.more)
        res->status = 202;
    json_begin_object(&res->json);
    json_put_int(&res->json, "scanned", done.scanned);
    json_put_int(&res->json, "changed", done.changed);
    json_put_bool(&res->json, "more", done.more);
    json_end_object(&res->json);
    return true;
}
