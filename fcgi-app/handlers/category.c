#include "handlers/category.h"

#include "finance/undo.h"
#include "store/category.h"
#include "views/view.h"

struct category_body {
    struct text name, icon;
    int64_t type;
    bool icon_given;
};

static const struct field FIELDS[] = {
    FIELD_TEXT("name", struct category_body, name, FF_REQUIRED, 1, 255),
    FIELD_CHOICE("type", struct category_body, type, FF_REQUIRED, CATEGORY_TYPES),
    {.name = "icon",
     .kind = FK_TEXT,
     .offset = offsetof(struct category_body, icon),
     .given_offset = offsetof(struct category_body, icon_given),
     .max = 500},
    FIELD_END,
};

const struct body_def CATEGORY_BODY = {.fields = FIELDS, .size = sizeof(struct category_body)};

/* type -1: both */
static bool write_list(struct call *call, struct response *res, int64_t type, struct err *err)
{
    struct category_list list;
    struct scope *s = &call->scope;
    if (!category_list(s->db, s->household_id, s->mem, &list, err))
        return false;
    json_begin_array(&res->json);
    for (size_t i = 0; i < list.count; i++)
        if (type < 0 || list.items[i].type == type)
            category_write_json(&res->json, &list.items[i], s->user_id);
    json_end_array(&res->json);
    return true;
}

/* GET /categories   200: Category[] in order of creation */
bool categories_get(struct call *call, struct response *res, struct err *err)
{
    return write_list(call, res, -1, err);
}

/* GET /categories/type/{type}   200: Category[]   errors: 422 another type */
bool categories_by_type(struct call *call, struct response *res, struct err *err)
{
    for (int64_t type = 0; CATEGORY_TYPES[type]; type++)
        if (text_eq(call->word, text_of(CATEGORY_TYPES[type])))
            return write_list(call, res, type, err);
    return err_field(err, "type", "Loại phải là income hoặc expense");
}

/* POST /categories   body: name, type, icon?   201: Category   errors: 409 name in use in this type */
bool category_post(struct call *call, struct response *res, struct err *err)
{
    const struct category_body *body = call->body;
    struct scope *s = &call->scope;
    struct category c = {.name = body->name, .icon = body->icon, .type = body->type};
    int64_t count = 0;
    if (!category_count(s->db, s->household_id, &count, err))
        return false;
    if (count >= CATEGORY_MAX)
        return err_set(err, ERR_CONFLICT, "A household has at most %d categories", CATEGORY_MAX);
    if (!category_insert(s->db, s->household_id, &c, s->now_ms, err))
        return false;
    category_write_json(&res->json, &c, s->user_id);
    return response_etag(call, res, c.version, err) && response_created(call, res, "categories", c.id, err);
}

/* PUT /categories/{id}   body: name, type, icon?   200: Category   errors: 404, 409 name in use, type changed while in
 * use, 412 */
bool category_put(struct call *call, struct response *res, struct err *err)
{
    const struct category_body *body = call->body;
    struct scope *s = &call->scope;
    struct category c;
    bool used = false;
    if (!category_find(s->db, s->household_id, call->ids[0], s->mem, &c, err) || !call_if_match(call, c.version, err))
        return false;
    if (body->type != c.type && !category_in_use(s->db, s->household_id, c.id, &used, err))
        return false;
    if (used)
        return err_set(err, ERR_CATEGORY_IN_USE, "The type cannot change while transactions use the category");
    c.name = body->name;
    c.type = body->type;
    if (body->icon_given)
        c.icon = body->icon;
    if (!category_update(s->db, s->household_id, &c, s->now_ms, err))
        return false;
    c.version++;
    c.updated_at_ms = s->now_ms;
    category_write_json(&res->json, &c, s->user_id);
    return response_etag(call, res, c.version, err);
}

/* DELETE /categories/{id}   204   errors: 404, 412. Its transactions go too; the jars are put right. */
bool category_delete(struct call *call, struct response *res, struct err *err)
{
    struct scope *s = &call->scope;
    struct category c;
    if (!category_find(s->db, s->household_id, call->ids[0], s->mem, &c, err) || !call_if_match(call, c.version, err) ||
        !category_remove(s, c.id, err))
        return false;
    response_no_content(res);
    return true;
}
