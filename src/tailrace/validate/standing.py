"""Whether a suite's last verdict still holds for what is staged now, and in words why it does not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tailrace.project.spec import Suite
from tailrace.validate.held import held_mark
from tailrace.validate.own import inputs
from tailrace.validate.results import VERDICTS
from tailrace.validate.suite import suite_hash
from tailrace.validate.verdict import Verdict
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.stage import Staged

_COLUMNS = 'content, suite_hash, decision, reasons, quarantined, lasting, run_id, "at", valid_until, inputs, held, audience'

UNWATCHED_FOR = timedelta(hours=1)
"""How long rows are sent by a verdict that read what tailrace cannot watch: a file, or the time."""


@dataclass(frozen=True)
class Standing:
    """The verdict that holds, or None and `why`. `lasting`: judging again would say the same.

    `run_id` judged it, `at` (UTC, naive); its results are masked for `audience`.
    """

    verdict: Verdict | None
    why: str = ""
    lasting: bool = False
    run_id: str = ""
    audience: str = ""
    at: datetime | None = None


def standing(warehouse: Warehouse, suite: Suite, staged: Staged, now: datetime) -> Standing:
    """The suite's last verdict, if it is on exactly this content, by exactly this suite, and nothing else has changed.

    Only the last one counts, since the rows held back are those of that one. Nothing is imported.
    """
    if "audience" not in warehouse.columns(VERDICTS):  # none, or of a release that bound less
        return Standing(None, "it was never judged")
    rows = warehouse.query(
        f"SELECT {_COLUMNS} FROM {warehouse.dialect.table(VERDICTS)} WHERE suite = ?", [suite.name]
    )
    if not rows:
        return Standing(None, "it was never judged")
    content, judged_by, decision, reasons, quarantined, lasting, run_id, at, until, read, held, audience = (
        rows[0]
    )
    verdict = Verdict(
        suite.name, staged.ref.name, staged.content, decision, tuple(json.loads(reasons)), int(quarantined), reused=True
    )  # fmt: skip
    since = f"since its verdict of {_time(at, now)}"
    if content != staged.content:
        return Standing(None, f"model {suite.model} has other rows {since}")
    if judged_by != suite_hash(suite):
        return Standing(None, f"the suite was changed {since}")
    if until is not None and _naive(now) >= until:
        return Standing(None, f"its verdict ran out at {_time(until, now)}")
    if read != inputs.state(warehouse, suite):
        return Standing(None, f"a table that it compares with was changed {since}")
    if decision == "pass" and quarantined and held != held_mark(warehouse, suite.name):
        return Standing(None, "the keys of the rows that it held back are not here any more")
    return Standing(verdict, lasting=bool(lasting), run_id=str(run_id), audience=str(audience), at=at)


def binding(warehouse: Warehouse, suite: Suite, staged: Staged, now: datetime, run_id: str) -> Standing:
    """As `standing`, for who is about to send: a pass that does not last counts in the run that made it, and for an hour."""
    known = standing(warehouse, suite, staged, now)
    if known.verdict is None or known.verdict.decision != "pass" or known.lasting or known.run_id == run_id:
        return known
    if known.at is not None and abs(_naive(now) - known.at) <= UNWATCHED_FOR:
        return known
    made = _time(known.at, now) if known.at else "an earlier run"
    return Standing(None, f"it reads what changes unseen (a file, the time), and its verdict is of {made}")


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _time(moment: datetime, now: datetime) -> str:
    """`12:00 UTC`, with the day where it is not today."""
    return f"{moment:%H:%M} UTC" if moment.date() == _naive(now).date() else f"{moment:%Y-%m-%d %H:%M} UTC"
