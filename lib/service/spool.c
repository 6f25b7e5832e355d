#include "service/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

static bool no_room(struct err *err, const char *what, int cause)
{
    err_set(err, ERR_UNAVAILABLE, "There is no room for files at the moment");
    return err_cause(err, "%s: error %d", what, cause);
}

int spool_open(const struct config *config, struct err *err)
{
    int fd = open(config->spool_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        int cause = errno;
        err_set(err, ERR_UNAVAILABLE, "There is no room for files at the moment");
        err_cause(err, "no file could be made in SPOOL_DIR %s: error %d", config->spool_dir, cause);
    }
    return fd;
}

bool spool_write(int fd, const void *p, size_t n, struct err *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t part = write(fd, (const char *)p + done, n - done);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return no_room(err, "a spool file could not be written", errno);
        done += (size_t)part;
    }
    return true;
}

bool spool_measure(int fd, int64_t *size, char sha256[DIGEST_TEXT], struct err *err)
{
    char part[16 * 1024];
    int64_t at = 0;
    ssize_t n;
    struct digest *digest = digest_new();
    if (!digest)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for a file");
    while ((n = pread(fd, part, sizeof(part), (off_t)at)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        digest_add(digest, (struct text){part, (size_t)n});
        at += n;
    }
    int cause = errno;
    bool ok = n == 0 ? digest_end(digest, sha256) || err_set(err, ERR_INTERNAL, "A file could not be hashed")
                     : no_room(err, "a spool file could not be read", cause);
    digest_free(digest);
    if (ok)
        *size = at;
    return ok;
}

static bool read_at(void *from, int64_t at, void *out, size_t n, struct err *err)
{
    const int *fd = from;
    for (size_t done = 0; done < n;) {
        ssize_t part = pread(*fd, (char *)out + done, n - done, (off_t)(at + (int64_t)done));
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return no_room(err, "a spool file could not be read", part < 0 ? errno : 0);
        done += (size_t)part;
    }
    return true;
}

static bool append(void *to, const void *p, size_t n, struct err *err)
{
    const int *fd = to;
    return spool_write(*fd, p, n, err);
}

bool spool_copy_bare(int from, int64_t size, enum media_type type, int to, struct err *err)
{
    const struct media_source source = {read_at, &from, size};
    const struct media_sink sink = {append, &to};
    return media_strip(type, &source, &sink, err);
}
