"""Days and months as the server sees them: in Vietnam's time zone, which has no summer time."""

import datetime

ZONE = datetime.timezone(datetime.timedelta(hours=7))


def today():
    return datetime.datetime.now(ZONE).date()


def month(offset=0):
    """(year, month) that many months from this one."""
    day = today()
    index = day.year * 12 + day.month - 1 + offset
    return index // 12, index % 12 + 1


def day_in(offset=0, day=10):
    """A yyyy-MM-dd in the month that is `offset` months from this one."""
    return "{:04d}-{:02d}-{:02d}".format(*month(offset), day)


def month_text(offset=0):
    return "{:04d}-{:02d}".format(*month(offset))
