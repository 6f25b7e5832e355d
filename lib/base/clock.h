/* Only main programs read the clock and hand `now` on; tests fix it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);       /* wall clock, ms since the epoch (UTC) */
int64_t clock_monotonic_ms(void); /* for time-outs; never jumps */
int64_t clock_monotonic_us(void);
int64_t clock_thread_cpu_us(void);

#endif
