/*
 * One writer of a household at a time within this process: those who wait for the household's lock wait here, without a
 * database connection, so that a household with many writes at once leaves the connections to the others. Between
 * processes the lock itself decides.
 */
#ifndef HTTP_TURNS_H
#define HTTP_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct turns;

struct turns *turns_new(void) MUST_CHECK; /* NULL without memory */
void turns_free(struct turns *turns);
/* False when the turn did not come within wait_ms (0: only if it is free). Households may share a turn. */
bool turn_take(struct turns *turns, int64_t household, int wait_ms) MUST_CHECK;
void turn_give(struct turns *turns, int64_t household);

#endif
