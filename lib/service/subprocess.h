/*
 * Another program for one piece of work on untrusted bytes: no shell, an environment of its own (no setting, no
 * secret), no descriptor but its three, limits on processor time, memory, files and output, and an end in time. The
 * limits are set by prlimit(1) of util-linux before the program begins.
 */
#ifndef SERVICE_SUBPROCESS_H
#define SERVICE_SUBPROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

enum { SUBPROCESS_ARGUMENTS_MAX = 16 };

struct subprocess {
    const char *const *argv; /* NULL-terminated; argv[0] is looked for in the system's folders */
    int stdin_fd;            /* given as /dev/stdin, which opens it anew from its beginning */
    int timeout_ms;
    int cpu_seconds;
    size_t memory_bytes; /* address space */
};

/* Output goes to `out`, whose max bounds it. *exit_code: the program's own, 128 + signal when one ended it.
 * ERR_TIMEOUT, ERR_PAYLOAD_TOO_LARGE for more output than `out` takes, ERR_UNAVAILABLE when the program is not there.
 */
bool subprocess_run(const struct subprocess *p, struct buf *out, int *exit_code, struct err *err) MUST_CHECK;

#endif
