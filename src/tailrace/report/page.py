"""The page: one HTML file, its style inside, no script, nothing fetched; never larger than MOST bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.report import charts
from tailrace.report.document import DECISIONS, KEPT, Check, Report, Suite
from tailrace.report.sentences import count, moment

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
MARK = '<meta name="generator" content="tailrace report">'
"""In the head of every page: a file with it may be replaced."""

MOST = 300_000
STANDINGS, CARDS, VOLUMES, LANDED = 24_000, 100_000, 28_000, 16_000
"""Bytes for suites' sentences, failing checks with their evidence, charts and resources; the list of all checks takes what is left.

What does not fit is counted on the page and named there with the command that shows it.
"""
SPARE = 2_000
"""Bytes that stay free."""
WIDE = 24_000
"""Bytes of one failing check; beyond, it goes without its rows."""
OWNERS = 5
"""Owners of failing checks that are named at the top."""
OPEN = 3
"""Failing checks whose rows are unfolded."""
DIGITS = 12
"""Characters of a number from which on it is cut."""
LONG = 100
"""Characters of a value that are shown."""


def render(report: Report, redact: Callable[[str], str] = str) -> str:
    """The whole page; `redact` hides secrets in every text."""
    environment = _environment(redact)
    parts: Any = environment.get_template("parts.html").module
    frame = environment.get_template("report.html")
    around = _around(parts, report)
    room = MOST - SPARE - len(frame.render(checks=[], unlisted=0, unlisted_checks=0, **around).encode())
    judged = [suite for suite in report.suites if suite.checks]
    listed = _suite_lists(parts, judged, room)
    rest = judged[len(listed) :]
    return frame.render(
        checks=listed, unlisted=len(rest), unlisted_checks=sum(len(suite.checks) for suite in rest), **around
    )


def _around(parts: Any, report: Report) -> dict[str, Any]:
    """Everything but the list of all checks."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    owners = list(Counter(check.owner for check in report.failing).items())  # of the gravest first
    judged = [suite for suite in report.suites if suite.checks]
    landed = (parts.landed(one, report.made_at, f"r{at}") for at, one in enumerate(report.resources))
    return {
        "report": report,
        "style": style,
        "policy": _policy(style),
        "mark": MARK,
        "owners": owners[:OWNERS],
        "more_owners": max(0, len(owners) - OWNERS),
        "blocked": len({suite.model for suite in report.suites if suite.state == "blocked"}),
        "standings": _within(
            (parts.standing(suite, _is_told(report, suite)) for suite in _standing(report)), STANDINGS
        ),
        "cards": _within(_cards(parts, report), CARDS),
        "volumes": _within((parts.volume(suite, f"v{at}") for at, suite in enumerate(judged)), VOLUMES),
        "landed": _within(landed, LANDED),
    }


def _standing(report: Report) -> tuple[Suite, ...]:
    """Suites to tell one by one; a single one is told by the page's own sentence, but for its reasons."""
    return report.suites if len(report.suites) > 1 or report.state not in ("passed", "held", "warned") else ()


def _is_told(report: Report, suite: Suite) -> bool:
    """Whether the page's own sentence is, or begins with, what there is to say of the suite."""
    return bool(suite.checks) and report.sentence.startswith(suite.sentence)


def _cards(parts: Any, report: Report) -> Iterator[str]:
    suites = {suite.name: suite for suite in report.suites}
    for number, check in enumerate(report.failing):
        told = (check, suites[check.suite], f"c{number}", number < OPEN, report.is_past)
        whole = parts.card(*told, True)
        yield whole if len(whole.encode()) <= WIDE else parts.card(*told, False)


def _suite_lists(parts: Any, suites: Sequence[Suite], room: int) -> list[str]:
    """Every suite's checks, failing ones first, as far as they fit into `room` bytes."""
    found: list[str] = []
    left = room
    for number, suite in enumerate(suites):
        checks = sorted(suite.checks, key=lambda check: (DECISIONS.index(check.decision), check.position))
        frame = len(parts.suite_checks(suite, "", 0, f"s{number}").encode())
        rows = _within((parts.check_row(check) for check in checks), left - frame)
        if not rows:
            break
        told = type(rows[0])("").join(rows)
        found.append(parts.suite_checks(suite, told, len(checks) - len(rows), f"s{number}"))
        left -= frame + len(told.encode())
    return found


def _policy(style: str) -> str:
    """What the page may load: its own style, known by its digest, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _within(parts: Iterable[str], most: int) -> list[str]:
    """The first parts that fit into `most` bytes."""
    kept, size = [], 0
    for part in parts:
        size += len(part.encode())
        if size > most:
            break
        kept.append(part)
    return kept


def _environment(redact: Callable[[str], str]) -> Environment:
    """Everything is escaped, and a name that is not there is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        if value is None:
            return ""
        return redact(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters |= {
        "moment": moment,
        "count": count,
        "short": short,
        "cell": cell,
        "share": share,
        "figure": figure,
        "headline": headline,
        "found": found,
    }
    environment.globals |= {
        "trend": charts.trend,
        "volume_chart": charts.volume,
        "reads": charts.reads,
        "command": query_command,
        "past": past,
        "age": age,
        "kept": KEPT,
    }
    return environment


def short(value: str, most: int = LONG) -> str:
    return value if len(value) <= most else f"{value[: most - 1]}…"


def cell(value: Any) -> str:
    """A value of a row as text; mappings and lists as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return short(json.dumps(value, ensure_ascii=False))
    return short(str(value))


def figure(observed: str) -> str:
    """What was observed; a number with all the digits of a double is cut to six."""
    try:
        number = float(observed)
    except ValueError:
        return observed
    return observed if len(observed) <= DIGITS or not math.isfinite(number) else f"{number:.6g}"


def headline(check: Check) -> str:
    """What is wrong, without what was observed: that stands below it."""
    reason = check.reason or check.expected or check.type
    return reason if check.unexpected is not None else reason.removesuffix(f": {check.observed}")


def found(check: Check) -> str:
    """One cell of the list of all checks: rows that fail, or what was seen; GX sees a share of distinct values where none repeats."""
    if (
        check.unexpected is None
        and check.type == "expect_column_values_to_be_unique"
        and check.observed == "1.0"
    ):
        return count(0, "row")
    return short(figure(check.observed), 40) if check.unexpected is None else count(check.unexpected, "row")


def share(value: float) -> str:
    """`2.5%`; what is more than nothing never reads as 0%, and what is less than all never as 100%."""
    if 0 < value < 0.0001:
        return "under 0.01%"
    if 0.9999 < value < 1:
        return "over 99.99%"
    return f"{value * 100:.3g}%"


def query_command(sql: str) -> str:
    """What a person pastes into a shell, quoted in the way that leaves most of it as it is."""
    single = f"tailrace query {shlex.quote(sql)}"
    if set(sql) & set("$`\\!"):  # double quotes would not keep these
        return single
    double = 'tailrace query "' + sql.replace('"', '\\"') + '"'
    return double if '"' not in sql or len(double) < len(single) else single


def past(check: Check) -> str:
    """`passed 30 of 30`; empty for a check that is new."""
    passed = sum(point.success for point in check.trend)
    return f"{passed} of {len(check.trend)}" if len(check.trend) > 1 else "new"


def age(at: datetime | None, now: datetime) -> str:
    """`3 hours before`; how long before the page was made."""
    if at is None:
        return ""
    seconds = max(0.0, (now - at).total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return f"{count(int(seconds // size), unit)} before"
    return "just before"
