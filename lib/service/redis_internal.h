/* Shared by the redis_*.c files only. */
#ifndef SERVICE_REDIS_INTERNAL_H
#define SERVICE_REDIS_INTERNAL_H

#include <hiredis/hiredis.h>

#include "service/redis.h"
#include "service/redis_url.h"

/* ERR_UNAVAILABLE with the cause. Returns false. */
bool redis_unavailable(struct err *err, const char *cause);

/* redis_connect.c: AUTH and SELECT included. `tls` (SSL_CTX) is NULL for plain connections. */
redisContext *redis_connect(const struct redis_address *address, const struct redis_options *opts, void *tls,
                            struct err *err) MUST_CHECK;
/* SSL_CTX for the address; *tls is NULL when it wants none. */
bool redis_tls_new(const struct redis_address *address, const char *ca_file, void **tls, struct err *err) MUST_CHECK;
void redis_tls_free(void *tls);
/* False when the server has closed it. Costs no round trip. */
bool redis_looks_alive(const redisContext *c);

/* redis_script.c: the text of the script that an EVALSHA command of redis_script() names; NULL for any other command.
 */
const struct embedded_file *redis_script_of(const struct redis_command *cmd);

/* redis_pipe.c: one round trip on this connection. *lost tells that the connection is of no use any more. */
bool redis_pipe(redisContext *c, const struct redis_command *commands, size_t n, struct arena *mem,
                struct redis_reply *replies, bool *lost, struct err *err) MUST_CHECK;

#endif
