#include "mail_prepare.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/id.h"
#include "finance/file_link.h"
#include "mail_render.h"
#include "service/mime.h"
#include "store/otp.h"
#include "store/transaction_code.h"
#include "store/user_contact.h"

enum { TOKEN_BYTES = 32, LINK_LIFE_S = 7 * 24 * 60 * 60 };

void mail_make_code(char out[8])
{
    snprintf(out, 8, "%06u", (unsigned)random_below(1000000));
}

static bool has_digit_run(const char *s, size_t run)
{
    size_t n = 0;
    for (; *s; s++) {
        n = *s >= '0' && *s <= '9' ? n + 1 : 0;
        if (n == run)
            return true;
    }
    return false;
}

void mail_make_token(char out[64])
{
    unsigned char bytes[TOKEN_BYTES];
    do {
        random_bytes(bytes, sizeof bytes);
        base64url_encode(bytes, sizeof bytes, out, 64);
    } while (has_digit_run(out, OTP_DIGITS));
}

/* What a template may use besides the row's own data. */
struct values {
    struct template_value v[MAIL_VALUES_MAX];
    size_t n;
};

static void add(struct values *values, const char *name, struct text value)
{
    values->v[values->n++] = (struct template_value){.name = name, .value = value};
}

static bool superseded(bool stored, struct err *err)
{
    return stored || (err->code == ERR_NOT_FOUND && err_set(err, ERR_PERMANENT, "superseded"));
}

static bool store_code(struct db *db, const struct mail_row *row, const struct otp_purpose *purpose, const char *code,
                       const char *token, int64_t now_ms, struct err *err)
{
    char code_hash[OTP_HASH_TEXT], link_hash[OTP_HASH_TEXT], event[UUID_TEXT_MAX];
    snprintf(event, sizeof event, "%.*s", TEXT_ARG(row->event_id));
    otp_hash(text_of(code), row->user_id, purpose->name, code_hash);
    otp_link_hash(text_of(token), link_hash);
    return superseded(otp_store_code(db, row->user_id, purpose->name, event, code_hash, link_hash, now_ms, err), err);
}

/* A code that allows one write: it belongs to the request that the row names, and no link does the same. */
static bool add_write_code(struct values *values, struct db *db, const struct mail_row *row,
                           const struct json_node *data, char *code, int64_t now_ms, struct err *err)
{
    char request[UUID_TEXT_MAX], hash[OTP_HASH_TEXT];
    struct text id = json_get_text(data, "request");
    struct transaction_code_key key = {row->household_id, row->user_id, id};
    if (!uuid_is_valid(id))
        return err_set(err, ERR_PERMANENT, "a code for no request");
    snprintf(request, sizeof request, "%.*s", TEXT_ARG(id));
    otp_hash(text_of(code), row->user_id, request, hash);
    add(values, "code", text_of(code));
    return superseded(transaction_code_store(db, &key, hash, now_ms, err), err);
}

static bool add_code(struct values *values, struct db *db, const struct config *config, const struct mail_row *row,
                     const struct json_node *data, int64_t now_ms, struct arena *mem, struct err *err)
{
    struct text word = json_get_text(data, "purpose");
    const struct otp_purpose *purpose = otp_purpose_find(word);
    char *code = arena_alloc(mem, 8), *token = arena_alloc(mem, 64);
    if (!word.p)
        return true;
    if (!purpose)
        return err_set(err, ERR_PERMANENT, "a code for an unknown purpose");
    if (!code || !token)
        return err_set(err, ERR_NO_MEMORY, "no memory for a mail");
    mail_make_code(code);
    if (!purpose->link_path)
        return add_write_code(values, db, row, data, code, now_ms, err);
    mail_make_token(token);
    const char *link = arena_printf(mem, "%s%s%s", config->web_base_url, purpose->link_path, token);
    if (!link)
        return err_set(err, ERR_NO_MEMORY, "no memory for a mail");
    add(values, "code", text_of(code));
    add(values, "link", text_of(link));
    return store_code(db, row, purpose, code, token, now_ms, err);
}

