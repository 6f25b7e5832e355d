/* A file's bytes as memory, read only: the kernel brings pages when they are looked at. */
#ifndef SERVICE_FILE_MAP_H
#define SERVICE_FILE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

struct file_map {
    void *at;
    size_t size;
};

/* size > 0 bytes from the beginning. The descriptor may be closed afterwards. ERR_UNAVAILABLE. */
bool file_map_open(struct file_map *map, int fd, int64_t size, struct err *err) MUST_CHECK;
struct text file_map_text(const struct file_map *map);
/* The pages are given back; when they are looked at again, they are brought again. */
void file_map_let_go(struct file_map *map);
void file_map_close(struct file_map *map);
static inline void file_map_auto(struct file_map *map)
{
    file_map_close(map);
}

#endif
