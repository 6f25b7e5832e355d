#include "service/file_map.h"

#include <errno.h>
#include <sys/mman.h>

bool file_map_open(struct file_map *map, int fd, int64_t size, struct err *err)
{
    void *at = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) {
        int cause = errno;
        err_set(err, ERR_UNAVAILABLE, "There is no room for files at the moment");
        return err_cause(err, "a file could not be mapped: error %d", cause);
    }
    madvise(at, (size_t)size, MADV_SEQUENTIAL);
    *map = (struct file_map){at, (size_t)size};
    return true;
}

struct text file_map_text(const struct file_map *map)
{
    return (struct text){map->at, map->size};
}

void file_map_let_go(struct file_map *map)
{
    madvise(map->at, map->size, MADV_DONTNEED);
}

void file_map_close(struct file_map *map)
{
    if (map->at)
        munmap(map->at, map->size);
    map->at = NULL;
}
