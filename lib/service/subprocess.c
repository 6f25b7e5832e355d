#include "service/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    LIMITS = 10, /* arguments before the program's own */
    LIMIT_TEXT = 40,
    FILES_MAX = 64,
    PIECE = 16 * 1024,
    REAP_PAUSE_MS = 2,
    NO_SUCH_PROGRAM = 127 /* prlimit's exit code, and choom's */
};

struct command {
    char cpu[LIMIT_TEXT], memory[LIMIT_TEXT], files[LIMIT_TEXT];
    char *argv[LIMITS + SUBPROCESS_ARGUMENTS_MAX + 1];
};

static bool unavailable(struct err *err, const char *what, int cause)
{
    err_set(err, ERR_UNAVAILABLE, "A program that reads files is not available");
    return err_cause(err, "%s: error %d", what, cause);
}

static void command_init(struct command *c, const struct subprocess *p)
{
    static char program[] = "prlimit", no_files[] = "--fsize=0", no_core[] = "--core=0";
    /* Where memory runs out, the kernel ends it and not us. */
    static char choom[] = "choom", score[] = "-n", first[] = "1000", end_of_options[] = "--";
    snprintf(c->cpu, sizeof(c->cpu), "--cpu=%d", p->cpu_seconds);
    snprintf(c->memory, sizeof(c->memory), "--as=%zu", p->memory_bytes);
    snprintf(c->files, sizeof(c->files), "--nofile=%d", FILES_MAX);
    char *limits[LIMITS] = {program, c->cpu, c->memory, c->files, no_files,
                            no_core, choom,  score,     first,    end_of_options};
    memcpy(c->argv, limits, sizeof(limits));
    size_t n = 0;
    /* posix_spawn takes char *const[] and writes to none of them. */
    for (; n < SUBPROCESS_ARGUMENTS_MAX && p->argv[n]; n++)
        memcpy(&c->argv[LIMITS + n], &p->argv[n], sizeof(char *));
    c->argv[LIMITS + n] = NULL;
}

static int set_files(posix_spawn_file_actions_t *files, int stdin_fd, int stdout_fd)
{
    int code = posix_spawn_file_actions_adddup2(files, stdin_fd, STDIN_FILENO);
    code = code ? code : posix_spawn_file_actions_adddup2(files, stdout_fd, STDOUT_FILENO);
    code = code ? code : posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    return code ? code : posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
}

/* Signals as a fresh program has them, and a process group of its own, so that what it starts ends with it. */
static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int code = posix_spawnattr_setsigmask(attr, &none);
    code = code ? code : posix_spawnattr_setsigdefault(attr, &all);
    code = code ? code : posix_spawnattr_setpgroup(attr, 0);
    return code
               ? code
               : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int spawn(const struct subprocess *p, int stdout_fd, pid_t *pid)
{
    static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C.UTF-8";
    char *environment[] = {path, locale, NULL};
    struct command command;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    command_init(&command, p);
    int code = posix_spawn_file_actions_init(&files);
    if (code)
        return code;
    code = posix_spawnattr_init(&attr);
    if (!code) {
        code = set_files(&files, p->stdin_fd, stdout_fd);
        code = code ? code : set_attributes(&attr);
        code = code ? code : posix_spawnp(pid, command.argv[0], &files, &attr, command.argv, environment);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&files);
    return code;
}

static bool too_slow(struct err *err)
{
    return err_set(err, ERR_TIMEOUT, "The file took too long to read");
}

static bool read_output(int fd, struct buf *out, int64_t deadline, struct err *err)
{
    char piece[PIECE];
    for (;;) {
        int64_t left = deadline - clock_monotonic_ms();
        struct pollfd one = {.fd = fd, .events = POLLIN};
        if (left <= 0)
            return too_slow(err);
        int ready = poll(&one, 1, (int)left);
        if (ready < 0 && errno != EINTR)
            return unavailable(err, "poll", errno);
        if (ready <= 0)
            continue;
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno != EINTR)
            return unavailable(err, "read", errno);
        if (n == 0)
            return true;
        if (n > 0)
            buf_put(out, piece, (size_t)n);
        if (out->failed)
            return out->n + (size_t)n > out->max ? err_set(err, ERR_PAYLOAD_TOO_LARGE, "The file holds too much")
                                                 : err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    }
}

static void pause_ms(long ms)
{
    struct timespec wait = {.tv_nsec = ms * 1000000};
    nanosleep(&wait, NULL);
}

/* Waits for the end until the deadline; false when it has not come. */
static bool reap(pid_t pid, int64_t deadline, int *status)
{
    for (;;) {
        pid_t ended = waitpid(pid, status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR))
            return true;
        if (clock_monotonic_ms() >= deadline)
            return false;
        pause_ms(REAP_PAUSE_MS);
    }
}

static void end(pid_t pid)
{
    int status;
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL); /* before its group was made */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
}

bool subprocess_run(const struct subprocess *p, struct buf *out, int *exit_code, struct err *err)
{
    int ends[2], status = 0;
    pid_t pid;
    int64_t deadline = clock_monotonic_ms() + p->timeout_ms;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return unavailable(err, "pipe", errno);
    int code = spawn(p, ends[1], &pid);
    close(ends[1]);
    bool ok = !code || unavailable(err, "prlimit", code);
    if (ok) {
        ok = read_output(ends[0], out, deadline, err) && (reap(pid, deadline, &status) || too_slow(err));
        if (!ok)
            end(pid);
    }
    close(ends[0]);
    if (!ok)
        return false;
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return *exit_code != NO_SUCH_PROGRAM || unavailable(err, p->argv[0], ENOENT);
}
