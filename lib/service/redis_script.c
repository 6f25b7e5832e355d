#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "base/embedded.h"
#include "base/id.h"
#include "service/redis_internal.h"

extern const struct embedded_file lua_scripts[]; /* made from the files in lua/ */

enum { SCRIPTS_MAX = 8, SHA1_BYTES = 20, SHA1_TEXT = 2 * SHA1_BYTES + 1 };

/* Redis names a script by its SHA-1. Filled once. */
static char names[SCRIPTS_MAX][SHA1_TEXT];
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static void make_names(void)
{
    for (size_t i = 0; lua_scripts[i].name; i++) {
        unsigned char sum[EVP_MAX_MD_SIZE];
        assert(i < SCRIPTS_MAX);
        if (EVP_Digest(lua_scripts[i].data, lua_scripts[i].size, sum, NULL, EVP_sha1(), NULL))
            hex_encode(sum, SHA1_BYTES, names[i]);
    }
}

static size_t find(const char *script_name)
{
    for (size_t i = 0; lua_scripts[i].name; i++) {
        struct text file = text_of(lua_scripts[i].name), name = text_of(script_name);
        if (text_starts(file, name) && text_eq(text_slice(file, name.n, file.n), TEXT(".lua")))
            return i;
    }
    assert(false); /* there is no such script */
    return 0;
}

void redis_script(struct redis_command *cmd, const char *script_name, size_t key_count, const struct text *keys,
                  size_t arg_count, const struct text *args)
{
    static const char DIGITS[] = "0123456789";
    pthread_once(&names_once, make_names);
    assert(key_count < 10 && 3 + key_count + arg_count <= REDIS_ARGS_MAX);
    *cmd = (struct redis_command){.argc = 3 + key_count + arg_count};
    cmd->argv[0] = TEXT("EVALSHA");
    cmd->argv[1] = text_of(names[find(script_name)]);
    cmd->argv[2] = (struct text){&DIGITS[key_count], 1};
    for (size_t i = 0; i < key_count; i++)
        cmd->argv[3 + i] = keys[i];
    for (size_t i = 0; i < arg_count; i++)
        cmd->argv[3 + key_count + i] = args[i];
}

const struct embedded_file *redis_script_of(const struct redis_command *cmd)
{
    if (cmd->argc < 3 || !text_eq(cmd->argv[0], TEXT("EVALSHA")))
        return NULL;
    for (size_t i = 0; lua_scripts[i].name; i++)
        if (cmd->argv[1].p == names[i])
            return &lua_scripts[i];
    return NULL;
}
