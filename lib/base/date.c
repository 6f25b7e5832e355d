#include "base/date.h"

#include <stdio.h>

enum {
    YEAR_MIN = 1970,
    YEAR_MAX = 2100,
    DAYS_IN_ERA = 146097, /* 400 Gregorian years */
    MS_IN_SECOND = 1000,
    MS_IN_DAY = 86400000
};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int days_in_month(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12)
        return 0;
    return month == 2 && is_leap(year) ? 29 : DAYS[month - 1];
}

bool date_make(int year, int month, int day, int32_t *ymd)
{
    if (year < YEAR_MIN || year > YEAR_MAX || day < 1 || day > days_in_month(year, month))
        return false;
    *ymd = year * 10000 + month * 100 + day;
    return true;
}

/* Exactly `count` digits at `at`. */
static bool digits(struct text t, size_t at, size_t count, int *out)
{
    if (t.n < at + count)
        return false;
    int v = 0;
    for (size_t i = at; i < at + count; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        v = v * 10 + (t.p[i] - '0');
    }
    *out = v;
    return true;
}

static bool char_at(struct text t, size_t at, char c)
{
    return at < t.n && t.p[at] == c;
}

static bool year_month_day(struct text t, int *year, int *month, int *day)
{
    return digits(t, 0, 4, year) && char_at(t, 4, '-') && digits(t, 5, 2, month) && char_at(t, 7, '-') &&
           digits(t, 8, 2, day);
}

bool date_parse(struct text t, int32_t *ymd)
{
    int year, month, day;
    return t.n == 10 && year_month_day(t, &year, &month, &day) && date_make(year, month, day, ymd);
}

bool month_parse(struct text t, int32_t *ym)
{
    int year, month;
    if (t.n != 7 || !digits(t, 0, 4, &year) || !char_at(t, 4, '-') || !digits(t, 5, 2, &month))
        return false;
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12)
        return false;
    *ym = year * 100 + month;
    return true;
}

