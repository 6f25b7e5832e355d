#include "heartbeat.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pace.h"
#include "service/log.h"

enum { BEAT_EVERY_MS = 5000 };

static int touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    int error = futimens(fd, NULL) == 0 ? 0 : errno;
    close(fd);
    return error;
}

void heartbeat_beat(struct heartbeat *heartbeat)
{
    if (!heartbeat->path || !*heartbeat->path || !pace_due(&heartbeat->last_ms, clock_monotonic_ms(), BEAT_EVERY_MS))
        return;
    int error = touch(heartbeat->path);
    if (error)
        log_warn("heartbeat", "HEARTBEAT_FILE %s: %s", heartbeat->path, strerrordesc_np(error));
}
