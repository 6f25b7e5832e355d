#ifndef HANDLERS_HEALTH_H
#define HANDLERS_HEALTH_H

#include "http/route.h"

handler_fn health, status;

#endif
