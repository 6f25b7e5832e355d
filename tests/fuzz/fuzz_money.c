/* Amounts and percentages: what is read is written as the same value, exactly. */
#include "fuzz.h"

#include <inttypes.h>

#include "base/money.h"

__extension__ typedef __int128 wide;

static void check_amount(struct text t, const struct currency *cur)
{
    int64_t minor = 42, again = 0;
    char out[MONEY_TEXT_MAX], human[64];
    if (money_parse(t, cur, &minor) != MONEY_OK) {
        CHECK(minor == 42);
        return;
    }
    size_t n = money_format(minor, cur, out);
    CHECK(n < sizeof out && out[n] == '\0');
    CHECK(money_parse((struct text){out, n}, cur, &again) == MONEY_OK && again == minor);
    CHECK(money_format_human(minor, cur, true, human, sizeof human) < sizeof human);
    CHECK(money_format_human(minor, cur, false, human, 4) < 4);
}

static void check_percent(struct text t)
{
    int32_t bp = 42, again = 0;
    char out[MONEY_TEXT_MAX];
    if (!percent_parse(t, &bp))
        return;
    size_t n = percent_format(bp, out);
    CHECK(percent_parse((struct text){out, n}, &again) && again == bp);
}

/* The parts always add up to the whole. */
static void check_split(struct text t)
{
    int64_t total = 0, weights[16], parts[16], weight_sum = 0, sum = 0;
    size_t count = 0;
    struct text one;
    if (!text_split(&t, ',', &one) || !text_to_int64(one, &total) || total < 0)
        return;
    while (count < ARRAY_LEN(weights) && text_split(&t, ',', &one)) {
        if (!text_to_int64(one, &weights[count]) || weights[count] < 0 ||
            __builtin_add_overflow(weight_sum, weights[count], &weight_sum))
            return;
        count++;
    }
    if (!count || !money_split(total, weights, count, 10000, parts))
        return;
    for (size_t i = 0; i < count; i++) {
        CHECK(parts[i] >= 0 && (weights[i] > 0 || parts[i] == 0));
        CHECK(money_add(sum, parts[i], &sum));
    }
    CHECK(weight_sum < 10000 ? sum == (int64_t)((wide)total * weight_sum / 10000) : sum == total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const CODES[] = {"VND", "USD", "JPY", "KWD"};
    struct text t = fuzz_copy(data, size);
    int64_t whole;
    for (size_t i = 0; i < ARRAY_LEN(CODES); i++) {
        const struct currency *cur = currency_find(text_of(CODES[i]));
        if (cur)
            check_amount(t, cur);
    }
    CHECK(!currency_find(t) || t.n == 3);
    check_percent(t);
    check_split(t);
    if (text_to_int64(t, &whole)) {
        char out[24];
        snprintf(out, sizeof out, "%" PRId64, whole);
        CHECK(strtoll(out, NULL, 10) == whole);
    }
    fuzz_free(t);
    return 0;
}
