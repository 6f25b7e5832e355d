/* Brings the schema up in the background while the program serves already; then app->schema_ready. */
#ifndef SCHEMA_H
#define SCHEMA_H

#include "http/call.h"

struct schema;

struct schema *schema_start(struct app *app, struct err *err) MUST_CHECK;
/* Until the first attempt has ended, `ms` at most. */
void schema_await(struct schema *schema, int64_t ms);
void schema_stop(struct schema *schema);
/* Once, now; prints what it did to stdout. For --migrate. */
bool schema_migrate(struct app *app, struct err *err) MUST_CHECK;

#endif
