/* The category of what fits nowhere: `Khác`, made when the household has none of that type. Inside a command. */
#ifndef FINANCE_OTHER_CATEGORY_H
#define FINANCE_OTHER_CATEGORY_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "finance/scope.h"
#include "store/category.h"

/* list: the household's, as category_list read it. ERR_CONFLICT when it may have no more. */
bool other_category(struct scope *s, const struct category_list *list, enum category_type type, struct category *out,
                    struct err *err) MUST_CHECK;

#endif
