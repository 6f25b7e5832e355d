#include "finance/imports/rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "finance/events.h"
#include "finance/expense.h"
#include "finance/ledger.h"
#include "finance/nova/fold.h"
#include "service/pattern.h"
#include "store/category.h"

enum {
    REGEX_BUDGET_MS = 4000, /* of one file, or one step */
    STEP_ROWS = 10000,      /* looked at in one transaction */
    STEP_MOVES = 200,       /* of them those whose jar changes: each posts entries of its own */
    SCRATCH_FIRST = 64 * 1024,
    SCRATCH_MAX = 4 * 1024 * 1024
};

struct rules {
    struct import_rule_list list;
    struct text folded[IMPORT_RULE_MAX];       /* of those that contain */
    struct pattern *patterns[IMPORT_RULE_MAX]; /* of regular expressions; NULL also once one gave up */
    bool has_regex;
    int64_t spent_ms;
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "Out of memory");
}

static bool prepare(struct rules *r, struct arena *mem, struct err *err)
{
    for (size_t i = 0; i < r->list.count; i++) {
        const struct import_rule *rule = &r->list.items[i];
        if (rule->is_regex) {
            r->has_regex = true;
            r->patterns[i] = pattern_new(rule->pattern, err);
            if (!r->patterns[i])
                return false;
        } else {
            r->folded[i] = nova_fold(rule->pattern, mem);
            if (!r->folded[i].p)
                return no_memory(err);
        }
    }
    return true;
}

struct rules *rules_load(struct scope *s, struct err *err)
{
    struct rules *r = calloc(1, sizeof *r);
    if (!r) {
        no_memory(err);
        return NULL;
    }
    if (import_rule_list(s->db, s->household_id, s->mem, &r->list, err) && prepare(r, s->mem, err))
        return r;
    rules_free(r);
    return NULL;
}

void rules_free(struct rules *r)
{
    for (size_t i = 0; r && i < IMPORT_RULE_MAX; i++)
        pattern_free(r->patterns[i]);
    free(r);
}

/* An expression that takes too many steps for one text is left out from then on. */
static bool matches(struct rules *r, size_t i, struct text text, struct text folded)
{
    bool gave_up = false;
    if (!r->list.items[i].is_regex)
        return memmem(folded.p, folded.n, r->folded[i].p, r->folded[i].n) != NULL;
    bool found = r->patterns[i] && pattern_matches(r->patterns[i], text, &gave_up);
    if (gave_up) {
        pattern_free(r->patterns[i]);
        r->patterns[i] = NULL;
    }
    return found;
}

static const struct import_rule *first_of(struct rules *r, struct text text, struct text folded, bool income)
{
    for (size_t i = 0; i < r->list.count; i++) {
        int64_t kind = r->list.items[i].kind;
        if ((kind < 0 || (kind == KIND_INCOME) == income) && matches(r, i, text, folded))
            return &r->list.items[i];
    }
    return NULL;
}

bool rules_pick(struct rules *r, struct text text, bool income, struct arena *scratch, const struct import_rule **rule,
                struct err *err)
{
    *rule = NULL;
    if (!r->list.count)
        return true;
    struct text folded = nova_fold(text, scratch);
    if (!folded.p)
        return no_memory(err);
    int64_t begun = r->has_regex ? clock_monotonic_ms() : 0;
    *rule = first_of(r, text, folded, income);
    r->spent_ms += r->has_regex ? clock_monotonic_ms() - begun : 0;
    return r->spent_ms <= REGEX_BUDGET_MS || err_field(err, "pattern", "Các biểu thức chính quy chạy quá lâu");
}

/* ---- what a rule may say ---- */

static bool check_refs(struct scope *s, struct import_rule *rule, struct err *err)
{
    struct transaction_refs refs;
    if (!transaction_refs(s->db, s->household_id, s->user_id, rule->category_id, rule->jar_id, s->mem, &refs, err))
        return false;
    if (rule->category_id && refs.category_type < 0)
        return err_set(err, ERR_NOT_FOUND, "There is no such category");
    if (rule->jar_id && !refs.jar_found)
        return err_set(err, ERR_NOT_FOUND, "There is no such jar");
    int64_t kind = rule->category_id && refs.category_type == CATEGORY_INCOME ? KIND_INCOME : KIND_EXPENSE;
    if (!rule->category_id && !rule->jar_id)
        return true;
    if (rule->jar_id && kind == KIND_INCOME)
        return err_field(err, "jarId", "Chỉ khoản chi mới có hũ chi trả");
    if (rule->kind >= 0 && rule->kind != kind)
        return err_field(err, "kind", "Không hợp với danh mục hoặc hũ");
    rule->kind = kind;
    return true;
}

bool rule_check(struct scope *s, struct import_rule *rule, struct err *err)
{
    struct pattern *p = NULL;
    if (!rule->category_id && !rule->jar_id && !rule->name.n)
        return err_field(err, "categoryId", "Cần danh mục, hũ hoặc tên");
    if (rule->is_regex && !(p = pattern_new(rule->pattern, err)))
        return false;
    pattern_free(p);
    return check_refs(s, rule, err);
}

/* ---- to the past ---- */

