#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/db_internal.h"

void db_limits_add(struct db_limits *limits, struct db *db, int64_t until_ms)
{
    db_limits_remove(limits, db);
    db->until_ms = until_ms;
    db->cut_fd = fcntl(db_socket(db), F_DUPFD_CLOEXEC, 0);
    db->next_cut = limits->first;
    limits->first = db;
}

void db_limits_remove(struct db_limits *limits, struct db *db)
{
    if (!db->until_ms)
        return;
    struct db **at = &limits->first;
    while (*at && *at != db)
        at = &(*at)->next_cut;
    if (*at)
        *at = db->next_cut;
    if (db->cut_fd >= 0)
        close(db->cut_fd);
    db->until_ms = 0;
}

size_t db_limits_cut(struct db_limits *limits, int64_t now_ms)
{
    size_t cut = 0;
    for (struct db *db = limits->first; db; db = db->next_cut)
        if (now_ms >= db->until_ms && !atomic_exchange(&db->cut, true)) {
            shutdown(db->cut_fd, SHUT_RDWR);
            cut++;
        }
    return cut;
}

bool db_over_limit(const struct db *db, const char *stmt, struct err *err)
{
    if (!db->until_ms || clock_monotonic_ms() < db->until_ms)
        return false;
    err_set(err, ERR_TIMEOUT, "The work on the database took longer than its limit.");
    err_cause(err, "%s: over the limit", stmt);
    return true;
}