/* The name that the mail greets; someone who is gone gets none. */
static bool find_name(struct db *db, const struct mail_row *row, struct arena *mem, struct text *name, struct err *err)
{
    struct user_contact contact;
    struct err miss = {0};
    *name = TEXT("");
    if (user_contact_find(db, row->household_id, row->user_id, mem, &contact, &miss)) {
        *name = contact.full_name;
        return true;
    }
    if (miss.code == ERR_NOT_FOUND)
        return true;
    *err = miss;
    return false;
}

/* Where the file is: behind an address that needs no sign-in for a while, when this program can make one, else in the
 * web client. */
static bool add_file(struct values *values, const struct config *config, const struct mail_row *row,
                     const struct mail_file *file, int64_t now_ms, struct arena *mem, struct err *err)
{
    char key[FILE_LINK_TEXT];
    const char *url = config->web_base_url;
    add(values, "attached", file->attached ? TEXT("1") : TEXT(""));
    if (file->linked && config->jwt_keys && config->api_base_url) {
        const struct file_link link = {row->household_id, row->document_id, now_ms / 1000 + LINK_LIFE_S};
        struct token_keys *keys = token_keys_parse(config->jwt_keys, err);
        bool made = keys && file_link_make(keys, &link, key, err);
        token_keys_free(keys);
        if (!made)
            return false;
        url = file_link_url(text_of(config->api_base_url), key, mem);
    }
    add(values, "link", text_of(url));
    return url || err_set(err, ERR_NO_MEMORY, "no memory for a mail");
}

/* The library speaks no SMTPUTF8. */
static bool check_address(struct text address, struct err *err)
{
    bool ascii = true;
    for (size_t i = 0; i < address.n; i++)
        ascii = ascii && (unsigned char)address.p[i] < 0x80;
    return (ascii && text_is_email(address)) || err_set(err, ERR_PERMANENT, "no address that mail can be sent to");
}

static bool build(const struct config *config, const struct mail_row *row, struct text name,
                  const struct mail_texts *texts, const struct mail_file *file, int64_t now_ms, struct arena *mem,
                  struct text *message, struct err *err)
{
    struct mime_mail mail = {.from_name = text_of(config->mail_from_name),
                             .from_address = text_of(config->mail_from),
                             .to_name = name,
                             .to_address = row->recipient,
                             .subject = texts->subject,
                             .plain = texts->plain,
                             .html = texts->html,
                             .event_id = row->event_id,
                             .message_number = row->id,
                             .date_ms = now_ms};
    if (file && file->attached) {
        mail.attachment_name = file->name;
        mail.attachment_type = file->content_type;
        mail.attachment_fd = file->fd;
    }
    return mime_build(&mail, mem, message, err);
}

static bool prepare(struct db *db, const struct config *config, const struct mail_row *row,
                    const struct json_node *data, const struct mail_file *file, int64_t now_ms, struct arena *mem,
                    struct text *message, struct err *err)
{
    struct values values = {.n = 0};
    struct mail_texts texts;
    struct text name;
    if (!find_name(db, row, mem, &name, err))
        return false;
    add(&values, "name", name);
    add(&values, "webUrl", text_of(config->web_base_url));
    if (file && !add_file(&values, config, row, file, now_ms, mem, err))
        return false;
    if (!add_code(&values, db, config, row, data, now_ms, mem, err))
        return false;
    struct template_values all = {values.v, values.n, data};
    return mail_render(mail_template_files, row->template_name, row->language, &all, mem, &texts, err) &&
           build(config, row, name, &texts, file, now_ms, mem, message, err);
}

bool mail_prepare(struct db *db, const struct config *config, const struct mail_row *row, const struct mail_file *file,
                  int64_t now_ms, struct arena *mem, struct text *message, struct err *err)
{
    struct err unreadable = {0};
    if (!check_address(row->recipient, err))
        return false;
    AUTO(json_doc) struct json_doc *data = json_parse(row->data, &unreadable);
    if (!data && unreadable.code == ERR_NO_MEMORY) {
        *err = unreadable;
        return false;
    }
    if (!data)
        return err_set(err, ERR_PERMANENT, "the mail's data cannot be read");
    return prepare(db, config, row, json_root(data), file, now_ms, mem, message, err);
}
