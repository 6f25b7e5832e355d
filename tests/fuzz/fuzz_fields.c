/*
 * Bodies and queries of every route, by its own field table. Input: "POST /jars" and a byte 0xFF (any other text there
 * chooses a row by its first byte), a byte of flags, the body or query.
 */
#include "fuzz.h"

#include "base/date.h"
#include "http/route.h"

static bool in_limits(const struct field *row, int64_t v)
{
    return v >= row->min && (row->max == 0 || v <= row->max);
}

static void check_text(const struct field *row, struct text t)
{
    if (!t.p)
        return;
    CHECK(text_is_utf8(t));
    CHECK(!text_has_control(t, true));
    CHECK(row->max == 0 || (int64_t)text_length(t) <= row->max);
}

static void check_rows(const struct field *rows, const char *target);

static void check_value(const struct field *row, const char *at)
{
    switch (row->kind) {
    case FK_TEXT:
    case FK_COLOR:
    case FK_EMAIL: check_text(row, *(const struct text *)(const void *)at); break;
    case FK_INT: break; /* a default may lie outside */
    case FK_MONEY: CHECK(row->max == 0 || *(const int64_t *)(const void *)at <= row->max); break;
    case FK_PERCENT:
        CHECK(in_limits(row, *(const int32_t *)(const void *)at) || *(const int32_t *)(const void *)at == 0);
        break;
    case FK_LIST: {
        const struct field_list *list = (const void *)at;
        CHECK(list->count == 0 || in_limits(row, (int64_t)list->count));
        for (size_t i = 0; i < list->count; i++)
            check_rows(row->sub, (const char *)list->items + i * row->sub_size);
        break;
    }
    case FK_IDS: {
        const struct field_ids *ids = (const void *)at;
        CHECK(ids->count == 0 || in_limits(row, (int64_t)ids->count));
        break;
    }
    default: break;
    }
}

static void check_rows(const struct field *rows, const char *target)
{
    for (; rows->kind != FK_END; rows++)
        check_value(rows, target + rows->offset);
}

static void check_fault(const struct err *err)
{
    CHECK(err->code == ERR_VALIDATION);
    CHECK(err->field_count <= ERR_FIELDS_MAX);
    for (size_t i = 0; i < err->field_count; i++) {
        CHECK(memchr(err->fields[i].name, '\0', ERR_FIELD_NAME_MAX));
        CHECK(memchr(err->fields[i].text, '\0', ERR_TEXT_MAX));
    }
}

static void read_body(const struct body_def *def, struct text t, const struct field_ctx *ctx)
{
    struct err err = {0};
    struct json_doc *doc = json_parse(t, &err);
    if (!doc)
        return;
    struct field_list list = {0};
    char *target = arena_alloc(ctx->mem, def->size);
    CHECK(target);
    bool ok = def->is_list ? fields_read_json_list(def->fields, def->size, json_root(doc), def->list_min, def->list_max,
                                                   &list, ctx, &err)
                           : fields_read_json(def->fields, json_root(doc), target, ctx, &err);
    json_doc_free(doc); /* what was read outlives it */
    if (!ok)
        check_fault(&err);
    for (size_t i = 0; ok && i < list.count; i++)
        check_rows(def->fields, (const char *)list.items + i * def->size);
    if (ok && !def->is_list)
        check_rows(def->fields, target);
}

static void read_query(const struct query_def *def, struct text t, const struct field_ctx *ctx)
{
    struct err err = {0};
    char *target = arena_alloc(ctx->mem, def->size);
    CHECK(target);
    if (fields_read_query(def->fields, t, target, ctx, &err))
        check_rows(def->fields, target);
    else
        check_fault(&err);
}

static const struct route *route_of(struct text name)
{
    char row[160];
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        snprintf(row, sizeof row, "%s %s", method_name(ROUTES[i].method), ROUTES[i].path);
        if (text_eq(name, text_of(row)))
            return &ROUTES[i];
    }
    return &ROUTES[name.n ? (unsigned char)name.p[0] % ROUTE_COUNT : 0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text all = fuzz_copy(data, size), rest = all;
    const struct route *route = route_of(fuzz_part(&rest));
    unsigned way = fuzz_choice(&rest, 4);
    struct field_ctx ctx = {
        .mem = fuzz_arena(), .currency = currency_find(way & 1 ? TEXT("USD") : TEXT("VND")), .refuse_unknown = way & 2};
    if (route->body)
        read_body(route->body, rest, &ctx);
    if (route->query)
        read_query(route->query, rest, &ctx);
    fuzz_free(all);
    return 0;
}
