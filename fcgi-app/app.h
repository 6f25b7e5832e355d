/* Opens and closes what all threads share. Nothing here connects: a service that is down keeps no program from
 * starting. */
#ifndef APP_H
#define APP_H

#include "http/call.h"

/* app->config is loaded already. On a fault what was opened is closed again. */
bool app_open(struct app *app, struct err *err) MUST_CHECK;
void app_close(struct app *app);
/* A further pool of `size` connections to the same database. */
struct db_pool *app_db_pool(const struct config *config, size_t size, struct err *err) MUST_CHECK;

#endif
