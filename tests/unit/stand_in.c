#include "stand_in.h"

#include "check.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "service/http.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "build/venv/bin/ministack"

enum { START_MS = 60 * 1000, POLL_MS = 50 };

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        fail_msg("no free port");
    close(fd);
    return ntohs(a.sin_port);
}

static void run(int port, bool strict)
{
    char gateway[16];
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the tests die before they stop it */
    snprintf(gateway, sizeof(gateway), "%d", port);
    setenv("GATEWAY_PORT", gateway, 1);
    setenv("BIND_HOST", "127.0.0.1", 1);
    setenv("SFTP_ENABLED", "0", 1);
    setenv("IOT_MTLS_ENABLED", "0", 1);
    setenv("LOG_LEVEL", "ERROR", 1);
    if (strict) {
        setenv("AUTH", "true", 1);
        setenv("AWS_ACCESS_KEY_ID", STAND_IN_ROOT_KEY, 1);
        setenv("AWS_SECRET_ACCESS_KEY", "root", 1);
        setenv("MINISTACK_REGION", "ap-southeast-1", 1);
    }
    /* The sanitizers' options are this program's alone. */
    unsetenv("LD_PRELOAD");
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execl(PROGRAM, PROGRAM, (char *)NULL);
    _exit(127);
}

static void await(const struct stand_in *s)
{
    char url[96];
    struct err err = {0};
    struct http_options opts = {
        .connect_timeout_ms = 1000, .total_timeout_ms = 2000, .response_max = 65536, .handles = 1};
    struct http *http = http_open(&opts, &err);
    struct arena *mem = arena_new(65536, 1024 * 1024);
    int64_t deadline = clock_monotonic_ms() + START_MS;
    snprintf(url, sizeof(url), "%s/_ministack/health", s->url);
    assert_true(http && mem);
    for (;;) {
        struct http_request req = {.method = "GET", .url = url};
        struct http_response res;
        arena_reset(mem);
        if (http_call(http, &req, mem, &res, &err) && res.status == 200)
            break;
        if (clock_monotonic_ms() > deadline)
            fail_msg("the AWS stand-in does not answer");
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    arena_free(mem);
    http_close(http);
}

static bool start(struct stand_in *s, bool strict)
{
    *s = (struct stand_in){0};
    if (access(PROGRAM, X_OK) != 0)
        return false;
    int port = free_port();
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", port);
    s->pid = fork();
    if (s->pid == 0)
        run(port, strict);
    if (s->pid < 0)
        fail_msg("fork");
    await(s);
    return true;
}

bool stand_in_start(struct stand_in *s)
{
    return start(s, false);
}

bool stand_in_start_strict(struct stand_in *s)
{
    return start(s, true);
}

void stand_in_stop(struct stand_in *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}
