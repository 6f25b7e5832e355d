#include "lib/service/server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_SECONDS = 30, ARGS_MAX = 24 };

static void die(const char *what, const struct server *s)
{
    fprintf(stderr, "test server: %s (%s): %s\n", what, s->folder, strerror(errno));
    exit(1);
}

static bool answers(const struct server *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", s->socket);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)(void *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static void wait_until_it_answers(struct server *s)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    for (int i = 0; i < START_SECONDS * 100; i++) {
        if (answers(s))
            return;
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
            die("ended at once", s);
        nanosleep(&pause, NULL);
    }
    die("did not start in time", s);
}

/* The server dies with the test program, however that ends. */
static void spawn(struct server *s, char *const argv[])
{
    char log[96];
    snprintf(log, sizeof log, "%s/log", s->folder);
    unlink(s->socket);
    pid_t parent = getpid();
    s->pid = fork();
    if (s->pid < 0)
        die("fork", s);
    if (s->pid > 0) {
        wait_until_it_answers(s);
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (getppid() != parent || fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(127);
    execvp(argv[0], argv);
    _exit(127);
}

static void run(struct server *s)
{
    char data[96], socket_arg[128], bind_arg[128], tmp_arg[96];
    if (s->redis) {
        snprintf(data, sizeof data, "%s", s->folder);
        snprintf(socket_arg, sizeof socket_arg, "%s", s->socket);
        char *argv[] = {(char[]){"redis-server"},
                        (char[]){"--port"},
                        (char[]){"0"},
                        (char[]){"--unixsocket"},
                        socket_arg,
                        (char[]){"--save"},
                        (char[]){""},
                        (char[]){"--appendonly"},
                        (char[]){"no"},
                        (char[]){"--dir"},
                        data,
                        NULL};
        spawn(s, argv);
        return;
    }
    /* A server that starts removes the temporary tables that it finds in its folder for them, other servers' too. */
    snprintf(tmp_arg, sizeof tmp_arg, "--tmpdir=%s", s->folder);
    snprintf(data, sizeof data, "--datadir=%s", s->folder);
    snprintf(socket_arg, sizeof socket_arg, "--socket=%s", s->socket);
    snprintf(bind_arg, sizeof bind_arg, "--pid-file=%s/pid", s->folder);
    char *argv[] = {(char[]){"mariadbd"},
                    (char[]){"--no-defaults"},
                    data,
                    socket_arg,
                    bind_arg,
                    tmp_arg,
                    (char[]){"--skip-networking"},
                    (char[]){"--skip-grant-tables"},
                    (char[]){"--skip-log-bin"},
                    (char[]){"--innodb-buffer-pool-size=16M"},
                    (char[]){"--innodb-log-file-size=8M"},
                    (char[]){"--innodb-flush-log-at-trx-commit=2"},
                    (char[]){"--performance-schema=off"},
                    geteuid() == 0 ? (char[]){"--user=root"} : NULL,
                    NULL};
    spawn(s, argv);
}

static void start(struct server *s, bool redis)
{
    *s = (struct server){.folder = "/tmp/mm-unit-XXXXXX", .redis = redis};
    /* /usr/sbin is not on every user's path. */
    const char *path = getenv("PATH");
    char wider[4096];
    snprintf(wider, sizeof wider, "%s:/usr/sbin:/usr/local/sbin:/usr/bin", path ? path : "");
    setenv("PATH", wider, 1);
    if (!mkdtemp(s->folder))
        die("mkdtemp", s);
    snprintf(s->socket, sizeof s->socket, "%s/sock", s->folder);
    run(s);
}

void server_start_mariadb(struct server *s)
{
    start(s, false);
}

void server_start_redis(struct server *s)
{
    start(s, true);
}

void server_kill(struct server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

void server_restart(struct server *s)
{
    server_kill(s);
    run(s);
}

void server_freeze(struct server *s)
{
    kill(s->pid, SIGSTOP);
    /* All its threads stand still only when this returns. */
    waitpid(s->pid, NULL, WUNTRACED);
}

void server_thaw(struct server *s)
{
    kill(s->pid, SIGCONT);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void server_remove(struct server *s)
{
    server_kill(s);
    nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
