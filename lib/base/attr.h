/* Compiler attributes with short names. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* AUTO(x) struct x *v = x_open(...): v is released by x_auto() when the scope is left, whatever the way. */
#define AUTO(type) __attribute__((cleanup(type##_auto)))

#endif
