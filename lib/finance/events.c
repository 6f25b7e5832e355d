#include "finance/events.h"

#include <stdio.h>

#include "base/date.h"
#include "store/outbox.h"

enum { EVENT_BODY_MAX = 64 * 1024 };

static void write_event(struct json_out *j, const struct event *e, struct text data)
{
    json_begin_object(j);
    json_put_str(j, "id", e->id);
    json_put_str(j, "type", e->type);
    json_put_int(j, "version", e->version);
    json_put_instant(j, "occurredAt", e->occurred_at_ms);
    json_put_int(j, "householdId", e->household_id);
    json_put_int(j, "userId", e->user_id);
    json_put_int(j, "subjectId", e->subject_id);
    json_key(j, "data");
    json_raw(j, data);
    json_put_int(j, "attempt", e->attempt);
    json_put_instant(j, "firstSentAt", e->first_sent_at_ms);
    json_end_object(j);
}

bool event_record(struct scope *s, const char *type, int64_t subject_id, struct text data, char id[UUID_TEXT_MAX],
                  struct err *err)
{
    struct event e = {.version = EVENT_VERSION,
                      .occurred_at_ms = s->now_ms,
                      .household_id = s->household_id,
                      .user_id = s->user_id,
                      .subject_id = subject_id};
    uuid7(s->now_ms, e.id);
    snprintf(e.type, sizeof e.type, "%s", type);
    AUTO(buf) struct buf body;
    buf_init(&body, EVENT_BODY_MAX);
    struct json_out j;
    json_out_init(&j, &body);
    write_event(&j, &e, data);
    if (body.failed)
        return err_set(err, ERR_INTERNAL, "An event is too large");
    if (!outbox_insert(s->db, s->household_id, e.id, e.type, buf_view(&body), s->now_ms, err))
        return false;
    s->outbox_rows++;
    if (id)
        memcpy(id, e.id, UUID_TEXT_MAX);
    return true;
}

static bool refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_PERMANENT, "The event %s", why);
}

static bool plain_key(struct text key)
{
    for (size_t i = 0; i < key.n; i++)
        if (!((key.p[i] >= 'a' && key.p[i] <= 'z') || (key.p[i] >= 'A' && key.p[i] <= 'Z')))
            return false;
    return key.n > 0;
}

/* Flat values under plain names only, as in our own events: so whatever is read can be written again as a copy. */
static bool plain_data(const struct json_node *data)
{
    struct text key;
    const struct json_node *value;
    for (size_t i = 0; json_member(data, i, &key, &value); i++)
        if (!plain_key(key) || json_kind(value) == JSON_OBJECT || json_kind(value) == JSON_ARRAY)
            return false;
    return true;
}

bool event_read(const struct json_node *root, struct event *out, struct err *err)
{
    if (json_kind(root) != JSON_OBJECT)
        return refuse(err, "is not a JSON object");
    struct text id = json_get_text(root, "id"), type = json_get_text(root, "type");
    struct event e = {.version = json_get_int(root, "version", 0),
                      .household_id = json_get_int(root, "householdId", 0),
                      .user_id = json_get_int(root, "userId", 0),
                      .subject_id = json_get_int(root, "subjectId", 0),
                      .attempt = json_get_int(root, "attempt", 0)};
    if (!uuid_is_valid(id))
        return refuse(err, "has no valid id");
    if (!type.p || !type.n || type.n >= sizeof e.type)
        return refuse(err, "has no valid type");
    if (e.version != EVENT_VERSION)
        return refuse(err, "is of an unknown version");
    if (e.household_id <= 0 || e.user_id <= 0)
        return refuse(err, "names no household or user");
    if (!instant_parse(json_get_text(root, "occurredAt"), &e.occurred_at_ms))
        return refuse(err, "has no valid occurredAt");
    if (!json_get(root, "data", &e.data) || json_kind(e.data) != JSON_OBJECT)
        return refuse(err, "has no data object");
    if (!plain_data(e.data))
        return refuse(err, "has nested data, or odd names in it");
    if (e.attempt < 0 || e.attempt > 100000)
        return refuse(err, "has an attempt out of range");
    struct text first = json_get_text(root, "firstSentAt");
    if (first.p && !instant_parse(first, &e.first_sent_at_ms))
        return refuse(err, "has no valid firstSentAt");
    memcpy(e.id, id.p, id.n);
    memcpy(e.type, type.p, type.n);
    *out = e;
    return true;
}

void event_identify(const struct json_node *root, struct event *out)
{
    struct text id = json_get_text(root, "id");
    *out = (struct event){.household_id = json_get_int(root, "householdId", 0)};
    if (uuid_is_valid(id))
        memcpy(out->id, id.p, id.n);
}

static void write_value(struct json_out *j, const struct json_node *value)
{
    switch (json_kind(value)) {
    case JSON_BOOL: json_bool(j, json_as_bool(value)); break;
    case JSON_NUMBER: json_raw(j, json_as_text(value)); break;
    case JSON_TEXT: json_text(j, json_as_text(value)); break;
    default: json_null(j); break;
    }
}

static void write_data(struct json_out *j, const struct json_node *data)
{
    struct text key;
    const struct json_node *value;
    json_begin_object(j);
    for (size_t i = 0; json_member(data, i, &key, &value); i++) {
        json_key(j, key.p);
        write_value(j, value);
    }
    json_end_object(j);
}

bool event_rewrite(const struct json_node *root, int64_t attempt, int64_t first_sent_at_ms, struct buf *out,
                   struct err *err)
{
    struct event e;
    if (!event_read(root, &e, err))
        return false;
    e.attempt = attempt;
    e.first_sent_at_ms = first_sent_at_ms;
    AUTO(buf) struct buf data;
    buf_init(&data, EVENT_BODY_MAX);
    struct json_out j;
    json_out_init(&j, &data);
    write_data(&j, e.data);
    json_out_init(&j, out);
    write_event(&j, &e, buf_view(&data));
    return data.failed || out->failed ? err_set(err, ERR_NO_MEMORY, "Out of memory") : true;
}
