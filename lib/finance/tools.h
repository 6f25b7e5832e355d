/*
 * The assistant's tools: every figure it tells comes from one of these, run under the caller's household. One tool is
 * one row of the table in tools.c (name, description and JSON schema of its parameters for a provider, function).
 * Budgets, goals and forecasts add rows.
 */
#ifndef FINANCE_TOOLS_H
#define FINANCE_TOOLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "finance/scope.h"

/* What a tool is asked; all optional: 0, -1 or TEXT_NONE are "not asked". Periods are inclusive days; the default is
 * the current month. */
struct tool_arguments {
    int32_t from, to, other_from, other_to;
    int64_t kind; /* enum transaction_kind; -1: any */
    int64_t category_id, jar_id;
    int64_t amount, limit;
};

enum { TOOL_FIGURES_MAX = 64 };

struct tool_figure {
    int64_t id;        /* of the category, jar or transaction; 0: none */
    struct text label; /* "Ăn uống", "2026-10", "Nhu cầu thiết yếu" */
    int64_t amount;    /* minor units */
    int64_t count;     /* transactions behind it; -1: none to tell */
    int32_t date;      /* of a single transaction; 0: none */
    int64_t other;     /* a second amount: what is left, the other month; meaning by the tool's row */
};

struct tool_result {
    const char *tool;
    struct tool_arguments arguments; /* as used, defaults filled in */
    int64_t total;
    int64_t other_total;
    struct tool_figure figures[TOOL_FIGURES_MAX];
    size_t figure_count;
};

struct tool {
    const char *name;        /* "spending_by_category" */
    const char *description; /* for a provider's model, English */
    const char *parameters;  /* JSON schema text */
    bool (*run)(struct scope *s, const struct tool_arguments *arguments, struct tool_result *out, struct err *err);
};

extern const struct tool TOOLS[];
extern const size_t TOOL_COUNT;

const struct tool *tool_find(struct text name);
/* Arguments as a model wrote them (untrusted): ERR_VALIDATION for anything that does not fit the schema. */
bool tool_read_arguments(const struct json_node *arguments, const struct currency *cur, struct tool_arguments *out,
                         struct err *err) MUST_CHECK;
/* {tool, arguments{}, total, other, figures[{id, label, amount, other, count, date}]}: for a model, and as an element
 * of `sources`. What `total` and `other` are is in the tool's description. */
void tool_write_json(struct json_out *j, const struct tool_result *r, const struct currency *cur);

#endif