static size_t written(int n, size_t cap)
{
    return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

/* `width` digits of v and the character after them: lists hold thousands of dates, so printf is left out. */
static char *put_digits(char *at, int v, size_t width, char after)
{
    for (size_t i = width; i-- > 0; v /= 10)
        at[i] = (char)('0' + v % 10);
    at[width] = after;
    return at + width + 1;
}

static bool four_digits(int year)
{
    return year >= 0 && year <= 9999;
}

static size_t put_date(char *out, int year, int month, int day, char after)
{
    char *at = put_digits(out, year, 4, '-');
    at = put_digits(at, month, 2, '-');
    at = put_digits(at, day, 2, after);
    return (size_t)(at - out);
}

size_t date_format(int32_t ymd, char out[DATE_TEXT_MAX])
{
    if (four_digits(ymd / 10000) && ymd >= 0)
        return put_date(out, ymd / 10000, ymd / 100 % 100, ymd % 100, '\0') - 1;
    return written(snprintf(out, DATE_TEXT_MAX, "%04d-%02d-%02d", ymd / 10000, ymd / 100 % 100, ymd % 100),
                   DATE_TEXT_MAX);
}

size_t month_format(int32_t ym, char out[DATE_TEXT_MAX])
{
    return written(snprintf(out, DATE_TEXT_MAX, "%04d-%02d", ym / 100, ym % 100), DATE_TEXT_MAX);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years are counted from March, so that the leap day is the last of its year; eras have 400 of them. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_IN_ERA + day_of_era - 719468; /* 1970-01-01 counted from 0000-03-01 */
}

static void from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = floor_div(z, DAYS_IN_ERA);
    int64_t doe = z - era * DAYS_IN_ERA;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

int32_t date_days(int32_t ymd)
{
    return (int32_t)days_of(ymd / 10000, ymd / 100 % 100, ymd % 100);
}

int32_t date_from_days(int32_t days)
{
    int year, month, day;
    from_days(days, &year, &month, &day);
    return year * 10000 + month * 100 + day;
}

int32_t month_add(int32_t ym, int months)
{
    int64_t count = (int64_t)(ym / 100) * 12 + ym % 100 - 1 + months;
    int64_t year = floor_div(count, 12);
    return (int32_t)(year * 100 + (count - year * 12) + 1);
}

int32_t month_first_day(int32_t ym)
{
    return ym * 100 + 1;
}

int32_t month_last_day(int32_t ym)
{
    return ym * 100 + days_in_month(ym / 100, ym % 100);
}

struct instant_parts instant_split(int64_t ms)
{
    int64_t days = floor_div(ms, MS_IN_DAY);
    int64_t rest = ms % MS_IN_DAY + (ms % MS_IN_DAY < 0 ? MS_IN_DAY : 0);
    struct instant_parts p = {
        .hour = (int)(rest / 3600000),
        .minute = (int)(rest / 60000 % 60),
        .second = (int)(rest / MS_IN_SECOND % 60),
        .millis = (int)(rest % MS_IN_SECOND),
    };
    from_days(days, &p.year, &p.month, &p.day);
    return p;
}

int64_t instant_join(struct instant_parts p)
{
    int64_t seconds = (int64_t)p.hour * 3600 + (int64_t)p.minute * 60 + p.second;
    return days_of(p.year, p.month, p.day) * MS_IN_DAY + seconds * MS_IN_SECOND + p.millis;
}

size_t instant_format(int64_t ms, char out[INSTANT_TEXT_MAX])
{
    struct instant_parts p = instant_split(ms);
    if (four_digits(p.year)) {
        char *at = out + put_date(out, p.year, p.month, p.day, 'T');
        at = put_digits(at, p.hour, 2, ':');
        at = put_digits(at, p.minute, 2, ':');
        at = put_digits(at, p.second, 2, '.');
        at = put_digits(at, p.millis, 3, 'Z');
        *at = '\0';
        return (size_t)(at - out);
    }
    return written(snprintf(out, INSTANT_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", p.year, p.month, p.day,
                            p.hour, p.minute, p.second, p.millis),
                   INSTANT_TEXT_MAX);
}

/* ".123456": digits beyond milliseconds are dropped. */
static bool fraction(struct text t, size_t *at, int *millis)
{
    *millis = 0;
    if (!char_at(t, *at, '.'))
        return true;
    size_t start = ++*at;
    int unit = 100;
    for (int digit; digits(t, *at, 1, &digit); ++*at) {
        *millis += digit * unit;
        unit /= 10;
    }
    return *at > start;
}

/* "Z" or "+07:00" up to the end of the text. */
static bool offset_minutes(struct text t, size_t at, int *minutes)
{
    *minutes = 0;
    if (char_at(t, at, 'Z') || char_at(t, at, 'z'))
        return t.n == at + 1;
    int hour, minute;
    bool west = char_at(t, at, '-');
    if (!west && !char_at(t, at, '+'))
        return false;
    if (t.n != at + 6 || !digits(t, at + 1, 2, &hour) || !char_at(t, at + 3, ':') || !digits(t, at + 4, 2, &minute))
        return false;
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return hour <= 23 && minute <= 59;
}

bool instant_parse(struct text t, int64_t *ms)
{
    struct instant_parts p = {0};
    if (!year_month_day(t, &p.year, &p.month, &p.day) || p.day < 1 || p.day > days_in_month(p.year, p.month))
        return false;
    if (!char_at(t, 10, 'T') && !char_at(t, 10, 't') && !char_at(t, 10, ' '))
        return false;
    if (!digits(t, 11, 2, &p.hour) || !char_at(t, 13, ':') || !digits(t, 14, 2, &p.minute) || !char_at(t, 16, ':') ||
        !digits(t, 17, 2, &p.second))
        return false;
    /* Second 60 is a leap second; it counts as the next second, as POSIX time has none. */
    if (p.hour > 23 || p.minute > 59 || p.second > 60)
        return false;
    size_t at = 19;
    int minutes;
    if (!fraction(t, &at, &p.millis) || !offset_minutes(t, at, &minutes))
        return false;
    *ms = instant_join(p) - (int64_t)minutes * 60 * MS_IN_SECOND;
    return true;
}
