#include "finance/proposal_fields.h"

#include "base/fields.h"
#include "store/category.h"

enum { NAME_MAX_LENGTH = 255, ICON_MAX = 500, WHOLE_BP = 10000, FIELDS_BYTES_MAX = 64 * 1024 };

/* Models write the words in capitals too. */
static const char *const TYPE_WORDS[] = {"income", "expense", "INCOME", "EXPENSE", NULL};

static const struct field FIELDS[] = {
    FIELD_TEXT("proposalId", struct proposal_fields, proposal_id, 0, 1, 64),
    FIELD_TEXT("description", struct proposal_fields, description, 0, 1, NAME_MAX_LENGTH),
    FIELD_TEXT("categoryName", struct proposal_fields, category_name, 0, 1, NAME_MAX_LENGTH),
    FIELD_TEXT("jarName", struct proposal_fields, jar_name, 0, 1, NAME_MAX_LENGTH),
    FIELD_TEXT("name", struct proposal_fields, name, 0, 1, NAME_MAX_LENGTH),
    FIELD_TEXT("icon", struct proposal_fields, icon, 0, 1, ICON_MAX),
    FIELD_COLOR("color", struct proposal_fields, color, 0),
    FIELD_TEXT("fromJarName", struct proposal_fields, from_jar_name, 0, 1, NAME_MAX_LENGTH),
    FIELD_TEXT("toJarName", struct proposal_fields, to_jar_name, 0, 1, NAME_MAX_LENGTH),
    FIELD_MONEY("amount", struct proposal_fields, amount, 0, 1),
    FIELD_ID("transactionId", struct proposal_fields, transaction_id, FF_ZERO_IS_NULL),
    FIELD_CHOICE("type", struct proposal_fields, type, 0, TYPE_WORDS),
    FIELD_DATE("date", struct proposal_fields, date, 0),
    FIELD_PERCENT("targetPercentage", struct proposal_fields, target_bp, 0, 0, WHOLE_BP),
    FIELD_END,
};

/* A percentage of null is none, and not 0 %. */
static bool says(const struct json_node *v, const char *key)
{
    const struct json_node *value;
    return json_get(v, key, &value) && text_trim(json_as_text(value)).n;
}

bool proposal_fields_read(const struct json_node *v, const struct currency *cur, struct arena *mem,
                          struct proposal_fields *out, struct err *err)
{
    struct proposal_fields f = {.type = -1, .target_bp = -1};
    struct field_ctx ctx = {.mem = mem, .currency = cur};
    if (!fields_read_json(FIELDS, v, &f, &ctx, err))
        return false;
    f.type = f.type < 0 ? -1 : f.type % 2;
    f.target_bp = says(v, "targetPercentage") ? f.target_bp : -1;
    *out = f;
    return true;
}

static void put_given(struct json_out *j, const char *key, struct text t)
{
    if (t.n)
        json_put_text(j, key, t);
}

struct text proposal_fields_write(const struct proposal_fields *f, const struct currency *cur, struct arena *mem)
{
    struct buf buf;
    struct json_out j;
    buf_init(&buf, FIELDS_BYTES_MAX);
    json_out_init(&j, &buf);
    json_begin_object(&j);
    put_given(&j, "proposalId", f->proposal_id);
    if (f->amount)
        json_put_money(&j, "amount", f->amount, cur);
    put_given(&j, "categoryName", f->category_name);
    if (f->date)
        json_put_date(&j, "date", f->date);
    put_given(&j, "description", f->description);
    put_given(&j, "jarName", f->jar_name);
    put_given(&j, "name", f->name);
    put_given(&j, "icon", f->icon);
    if (f->type >= 0)
        json_put_str(&j, "type", CATEGORY_TYPES[f->type]);
    if (f->target_bp >= 0)
        json_put_percent(&j, "targetPercentage", f->target_bp);
    put_given(&j, "color", f->color);
    put_given(&j, "fromJarName", f->from_jar_name);
    put_given(&j, "toJarName", f->to_jar_name);
    if (f->transaction_id)
        json_put_int(&j, "transactionId", f->transaction_id);
    json_end_object(&j);
    struct text out = buf.failed ? TEXT_NONE : arena_text(mem, buf_view(&buf));
    buf_release(&buf);
    return out;
}
