/* Days and periods as people say them, in Vietnamese and English: "hôm qua", "thứ hai tuần trước", "ngày 5/3", "tháng
 * trước", "last week", "in March". Pure. */
#ifndef FINANCE_NOVA_WHEN_H
#define FINANCE_NOVA_WHEN_H

#include <stdint.h>

#include "finance/nova/words.h"

struct when {
    int32_t from, to; /* ymd, inclusive; one day: the same */
};

enum { WHEN_MAX = 2 };

/* Finds up to WHEN_MAX of them in the order of the sentence and marks their words as used; returns how many. Days that
   do not exist are passed over. Never in the future for week days and bare days ("ngày 28" said on the 5th is last
   month's). */
size_t when_find(struct words *w, int32_t today, struct when out[WHEN_MAX]);

#endif
