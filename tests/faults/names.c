/* A name service for tests, loaded before libc: the address of NAME.test is the target of the symbolic link NAME.test
 * in the folder MM_NAMES. It is read at every look-up, so a name moves in one step, as the name of a database's
 * endpoint does, and connections that exist stay where they are. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int look_up(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    char link[4096], address[64];
    const char *folder = getenv("MM_NAMES");
    size_t length = node ? strlen(node) : 0;
    look_up *next;
    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");

    if (!folder || length < 5 || strcmp(node + length - 5, ".test") != 0)
        return next(node, service, hints, result);
    snprintf(link, sizeof link, "%s/%s", folder, node);
    ssize_t n = readlink(link, address, sizeof address - 1);
    if (n <= 0)
        return EAI_NONAME;
    address[n] = '\0';
    return next(address, service, hints, result);
}
