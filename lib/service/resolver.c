#include "service/resolver.h"

#include <stdlib.h>

void resolver_limit(void)
{
    enum { KEEP_GIVEN = 0 };
    setenv("RES_OPTIONS", "timeout:1 attempts:2", KEEP_GIVEN);
}
