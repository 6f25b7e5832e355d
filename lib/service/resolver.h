/*
 * How long the look-up of a host's name may take. The C library waits five seconds, twice, for each name server that
 * does not answer: longer than a request may take, and the database's and Redis's limits for connecting begin only
 * after it.
 */
#ifndef SERVICE_RESOLVER_H
#define SERVICE_RESOLVER_H

/* One second, twice, unless RES_OPTIONS says otherwise. Before the first thread and the first look-up. */
void resolver_limit(void);

#endif
