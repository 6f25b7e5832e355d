#include <stdio.h>

#include "jobs/handlers.h"
#include "jobs/mail.h"

enum { TEMPLATE_NAME_MAX = 40, VALUES_MAX = 32 * 1024 };

static bool is_value(struct text key)
{
    static const struct text ours[] = {{"template", 8}, {"recipient", 9}};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (text_eq(key, ours[i]))
            return false;
    for (size_t i = 0; i < key.n; i++)
        if (!((key.p[i] | 32) >= 'a' && (key.p[i] | 32) <= 'z'))
            return false;
    return key.n > 0;
}

/* The other members of data are the template's values. */
static bool copy_values(const struct json_node *data, struct buf *out)
{
    struct json_out j;
    struct text key;
    const struct json_node *value;
    json_out_init(&j, out);
    json_begin_object(&j);
    for (size_t i = 0; json_member(data, i, &key, &value); i++)
        if (is_value(key) && json_as_text(value).p)
            json_put_text(&j, key.p, json_as_text(value));
    json_end_object(&j);
    return !out->failed;
}

static bool add(struct job *job, const struct user_contact *contact, const char *name, struct err *err)
{
    struct buf values;
    buf_init(&values, VALUES_MAX);
    bool ok =
        copy_values(job->event->data, &values) || err_set(err, ERR_NO_MEMORY, "no memory for the values of a mail");
    ok = ok && job_mail(job, contact, name, json_get_text(job->event->data, "recipient"), buf_view(&values), err);
    buf_release(&values);
    return ok;
}

bool job_mail_requested(struct job *job, struct err *err)
{
    struct user_contact contact;
    bool found;
    char name[TEMPLATE_NAME_MAX + 1];
    struct text template_name = json_get_text(job->event->data, "template");
    if (!template_name.n || template_name.n > TEMPLATE_NAME_MAX)
        return err_set(err, ERR_PERMANENT, "a mail without the name of its template");
    snprintf(name, sizeof name, "%.*s", TEXT_ARG(template_name));
    if (!job_contact(job, &contact, &found, err))
        return false;
    return !found || add(job, &contact, name, err);
}
