/* What the rows of tools.c do. Each fills the whole result, with the defaults of its arguments. Reads only. */
#ifndef FINANCE_TOOLS_RUN_H
#define FINANCE_TOOLS_RUN_H

#include "finance/tools.h"

typedef bool tool_fn(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err);

enum { TOOL_LIMIT_DEFAULT = 5, TOOL_LIMIT_MAX = 50 };

tool_fn tool_totals;
tool_fn tool_by_category;
tool_fn tool_by_jar;
tool_fn tool_by_month;
tool_fn tool_average;
tool_fn tool_biggest;
tool_fn tool_latest;
tool_fn tool_compare;
tool_fn tool_balances;
tool_fn tool_jar_left;
tool_fn tool_afford;

/* Fills in defaults and starts a result under the tool's name: kind expense, the current month. For the functions
   above. */
void tool_begin(const struct scope *s, const char *name, const struct tool_arguments *arguments,
                struct tool_result *out);
/* NULL when it is full. */
struct tool_figure *tool_add_figure(struct tool_result *out);

#endif
