#include "http/own_tx.h"

#include "base/id.h"
#include "relay.h"

enum { ATTEMPTS_MAX = 5, BACK_OFF_MS = 10 };

void call_db_done(struct call *call)
{
    db_give(call->scope.db);
    call->scope.db = NULL;
}

static bool attempt(struct call *call, own_tx_fn *fn, void *arg, struct err *err)
{
    if (!call_db(call, err))
        return false;
    call->scope.outbox_rows = 0;
    AUTO(tx) struct tx *tx = tx_begin(call->scope.db, err);
    return tx && fn(&call->scope, arg, err) && tx_commit(tx, err);
}

static void pause_below(uint32_t ms)
{
    struct timespec wait = {.tv_nsec = (long)(1 + random_below(ms)) * 1000000};
    nanosleep(&wait, NULL);
}

static bool attempts(struct call *call, own_tx_fn *fn, void *arg, struct err *err)
{
    for (uint32_t i = 1;; i++) {
        if (attempt(call, fn, arg, err))
            return true;
        if (err->code == ERR_COMMIT_UNKNOWN) {
            struct err lost = *err;
            err_set(err, ERR_UNAVAILABLE, "It is not known whether this was done; ask again");
            return err_cause(err, "%s", lost.cause);
        }
        if (err->code != ERR_DEADLOCK || i == ATTEMPTS_MAX)
            return false;
        pause_below(BACK_OFF_MS << i);
        err_clear(err);
    }
}

bool own_tx(struct call *call, own_tx_fn *fn, void *arg, struct err *err)
{
    bool ok = attempts(call, fn, arg, err);
    call_db_done(call);
    if (ok && call->scope.outbox_rows > 0)
        relay_wake(call->app->relay);
    return ok;
}
