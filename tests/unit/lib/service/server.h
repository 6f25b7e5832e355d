/* Real servers for the tests of the database and Redis clients: private ones on sockets in a temporary folder. */
#ifndef TESTS_SERVICE_SERVER_H
#define TESTS_SERVICE_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server {
    char folder[64];
    char socket[96];
    pid_t pid; /* 0: not running */
    bool redis;
};

/* Starts it and waits until it answers; ends the test program when it does not. A MariaDB without accounts. */
void server_start_mariadb(struct server *s);
void server_start_redis(struct server *s);
/* Ends it at once (SIGKILL), keeps its files. */
void server_kill(struct server *s);
/* On the same files and socket. */
void server_restart(struct server *s);
/* Kills it and removes the folder. */
void server_remove(struct server *s);
/* SIGSTOP and SIGCONT: the connections stay, nothing answers. */
void server_freeze(struct server *s);
void server_thaw(struct server *s);

#endif
