/* Opens what worker.h holds, from the settings. Nothing here waits for a server. */
#ifndef PARTS_H
#define PARTS_H

#include "base/attr.h"
#include "base/err.h"
#include "worker.h"

bool parts_open(struct worker *w, struct err *err) MUST_CHECK; /* w->config is loaded; on failure nothing stays open */
void parts_close(struct worker *w);
bool parts_migrate(struct worker *w, size_t *steps, struct err *err) MUST_CHECK;

#endif
