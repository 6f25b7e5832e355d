#include "finance/large.h"

#include "finance/events.h"

bool large_check(struct scope *s, const struct transaction *t, int64_t before, const struct transaction_refs *refs,
                 struct err *err)
{
    int64_t threshold = refs->large_amount > 0 ? refs->large_amount : s->large_amount_default;
    if (t->amount < threshold || before >= threshold)
        return true;
    return event_record(s, EVENT_TRANSACTION_LARGE, t->id, TEXT("{}"), NULL, err);
}
