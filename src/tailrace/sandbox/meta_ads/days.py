"""Which days an insights request is about, and the periods that its rows stand for."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from tailrace.sandbox.meta_ads.call import Call
from tailrace.sandbox.meta_ads.errors import invalid

LAST_DAYS = {f"last_{days}d": days for days in (3, 7, 14, 28, 30, 90)}
LONGEST = 1127
"""Days that insights reach back: 37 months."""


def days_asked(call: Call, today: date) -> tuple[date, date]:
    """First and last day, from `time_range` or `date_preset`; by default the last 30 days without today."""
    given = call.document("time_range")
    if given is None:
        return _preset(call.text("date_preset") or "last_30d", today)
    if not isinstance(given, dict) or set(given) != {"since", "until"}:
        raise invalid("param time_range must have the keys since and until.")
    since, until = _day(given["since"], "since"), _day(given["until"], "until")
    if since > until:
        raise invalid("time_range[since] must be before time_range[until]")
    if since < today - timedelta(days=LONGEST):
        raise invalid("The start date of the time range cannot be beyond 37 months from the current date")
    return since, until


def _day(text: object, name: str) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise invalid(f"time_range[{name}] must be a valid date in the format of YYYY-MM-DD") from None


def _preset(name: str, today: date) -> tuple[date, date]:
    yesterday = today - timedelta(days=1)
    if name in LAST_DAYS:
        return today - timedelta(days=LAST_DAYS[name]), yesterday
    month = today.replace(day=1)
    known = {
        "today": (today, today),
        "yesterday": (yesterday, yesterday),
        "this_month": (month, today),
        "last_month": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
        "this_year": (today.replace(month=1, day=1), today),
        "maximum": (today - timedelta(days=LONGEST), today),
    }
    if name not in known:
        choices = ", ".join((*known, *LAST_DAYS))
        raise invalid(f"date_preset must be one of the following values: {choices}")
    return known[name]


def period_of(day: str, since: date, until: date, increment: str) -> tuple[str, str]:
    """The period that a day falls in: all of them, its month, or so many days counted from the first."""
    if increment == "1":
        return day, day
    if increment == "all_days":
        return since.isoformat(), until.isoformat()
    found = date.fromisoformat(day)
    if increment == "monthly":
        begin = found.replace(day=1)
        end = found.replace(day=monthrange(found.year, found.month)[1])
    else:
        length = int(increment)
        begin = since + timedelta(days=(found - since).days // length * length)
        end = begin + timedelta(days=length - 1)
    return max(begin, since).isoformat(), min(end, until).isoformat()
