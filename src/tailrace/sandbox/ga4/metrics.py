"""GA4's dimensions and metrics as far as the sandbox computes them from sessions and events.

The names are the API's; a metric's type is what the API states in metricHeaders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

Row = dict[str, Any]

INTEGER, FLOAT, SECONDS = "TYPE_INTEGER", "TYPE_FLOAT", "TYPE_SECONDS"
TYPE_NUMBERS = {INTEGER: 1, FLOAT: 2, SECONDS: 4}
"""MetricType as `$alt=json;enum-encoding=int` has it, which Google's Python client asks for."""
NOT_SET = "(not set)"
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@dataclass(frozen=True)
class Metric:
    """How one metric of a group of rows is computed; `needs` are the columns that must be there."""

    type: str
    compute: Callable[[Sequence[Row]], float]
    needs: tuple[str, ...]


def _sum(column: str, kind: str = INTEGER) -> Metric:
    return Metric(kind, lambda rows: sum(row.get(column) or 0 for row in rows), (column,))


def _distinct(column: str) -> Metric:
    return Metric(INTEGER, lambda rows: len({row[column] for row in rows if row.get(column)}), (column,))


def _ratio(upper: Metric, lower: Metric) -> Metric:
    def compute(rows: Sequence[Row]) -> float:
        divisor = lower.compute(rows)
        return upper.compute(rows) / divisor if divisor else 0.0

    return Metric(FLOAT, compute, (*upper.needs, *lower.needs))


def _one_less(ratio: Metric) -> Metric:
    return Metric(FLOAT, lambda rows: 1 - ratio.compute(rows), ratio.needs)


USERS = _distinct("userPseudoId")


def metrics_of(sessions: Metric, engaged: Metric) -> dict[str, Metric]:
    """Every metric by name; sessions and engaged sessions are counted as the kind of rows asks."""
    views = _sum("screenPageViews")
    return {
        "sessions": sessions,
        "engagedSessions": engaged,
        "totalUsers": USERS,
        "activeUsers": USERS,
        "newUsers": _sum("newUsers"),
        "screenPageViews": views,
        "eventCount": _sum("eventCount"),
        "keyEvents": _sum("keyEvents", FLOAT),
        "conversions": _sum("keyEvents", FLOAT),
        "userEngagementDuration": _sum("userEngagementDuration", SECONDS),
        "engagementRate": _ratio(engaged, sessions),
        "bounceRate": _one_less(_ratio(engaged, sessions)),
        "sessionsPerUser": _ratio(sessions, USERS),
        "screenPageViewsPerSession": _ratio(views, sessions),
    }


SESSION_METRICS = metrics_of(_sum("sessions"), _sum("engagedSessions"))
EVENT_METRICS = metrics_of(_distinct("session"), _distinct("engagedSession"))

SESSION_DIMENSIONS = (
    "date",
    "sessionSource",
    "sessionMedium",
    "sessionCampaignName",
    "sessionDefaultChannelGroup",
    "country",
    "deviceCategory",
    "landingPage",
)
EVENT_DIMENSIONS = (
    "date",
    "eventName",
    "country",
    "city",
    "region",
    "deviceCategory",
    "operatingSystem",
    "browser",
    "language",
    "platform",
    "sessionSource",
    "sessionMedium",
    "sessionCampaignName",
    "sessionDefaultChannelGroup",
    "landingPage",
    "pageLocation",
    "pageTitle",
)
DERIVED: dict[str, Callable[[Row], str]] = {
    "year": lambda row: str(row["date"])[:4],
    "month": lambda row: str(row["date"])[4:6],
    "day": lambda row: str(row["date"])[6:8],
    "yearMonth": lambda row: str(row["date"])[:6],
    "dayOfWeek": lambda row: str(_weekday(str(row["date"]))),
    "dayOfWeekName": lambda row: WEEKDAYS[_weekday(str(row["date"]))],
    "sessionSourceMedium": lambda row: (
        f"{row.get('sessionSource') or NOT_SET} / {row.get('sessionMedium') or NOT_SET}"
    ),
}
DERIVED_NEEDS = dict.fromkeys(DERIVED, ("date",)) | {
    "sessionSourceMedium": ("sessionSource", "sessionMedium")
}


def _weekday(day: str) -> int:
    """0 is Sunday."""
    return date(int(day[:4]), int(day[4:6]), int(day[6:8])).isoweekday() % 7


def dimension(row: Row, name: str) -> str:
    """A dimension's value of a row; what is absent is (not set). GA4 answers the empty text too: for items, as recorded."""
    value = row.get(name)
    if value is None and name in DERIVED:
        return DERIVED[name](row)
    return NOT_SET if value is None else str(value)


def spelled(value: float) -> str:
    """A metric's value as the API writes it: no decimals where there are none."""
    return str(int(value)) if value == int(value) else repr(float(value))


def number_types(document: dict[str, Any]) -> None:
    """Spell the metric types of an answer as numbers."""
    for report in document.get("reports", [document]):
        for metric in (*report.get("metricHeaders", ()), *report.get("metrics", ())):
            metric["type"] = TYPE_NUMBERS[metric["type"]]
