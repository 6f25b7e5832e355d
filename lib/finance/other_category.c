#include "finance/other_category.h"

#include "finance/proposal_match.h"

bool other_category(struct scope *s, const struct category_list *list, enum category_type type, struct category *out,
                    struct err *err)
{
    struct category made = {.name = TEXT("Khác"), .type = type};
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].type == (int64_t)type &&
            (text_eq(list->items[i].name, made.name) || match_is_same(list->items[i].name, made.name, s->mem))) {
            *out = list->items[i];
            return true;
        }
    if (list->count >= CATEGORY_MAX)
        return err_set(err, ERR_CONFLICT, "There are too many categories");
    if (!category_insert(s->db, s->household_id, &made, s->now_ms, err))
        return false;
    *out = made;
    return true;
}
