#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/*
 * Included by force into every source of the programs: functions that cannot be used safely, or that depend on hidden
 * state (locale, static buffers, process-wide time zone). Use base/buf.h and base/text.h to build and read text,
 * base/date.h for calendars, and libsodium for random numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED __attribute__((unavailable("see base/banned.h")))

BANNED char *strcpy(char *, const char *);
BANNED char *strncpy(char *, const char *, size_t);
BANNED char *strcat(char *, const char *);
BANNED char *strncat(char *, const char *, size_t);
BANNED char *strtok(char *, const char *);
BANNED int sprintf(char *, const char *, ...);
BANNED int vsprintf(char *, const char *, __builtin_va_list);
BANNED int atoi(const char *);
BANNED long atol(const char *);
BANNED long long atoll(const char *);
BANNED double atof(const char *);
BANNED long strtol(const char *, char **, int);
BANNED unsigned long strtoul(const char *, char **, int);
BANNED struct tm *gmtime(const time_t *);
BANNED struct tm *localtime(const time_t *);
BANNED char *ctime(const time_t *);
BANNED char *asctime(const struct tm *);
BANNED int rand(void);
BANNED void srand(unsigned int);

#undef BANNED

#endif
