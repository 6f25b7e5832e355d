#include "service/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum {
    LINE_MAX_BYTES = PIPE_BUF, /* a write up to this size into a pipe that several processes share is never torn */
    MESSAGE_MAX = 2048,
    MARK_MAX = 64, /* of it: what tells that a message was cut */
    WAIT_MS = 50,  /* for a reader that is slow; a stuck one costs this once, not once a line */
    NAME_MAX_BYTES = 16,
    REQUEST_ID_MAX_BYTES = 64
};

/* Set once by log_open before there are threads; the lock keeps lines whole and the poll true until its write. */
static struct {
    pthread_mutex_t lock;
    enum log_level least;
    bool json;
    const struct zone *zone;
    bool stuck;            /* the last line could not be written */
    unsigned long dropped; /* since the last one that could */
    log_copy *copy;        /* gets each line, or NULL */
    void *copy_to;
} out = {.lock = PTHREAD_MUTEX_INITIALIZER, .least = LOG_INFO};

static _Thread_local char thread_name[NAME_MAX_BYTES] = "main";
static _Thread_local char request_id[REQUEST_ID_MAX_BYTES];
static _Thread_local bool keeps_here;

/*
 * Of two processes that find room for a line in their common pipe, the second would wait, and every thread that logs
 * behind it. So a pipe is written to without waiting: by a description of our own where the system lets us open it
 * again, else by the common one, whose other writers then lose a line to a full pipe too.
 */
static void never_wait(void)
{
    struct stat st;
    if (fstat(STDERR_FILENO, &st) != 0 || !S_ISFIFO(st.st_mode))
        return;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
        dup2(fd, STDERR_FILENO);
        close(fd);
        return;
    }
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    if (flags >= 0)
        fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
}

void log_open(enum log_level least, bool json, const struct zone *zone)
{
    never_wait();
    pthread_mutex_lock(&out.lock);
    out.least = least;
    out.json = json;
    out.zone = zone;
    pthread_mutex_unlock(&out.lock);
}

void log_thread_name(const char *name)
{
    snprintf(thread_name, sizeof thread_name, "%s", name);
}

void log_request_id(const char *id)
{
    snprintf(request_id, sizeof request_id, "%s", id ? id : "");
}

void log_copy_to(log_copy *copy, void *to)
{
    pthread_mutex_lock(&out.lock);
    out.copy = copy;
    out.copy_to = to;
    pthread_mutex_unlock(&out.lock);
}

void log_keep_here(bool here)
{
    keeps_here = here;
}

void log_event(int64_t at_ms, struct text event)
{
    pthread_mutex_lock(&out.lock);
    if (out.copy)
        out.copy(out.copy_to, at_ms, event);
    pthread_mutex_unlock(&out.lock);
}

static void format(struct buf *b, const struct log_line *line)
{
    buf_reset(b);
    b->failed = false;
    /* Before main has a zone (faults of the settings) there is only UTC, which the JSON form is in. */
    if (out.json || !out.zone)
        log_line_json(b, line);
    else
        log_line_text(b, line, out.zone);
}

/* The first `keep` bytes of a message, less a character that would be halved, and a mark with its whole length. */
static struct text cut(char part[MESSAGE_MAX], struct text message, size_t keep, size_t whole)
{
    if (keep > message.n)
        keep = message.n;
    if (keep > MESSAGE_MAX - MARK_MAX)
        keep = MESSAGE_MAX - MARK_MAX;
    while (keep > 0 && keep < message.n && ((unsigned char)message.p[keep] & 0xC0) == 0x80)
        keep--;
    memcpy(part, message.p, keep);
    int n = snprintf(part + keep, MARK_MAX, "... [cut, %zu bytes in all]", whole);
    return (struct text){part, keep + (size_t)n};
}

/* Escapes make a line longer than its message: then the message is cut until it fits. `whole` is its own length. */
static bool format_within(struct buf *b, struct log_line line, size_t whole)
{
    char part[MESSAGE_MAX];
    struct text message = line.message;
    if (message.n < whole)
        line.message = cut(part, message, message.n, whole);
    format(b, &line);
    for (size_t keep = message.n / 2; b->failed && keep > 0; keep /= 2) {
        line.message = cut(part, message, keep, whole);
        format(b, &line);
    }
    return !b->failed && b->n > 0;
}

/* Never blocks for long: a full pipe or disk loses the line. Writes to a file are always ready. */
static bool write_line(const struct buf *b)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    int ready;
    do
        ready = poll(&fd, 1, out.stuck ? 0 : WAIT_MS);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0 || !(fd.revents & POLLOUT))
        return false;
    ssize_t n;
    do
        n = write(STDERR_FILENO, b->p, b->n);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)b->n;
}

static void tell_dropped(struct buf *b, int64_t now_ms)
{
    char message[64];
    int n = snprintf(message, sizeof message, "%lu log lines were lost: the reader was too slow", out.dropped);
    struct log_line line = {.level = LOG_WARN,
                            .at_ms = now_ms,
                            .thread = thread_name,
                            .logger = "log",
                            .request_id = "",
                            .message = {message, (size_t)n}};
    if (format_within(b, line, line.message.n) && write_line(b))
        out.dropped = 0;
}

static void emit(enum log_level level, const char *logger, struct text message, size_t whole)
{
    AUTO(buf) struct buf b;
    struct log_line line = {.level = level,
                            .at_ms = clock_now_ms(),
                            .thread = thread_name,
                            .logger = logger,
                            .request_id = request_id,
                            .message = message};
    buf_init(&b, LINE_MAX_BYTES);
    pthread_mutex_lock(&out.lock);
    if (out.dropped && !out.stuck)
        tell_dropped(&b, line.at_ms);
    bool made = format_within(&b, line, whole), written = made && write_line(&b);
    out.stuck = !written;
    out.dropped += !written;
    if (made && out.copy && !keeps_here)
        out.copy(out.copy_to, line.at_ms, buf_view(&b));
    pthread_mutex_unlock(&out.lock);
}

void log_at(enum log_level level, const char *logger, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    if (level < out.least)
        return;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    size_t whole = (size_t)n, kept = whole < sizeof message ? whole : sizeof message - 1;
    emit(level, logger, (struct text){message, kept}, whole);
}

void log_err(enum log_level level, const char *logger, const char *what, const struct err *err)
{
    if (err->cause[0])
        log_at(level, logger, "%s: %s %s [%s]", what, err_row(err->code)->name, err->detail, err->cause);
    else
        log_at(level, logger, "%s: %s %s", what, err_row(err->code)->name, err->detail);
}
