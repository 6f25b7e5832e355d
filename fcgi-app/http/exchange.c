#include "http/exchange.h"

#include "base/clock.h"
#include "http/upload.h"

bool exchange_init(struct exchange *x, struct app *app, struct err *err)
{
    *x = (struct exchange){.app = app, .mem = arena_new(ARENA_FIRST_BLOCK, ARENA_MAX)};
    buf_init(&x->body, RESPONSE_BODY_MAX);
    buf_init(&x->head, RESPONSE_HEAD_MAX);
    bool ok = x->mem && buf_reserve(&x->body, RESPONSE_BODY_FIRST) && buf_reserve(&x->head, RESPONSE_HEAD_FIRST);
    if (ok)
        return true;
    exchange_release(x);
    return err_set(err, ERR_NO_MEMORY, "Not enough memory for a request thread");
}

void exchange_release(struct exchange *x)
{
    exchange_reset(x);
    arena_free(x->mem);
    buf_release(&x->body);
    buf_release(&x->head);
    x->mem = NULL;
}

void exchange_reset(struct exchange *x)
{
    db_give(x->call.scope.db);
    x->call.scope.db = NULL;
    upload_release(x);
    response_release(&x->res);
    json_doc_free(x->doc);
    x->doc = NULL;
    if (x->mem)
        arena_reset(x->mem);
    if (x->body.cap > RESPONSE_BODY_KEPT) {
        buf_release(&x->body);
        buf_init(&x->body, RESPONSE_BODY_MAX);
        buf_reserve(&x->body, RESPONSE_BODY_FIRST);
    }
}

int exchange_left_ms(const struct exchange *x)
{
    int64_t left = x->deadline_ms - clock_monotonic_ms();
    return left > 0 ? (int)left : 0;
}
