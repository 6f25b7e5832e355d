#define PCRE2_CODE_UNIT_WIDTH 8
#include "service/pattern.h"

#include <pcre2.h>
#include <stdlib.h>

enum { STEPS_MAX = 5000, DEPTH_MAX = 250, HEAP_MAX_KIB = 256, NEST_MAX = 20 };

struct pattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

static pcre2_code *compile(struct text source, int *fault)
{
    PCRE2_SIZE at;
    pcre2_compile_context *limits = pcre2_compile_context_create(NULL);
    if (!limits)
        return NULL;
    pcre2_set_max_pattern_length(limits, 4 * PATTERN_MAX);
    pcre2_set_parens_nest_limit(limits, NEST_MAX);
    pcre2_code *code = pcre2_compile(
        (PCRE2_SPTR)source.p, source.n,
        PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_BACKSLASH_C, fault, &at, limits);
    pcre2_compile_context_free(limits);
    return code;
}

struct pattern *pattern_new(struct text source, struct err *err)
{
    int fault = 0;
    struct pattern *p = calloc(1, sizeof *p);
    if (p)
        p->code = compile(source, &fault);
    if (p && !p->code && fault) {
        pattern_free(p);
        err_field(err, "pattern", "Biểu thức chính quy không hợp lệ");
        return NULL;
    }
    if (p && p->code) {
        p->match = pcre2_match_data_create(1, NULL);
        p->limits = pcre2_match_context_create(NULL);
    }
    if (!p || !p->match || !p->limits) {
        pattern_free(p);
        err_set(err, ERR_NO_MEMORY, "Out of memory");
        return NULL;
    }
    pcre2_set_match_limit(p->limits, STEPS_MAX);
    pcre2_set_depth_limit(p->limits, DEPTH_MAX);
    pcre2_set_heap_limit(p->limits, HEAP_MAX_KIB);
    return p;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    pcre2_match_context_free(p->limits);
    pcre2_match_data_free(p->match);
    pcre2_code_free(p->code);
    free(p);
}

bool pattern_matches(const struct pattern *p, struct text subject, bool *gave_up)
{
    int found = pcre2_match(p->code, (PCRE2_SPTR)(subject.p ? subject.p : ""), subject.n, 0, PCRE2_NO_UTF_CHECK,
                            p->match, p->limits);
    if (gave_up)
        *gave_up = found < 0 && found != PCRE2_ERROR_NOMATCH;
    return found >= 0;
}
