/* Categories (contract 3.4). */
#ifndef HANDLERS_CATEGORY_H
#define HANDLERS_CATEGORY_H

#include "http/route.h"

extern const struct body_def CATEGORY_BODY;

handler_fn categories_get, categories_by_type, category_post, category_put, category_delete;

#endif
