/* Opens and closes what all threads share. Nothing here connects: a service that is down keeps no program from starting. */
#ifndef APP_H
#define APP_H

#include "http/call.h"

/* app->config is loaded already. On a fault what was opened is closed again. */
bool app_open(struct app *app, struct err *err) MUST_CHECK;
void app_close(struct app *app);

#endif
