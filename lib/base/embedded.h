#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include <stddef.h>

/*
 * A file that scripts/embed.sh compiled into the program: migrations, mail templates, Lua scripts. Tables of them end
 * with a row whose name is NULL. `data` is followed by a zero byte that `size` does not count.
 */
struct embedded_file {
    const char *name; /* without its folder: "001_users.sql" */
    const char *data;
    size_t size;
};

#endif
