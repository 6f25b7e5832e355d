/* What the web program counts of its requests. */
#ifndef HTTP_MEASURE_H
#define HTTP_MEASURE_H

#include "http/exchange.h"

/* Opens the metrics with a row for each route. A fault is told in the log: the program runs without them. */
void measure_open(const struct config *config);
/* Once an exchange, when its answer is known. err: why it is one of an error, or NULL. */
void measure_answer(const struct exchange *x, const struct err *err);

#endif
