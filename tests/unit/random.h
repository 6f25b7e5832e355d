/* Seeded random cases: the same in every run, so that a failure can be looked at again. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline struct random random_seeded(uint64_t seed)
{
    return (struct random){seed * UINT64_C(0x9E3779B97F4A7C15) + 1};
}

/* xorshift64* */
static inline uint64_t random_next(struct random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(0x2545F4914F6CDD1D);
}

/* In [0, bound); a bound of 0 gives 0. */
static inline int64_t random_up_to(struct random *r, int64_t bound)
{
    return bound > 0 ? (int64_t)(random_next(r) % (uint64_t)bound) : 0;
}

/* Magnitudes from a few units to the largest int64, each size as likely as the others. */
static inline int64_t random_magnitude(struct random *r)
{
    unsigned shift = (unsigned)(1 + random_next(r) % 63);
    return (int64_t)(random_next(r) >> shift);
}

#endif
