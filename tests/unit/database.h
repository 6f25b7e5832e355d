/* A private MariaDB with the project's schema, for tests of what lies over the stores. */
#ifndef TESTS_DATABASE_H
#define TESTS_DATABASE_H

#include "lib/service/server.h"
#include "service/db.h"

/* Ends the test program when it cannot. The pool is closed by the caller, the server by server_remove(). */
struct db_pool *database_start(struct server *server, size_t connections);

/* Runs one statement, and reads one number or text; a failure fails the test. The text lives until the next call. */
void database_run(struct db_pool *pool, const char *sql);
int64_t database_number(struct db_pool *pool, const char *sql);
const char *database_text(struct db_pool *pool, const char *sql);

/* A user with a household of its own. */
void database_user(struct db_pool *pool, const char *email, int64_t *user, int64_t *household);

#endif
