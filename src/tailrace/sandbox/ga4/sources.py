"""What a report can be computed from: the sessions, the exported events, or a recorded report's own table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from tailrace.sandbox.ga4.events import flatten
from tailrace.sandbox.ga4.metrics import (
    DERIVED_NEEDS,
    EVENT_DIMENSIONS,
    EVENT_METRICS,
    FLOAT,
    INTEGER,
    SESSION_DIMENSIONS,
    SESSION_METRICS,
    Metric,
    Row,
)
from tailrace.sandbox.google import ApiError

NOT_DIMENSIONS = frozenset({"userPseudoId", "property_id"})
SCHEMA_PAGE = "https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema"


@dataclass(frozen=True)
class Source:
    """Rows with the dimensions and metrics that can be told from them."""

    rows: list[Row]
    dimensions: frozenset[str]
    metrics: Mapping[str, Metric]

    @cached_property
    def _by_day(self) -> dict[str, list[Row]]:
        days: dict[str, list[Row]] = {}
        for row in self.rows:
            days.setdefault(str(row.get("date", "")).replace("-", ""), []).append(row)
        return days

    def between(self, first: str, last: str) -> list[Row]:
        """Rows from YYYYMMDD to YYYYMMDD; all of them where rows have no date."""
        if "date" not in self.dimensions:
            return self.rows
        return [row for day in sorted(self._by_day) if first <= day <= last for row in self._by_day[day]]

    def answers(self, dimensions: Collection[str], metrics: Collection[str]) -> bool:
        """Whether all these names can be had here."""
        return self.dimensions.issuperset(dimensions) and all(name in self.metrics for name in metrics)


def session_source(rows: list[Row]) -> Source:
    """Sessions: text columns are dimensions, the metrics are those whose columns are there."""
    columns = _columns(rows)
    texts = {name for name, kind in columns.items() if kind == "text"} if rows else set(SESSION_DIMENSIONS)
    metrics = {
        name: metric
        for name, metric in SESSION_METRICS.items()
        if not rows or all(need in columns for need in metric.needs)
    }
    return Source(rows, _with_derived(texts - NOT_DIMENSIONS), metrics)


def event_source(events: list[Row]) -> Source:
    """Rows of the BigQuery export."""
    return Source(flatten(events), _with_derived(EVENT_DIMENSIONS), EVENT_METRICS)


def table_source(rows: list[Row]) -> Source:
    """A recorded report: every column may be a dimension, every numeric one a metric."""
    columns = _columns(rows)
    metrics = {name: _column_metric(name, kind) for name, kind in columns.items() if kind in (INTEGER, FLOAT)}
    return Source(rows, _with_derived(columns.keys() - NOT_DIMENSIONS), metrics)


def choose(sources: Iterable[Source], dimensions: Collection[str], metrics: Collection[str]) -> Source:
    """The first source that answers; ApiError 400 names what is unknown, or what does not go together."""
    sources = list(sources)
    for source in sources:
        if source.answers(dimensions, metrics):
            return source
    for kind, names in (("dimension", dimensions), ("metric", metrics)):
        for name in names:
            if not _known(kind, name, sources):
                message = (
                    f"Field {name} is not a valid {kind}. For a list of valid dimensions and metrics, see"
                )
                raise ApiError(400, f"{message} {SCHEMA_PAGE} ")
    together = ", ".join([*dimensions, *metrics])
    raise ApiError(400, f"The request's dimensions & metrics are incompatible: {together}.")


def _known(kind: str, name: str, sources: list[Source]) -> bool:
    if kind == "metric":
        return name in SESSION_METRICS or any(name in source.metrics for source in sources)
    dimensions = _with_derived({*SESSION_DIMENSIONS, *EVENT_DIMENSIONS})
    return name in dimensions or any(name in source.dimensions for source in sources)


def _with_derived(dimensions: Iterable[str]) -> frozenset[str]:
    known = set(dimensions)
    return frozenset(known | {name for name, needs in DERIVED_NEEDS.items() if known.issuperset(needs)})


def _columns(rows: list[Row]) -> dict[str, str]:
    """Each column as text, TYPE_INTEGER or TYPE_FLOAT by the values it holds."""
    kinds: dict[str, str] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float):
                kinds[name] = FLOAT
            elif isinstance(value, int):
                kinds.setdefault(name, INTEGER)
            elif value is not None:
                kinds.setdefault(name, "text")
    return kinds


def _column_metric(name: str, kind: str) -> Metric:
    """Counts add up over rows of the same dimensions; of rates and averages the mean is taken."""
    if "Per" in name or name.endswith("Rate") or name.startswith("average"):
        return Metric(FLOAT, lambda rows: sum(row.get(name) or 0 for row in rows) / len(rows), (name,))
    return Metric(kind, lambda rows: sum(row.get(name) or 0 for row in rows), (name,))