struct applying {
    struct scope *s;
    struct rules *rules;
    struct arena *scratch; /* of one row */
    int32_t first_moved;   /* day; 0: none */
    struct imported changed[IMPORTED_SET_MAX];
    size_t changed_count;
    int64_t moves;
};

/* A change of the jar goes the way of any change of an expense, in memory of its own. */
static bool move(struct applying *a, const struct imported *now, struct err *err)
{
    struct scope one = *a->s;
    struct transaction t;
    one.mem = a->scratch;
    one.recalculates_later = true;
    if (!transaction_find(one.db, one.household_id, now->id, one.mem, &t, err))
        return false;
    struct expense_input in = {.name = now->name,
                               .icon = t.icon,
                               .note = t.note,
                               .receipt_location = t.receipt_location,
                               .receipt_image_url = t.receipt_image_url,
                               .category_id = now->category_id,
                               .jar_id = now->jar_id,
                               .amount = t.amount,
                               .occurred_on = t.occurred_on};
    bool ok = expense_change(&one, &in, &t, err) && imported_keep(one.db, one.household_id, now, err);
    a->s->outbox_rows = one.outbox_rows;
    a->moves++;
    a->first_moved = !a->first_moved || t.occurred_on < a->first_moved ? t.occurred_on : a->first_moved;
    arena_reset(a->scratch);
    return ok;
}

static bool is_alive(struct scope *s, const struct import_rule *rule, const struct imported *t, bool *alive,
                     struct err *err)
{
    struct transaction_refs refs;
    if (!transaction_refs(s->db, s->household_id, s->user_id, rule->category_id ? rule->category_id : t->category_id,
                          rule->jar_id, s->mem, &refs, err))
        return false;
    *alive = refs.category_type >= 0 && (!rule->jar_id || refs.jar_found);
    return true;
}

static bool apply_one(struct applying *a, const struct imported *t, int64_t *changed, struct err *err)
{
    const struct import_rule *rule;
    bool alive = false;
    if (!rules_pick(a->rules, t->text, t->income, a->scratch, &rule, err))
        return false;
    arena_reset(a->scratch);
    if (!rule)
        return true;
    struct imported now = *t;
    now.category_id = rule->category_id ? rule->category_id : t->category_id;
    now.jar_id = rule->jar_id ? rule->jar_id : t->jar_id;
    now.name = rule->name.n ? rule->name : t->name;
    bool moved = now.jar_id != t->jar_id;
    if (!moved && now.category_id == t->category_id && text_eq(now.name, t->name))
        return true;
    /* What a rule names may be gone since it was made. */
    if (!is_alive(a->s, rule, t, &alive, err))
        return false;
    if (!alive)
        return true;
    ++*changed;
    if (moved)
        return move(a, &now, err);
    a->changed[a->changed_count++] = now;
    return true;
}

static bool apply_page(struct applying *a, const struct imported_list *page, struct rules_applied *out, size_t *done,
                       struct err *err)
{
    a->changed_count = 0;
    for (*done = 0; *done < page->count && a->moves < STEP_MOVES; ++*done)
        if (!apply_one(a, &page->items[*done], &out->changed, err))
            return false;
    out->scanned += (int64_t)*done;
    return imported_update_set(a->s->db, a->s->household_id, a->changed, a->changed_count, a->s->now_ms, err);
}

static bool go_on_later(struct scope *s, int32_t after_day, int64_t after_id, struct err *err)
{
    char day[DATE_TEXT_MAX];
    date_format(after_day, day);
    char *data = arena_printf(s->mem, "{\"afterDay\":\"%s\",\"afterId\":%" PRId64 "}", day, after_id);
    return data ? event_record(s, EVENT_IMPORT_RULES, s->household_id, text_of(data), NULL, err) : no_memory(err);
}

static bool apply_step(struct applying *a, int32_t after_day, int64_t after_id, struct rules_applied *out,
                       struct err *err)
{
    struct scope *s = a->s;
    struct imported_list page;
    size_t done;
    do {
        if (!imported_list(s->db, s->household_id, after_day, after_id, IMPORTED_SET_MAX, s->mem, &page, err) ||
            !apply_page(a, &page, out, &done, err))
            return false;
        if (!done)
            return true;
        after_day = page.items[done - 1].occurred_on;
        after_id = page.items[done - 1].id;
        out->more = done < page.count || page.count == IMPORTED_SET_MAX;
    } while (out->more && out->scanned < STEP_ROWS && a->moves < STEP_MOVES);
    return !out->more || go_on_later(s, after_day, after_id, err);
}

bool rules_apply(struct scope *s, int32_t after_day, int64_t after_id, struct rules_applied *out, struct err *err)
{
    *out = (struct rules_applied){0};
    struct applying *a = calloc(1, sizeof *a);
    if (!a)
        return no_memory(err);
    a->s = s;
    a->rules = rules_load(s, err);
    a->scratch = arena_new(SCRATCH_FIRST, SCRATCH_MAX);
    bool ok = a->rules && (a->scratch || no_memory(err)) && apply_step(a, after_day, after_id, out, err) &&
              (!a->first_moved || date_month(a->first_moved) >= date_month(s->today) ||
               ledger_recalculate_later(s, date_month(a->first_moved), err));
    rules_free(a->rules);
    arena_free(a->scratch);
    free(a);
    return ok;
}
