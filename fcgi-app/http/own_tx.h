/* Transactions of routes without a household's command (access NO_DB): sign-in, codes, passwords. */
#ifndef HTTP_OWN_TX_H
#define HTTP_OWN_TX_H

#include "http/call.h"

typedef bool own_tx_fn(struct scope *scope, void *arg, struct err *err);

/* Runs fn in a transaction and commits; again, on a fresh start, when it met a deadlock. Gives the connection back and
   wakes the relay for what was recorded. A lost COMMIT is ERR_UNAVAILABLE: these routes may all be asked again. */
bool own_tx(struct call *call, own_tx_fn *fn, void *arg, struct err *err) MUST_CHECK;

/* Gives the call's connection back before something that waits for long, a password's hash above all. */
void call_db_done(struct call *call);

#endif
