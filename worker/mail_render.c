#include "mail_render.h"

#include <string.h>

static bool find_file(const struct embedded_file *files, struct text name, const char *language, const char *kind,
                      struct arena *mem, struct text *out, struct err *err)
{
    const char *wanted = arena_printf(mem, "%.*s.%s.%s", TEXT_ARG(name), language, kind);
    if (!wanted)
        return err_set(err, ERR_NO_MEMORY, "no memory for a mail");
    for (size_t i = 0; files[i].name; i++)
        if (strcmp(files[i].name, wanted) == 0) {
            *out = (struct text){files[i].data, files[i].size};
            return true;
        }
    return err_set(err, ERR_PERMANENT, "there is no mail template %s", wanted);
}

static bool fill(struct text source, enum template_escape escape, const struct template_values *values,
                 struct arena *mem, struct text *out, struct err *err)
{
    struct buf b;
    buf_init(&b, MAIL_TEXT_MAX);
    bool ok = template_render(source, escape, values, &b, err);
    if (ok) {
        *out = arena_text(mem, buf_view(&b));
        ok = out->p || err_set(err, ERR_NO_MEMORY, "no memory for a mail");
    }
    buf_release(&b);
    return ok;
}

/* The part, then the layout around it. */
static bool render_part(const struct embedded_file *files, struct text name, const char *language, const char *kind,
                        enum template_escape escape, const struct template_values *values, struct arena *mem,
                        struct text *out, struct err *err)
{
    struct template_value extra[MAIL_VALUES_MAX + 1];
    struct text source, layout, part;
    if (!find_file(files, name, language, kind, mem, &source, err) ||
        !find_file(files, TEXT("layout"), language, kind, mem, &layout, err) ||
        !fill(source, escape, values, mem, &part, err))
        return false;
    if (values->extra_count > MAIL_VALUES_MAX)
        return err_set(err, ERR_INTERNAL, "too many values for a mail");
    for (size_t i = 0; i < values->extra_count; i++)
        extra[i] = values->extra[i];
    extra[values->extra_count] = (struct template_value){"content", part, .ready = true};
    struct template_values whole = {extra, values->extra_count + 1, values->json};
    return fill(layout, escape, &whole, mem, out, err);
}

bool mail_render(const struct embedded_file *files, struct text template_name, struct text language,
                 const struct template_values *values, struct arena *mem, struct mail_texts *out, struct err *err)
{
    const char *l = text_eq(language, TEXT("en")) ? "en" : "vi";
    struct text source;
    if (!find_file(files, template_name, l, "subject", mem, &source, err) ||
        !fill(text_trim(source), TEMPLATE_LINE, values, mem, &out->subject, err))
        return false;
    return render_part(files, template_name, l, "txt", TEMPLATE_PLAIN, values, mem, &out->plain, err) &&
           render_part(files, template_name, l, "html", TEMPLATE_HTML, values, mem, &out->html, err);
}
