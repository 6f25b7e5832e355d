/* Dates, months and instants: what is read exists, and is written as it was read. */
#include "fuzz.h"

#include "base/date.h"
#include "service/aws/call.h"

static void check_date(struct text t)
{
    int32_t ymd = 0, again = 0;
    char out[DATE_TEXT_MAX];
    if (!date_parse(t, &ymd))
        return;
    size_t n = date_format(ymd, out);
    CHECK(date_parse((struct text){out, n}, &again) && again == ymd);
    CHECK(text_eq((struct text){out, n}, t));
    CHECK(date_from_days(date_days(ymd)) == ymd);
    CHECK(month_first_day(date_month(ymd)) <= ymd && ymd <= month_last_day(date_month(ymd)));
}

static void check_month(struct text t)
{
    int32_t ym = 0;
    char out[DATE_TEXT_MAX];
    if (!month_parse(t, &ym))
        return;
    CHECK(text_eq((struct text){out, month_format(ym, out)}, t));
    CHECK(month_add(month_add(ym, 13), -13) == ym);
}

static void check_instant(struct text t)
{
    int64_t ms = 0, again = 0;
    char out[INSTANT_TEXT_MAX];
    if (!instant_parse(t, &ms))
        return;
    CHECK(instant_join(instant_split(ms)) == ms);
    size_t n = instant_format(ms, out);
    CHECK(n < sizeof out && out[n] == '\0');
    /* An offset may take the last hours of year 9999 beyond what four digits hold. */
    if (instant_split(ms).year <= 9999 && instant_split(ms).year >= 0)
        CHECK(instant_parse((struct text){out, n}, &again) && again == ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = fuzz_copy(data, size);
    static struct zone *zone;
    int64_t ms = 0;
    if (!zone)
        zone = zone_load("Asia/Ho_Chi_Minh");
    CHECK(zone);
    check_date(t);
    check_month(t);
    check_instant(t);
    if (instant_parse(t, &ms))
        zone_date(zone, ms);
    if (aws_date_parse(t, &ms))
        CHECK(instant_join(instant_split(ms)) == ms);
    fuzz_free(t);
    return 0;
}
