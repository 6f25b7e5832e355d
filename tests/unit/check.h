/* cmocka with what it needs before it, and checks for our own types. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

/* Texts are compared with their length. */
#define assert_text(actual, expected)                                                                                  \
    do {                                                                                                               \
        struct text actual_ = (actual);                                                                                \
        const char *expected_ = (expected);                                                                            \
        if (!text_eq(actual_, text_of(expected_)) || !actual_.p)                                                       \
            fail_msg("%s is \"%.*s\", not \"%s\"", #actual, TEXT_ARG(actual_), expected_);                             \
    } while (0)

#endif
