#include "http/body.h"

bool content_type_is_json(struct text content_type)
{
    struct text type;
    if (!text_split(&content_type, ';', &type))
        return false;
    type = text_trim(type);
    return text_eq_nocase(type, TEXT("application/json")) ||
           (type.n > 17 && text_eq_nocase(text_slice(type, 0, 12), TEXT("application/")) &&
            text_eq_nocase(text_slice(type, type.n - 5, type.n), TEXT("+json")));
}

bool body_length(const struct exchange *x, int64_t *length, struct err *err)
{
    struct text t = x->in.params.content_length;
    *length = 0;
    if (t.n && (!text_to_int64(t, length) || *length < 0))
        return err_set(err, ERR_BAD_REQUEST, "Content-Length is not a number");
    return true;
}

bool body_read(struct exchange *x, struct err *err)
{
    const struct route *route = x->call.route;
    size_t limit = route->body_limit ? route->body_limit : (size_t)BODY_LIMIT_DEFAULT;
    int64_t length;
    if (!body_length(x, &length, err))
        return false;
    if ((uint64_t)length > limit)
        return err_set(err, ERR_PAYLOAD_TOO_LARGE, "The body may have %zu bytes at most", limit);
    if (length == 0)
        return true;
    char *bytes = arena_alloc(x->mem, (size_t)length + 1);
    if (!bytes)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the body");
    x->raw_body = (struct text){bytes, x->in.read_body(x->in.from, bytes, (size_t)length)};
    return x->raw_body.n == (size_t)length || err_set(err, ERR_BAD_REQUEST, "The body ended early");
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
}

struct field_ctx body_field_ctx(const struct exchange *x, bool refuse_unknown)
{
    return (struct field_ctx){.mem = x->mem,
                              .currency = x->call.scope.currency ? x->call.scope.currency : x->app->config.currency,
                              .refuse_unknown = refuse_unknown};
}

static bool query_read(struct exchange *x, struct err *err)
{
    const struct query_def *def = x->call.route->query;
    if (!def)
        return true;
    void *target = arena_alloc(x->mem, def->size);
    struct field_ctx ctx = body_field_ctx(x, false);
    if (!target)
        return no_memory(err);
    x->call.query = target;
    return fields_read_query(def->fields, x->call.raw_query, target, &ctx, err);
}

static bool list_read(struct exchange *x, const struct body_def *def, const struct json_node *root, struct err *err)
{
    struct field_list *list = arena_alloc(x->mem, sizeof(*list));
    struct field_ctx ctx = body_field_ctx(x, def->strict);
    if (!list)
        return no_memory(err);
    x->call.body_list = list;
    return fields_read_json_list(def->fields, def->size, root, def->list_min, def->list_max, list, &ctx, err);
}

static bool fields_read(struct exchange *x, const struct body_def *def, struct err *err)
{
    const struct json_node *root = x->doc ? json_root(x->doc) : NULL;
    if (def->is_list && x->doc)
        return list_read(x, def, root, err);
    void *target = arena_alloc(x->mem, def->size);
    struct field_ctx ctx = body_field_ctx(x, def->strict);
    if (!target)
        return no_memory(err);
    x->call.body = target;
    return !x->doc || fields_read_json(def->fields, root, target, &ctx, err);
}

static bool document_read(struct exchange *x, const struct body_def *def, struct err *err)
{
    if (!x->raw_body.n)
        return def->optional || err_set(err, ERR_MALFORMED_JSON, "A JSON body is needed");
    if (!content_type_is_json(x->in.params.content_type))
        return err_set(err, ERR_UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json");
    x->doc = json_parse(x->raw_body, err);
    if (!x->doc)
        return false;
    /* `null` where a body is optional is no body (a client of the contract sends it). */
    if (def->optional && json_kind(json_root(x->doc)) == JSON_NULL) {
        json_doc_free(x->doc);
        x->doc = NULL;
    }
    return true;
}

bool inputs_read(struct exchange *x, struct err *err)
{
    const struct body_def *def = x->call.route->body;
    if (def && !document_read(x, def, err))
        return false;
    /* Both report into the same *err, so that one answer names the faults of both. */
    bool query_ok = query_read(x, err);
    if (!query_ok && err->code != ERR_VALIDATION)
        return false;
    return (!def || fields_read(x, def, err)) && query_ok;
}
