/* The AWS stand-in of the local stack as a private process, for tests of what lies over AWS's services. */
#ifndef TESTS_STAND_IN_H
#define TESTS_STAND_IN_H

#include <stdbool.h>
#include <sys/types.h>

struct stand_in {
    char url[64];
    pid_t pid;
};

/* False when it is not installed (the project's Python environment is missing); ends the test program when it does not
 * start. Any key is the root's. */
bool stand_in_start(struct stand_in *s);
/* The same, but it checks signatures and policies of every key except the root's. */
#define STAND_IN_ROOT_KEY "AKIAROOTOFTHESTANDIN"
bool stand_in_start_strict(struct stand_in *s);
void stand_in_stop(struct stand_in *s);

#endif
