#include "finance/file_link.h"

#include "base/id.h"

enum { NUMBERS = 3, SEALED = NUMBERS * 8, LINK_BYTES = SEALED + TOKEN_SEAL };

static const char PURPOSE[] = "moneymanager file link 1";

static void pack(const struct file_link *link, unsigned char out[SEALED])
{
    const int64_t numbers[NUMBERS] = {link->household_id, link->document_id, link->expires_s};
    for (size_t i = 0; i < SEALED; i++)
        out[i] = (unsigned char)((uint64_t)numbers[i / 8] >> (56 - 8 * (i % 8)));
}

static struct file_link unpack(const unsigned char in[SEALED])
{
    uint64_t numbers[NUMBERS] = {0};
    for (size_t i = 0; i < SEALED; i++)
        numbers[i / 8] = numbers[i / 8] << 8 | in[i];
    return (struct file_link){
        .household_id = (int64_t)numbers[0], .document_id = (int64_t)numbers[1], .expires_s = (int64_t)numbers[2]};
}

bool file_link_make(const struct token_keys *keys, const struct file_link *link, char out[FILE_LINK_TEXT],
                    struct err *err)
{
    unsigned char bytes[LINK_BYTES];
    pack(link, bytes);
    if (!token_seal(keys, PURPOSE, (struct text){(const char *)bytes, SEALED}, bytes + SEALED, err))
        return false;
    base64url_encode(bytes, sizeof(bytes), out, FILE_LINK_TEXT);
    return true;
}

bool file_link_read(const struct token_keys *keys, struct text key, int64_t now_s, struct file_link *out,
                    struct err *err)
{
    unsigned char bytes[LINK_BYTES];
    size_t n = 0;
    if (!base64url_decode(key, bytes, sizeof(bytes), &n) || n != sizeof(bytes) ||
        !token_seal_is_good(keys, PURPOSE, (struct text){(const char *)bytes, SEALED}, bytes + SEALED))
        return err_set(err, ERR_NOT_FOUND, "There is no such file");
    struct file_link link = unpack(bytes);
    if (link.expires_s <= now_s)
        return err_set(err, ERR_NOT_FOUND, "The link to this file is over");
    *out = link;
    return true;
}

char *file_link_url(struct text base, const char *key, struct arena *mem)
{
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    return arena_printf(mem, "%.*s/api/v1.0/files/%s", TEXT_ARG(base), key);
}
