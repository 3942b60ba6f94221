"""What a suite says, as frozen objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tailrace.project.marks import EMPTY, Marks

Severity = Literal["critical", "warning", "info"]
OnFail = Literal["block", "quarantine", "warn"]


@dataclass(frozen=True)
class Expectation:
    """A type and kwargs of Great Expectations', or of tailrace's own; what to do on failure; an optional SQL condition on rows.

    `owner` is "" where the suite's own goes.
    """

    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    on_fail: OnFail
    where: str | None = None
    description: str = ""
    index: int = 0
    owner: str = ""


@dataclass(frozen=True)
class Parameter:
    """A value that `{$PARAMETER: name}` in an expectation's kwargs stands for, known only when the suite is judged.

    Either the one value of a query (`sql`), or one taken from earlier runs: of `rows` (the model's row count) or of what the expectation
    `of` (on `column`) observed, over the last `runs` judged runs: `take` of them, times `times`, plus `plus`, plus `stddevs` standard
    deviations. `default` stands in until `min_runs` runs are known; without one the expectation passes until then.
    """

    name: str
    sql: str | None = None
    history: Literal["rows", "observed"] | None = None
    of: str = ""
    column: str = ""
    runs: int = 14
    min_runs: int = 1
    take: Literal["mean", "median", "min", "max", "last"] = "mean"
    times: float = 1.0
    plus: float = 0.0
    stddevs: float = 0.0
    default: Any = None


@dataclass(frozen=True)
class Suite:
    """Expectations on one model; `key` names its rows; `max_quarantined` is a share of 1.

    `path` and `marks` are those of the file that the expectations stand in: a YAML file, or Great Expectations' own JSON.
    """

    name: str
    model: str
    key: str | None
    expectations: tuple[Expectation, ...]
    marks: Marks
    path: str
    max_quarantined: float = 0.05
    owner: str = ""
    description: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True)
class Keeping:
    """How long results are kept: of `validations` and of rows held back or shown as examples (days), and how many examples a check has."""

    results_days: float = 400.0
    rows_days: float = 30.0
    samples: int = 10
