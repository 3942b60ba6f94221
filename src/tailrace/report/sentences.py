"""What the page says in words: one sentence per suite, and one for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tailrace.report.document import STATES, State, Suite

NAMED = 3
"""Models that a sentence names before it counts the others."""
WHY = 160
"""Characters of one error in a sentence."""


def moment(at: datetime | None) -> str:
    """`21 Nov 2026, 09:02 UTC`."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC" if at else "never"


def count(number: int, noun: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def several(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c and 4 others`."""
    shown = list(names[:NAMED])
    if len(names) > NAMED:
        rest = len(names) - NAMED
        return f"{', '.join(shown)} and {rest} {'other' if rest == 1 else 'others'}"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def failures(steps: Sequence[str]) -> str:
    """Steps that failed, as `land a.b: why`: those with the same why are named together, and only the first few whys.

    A vendor's own name at the beginning of its error makes no other why of it.
    """
    alike: dict[str, list[str]] = {}
    for step in steps:
        name, _, why = step.partition(": ")
        vendor = name.partition(" ")[2].partition(".")[0]
        alike.setdefault(why.removeprefix(f"{vendor}: "), []).append(name)
    told = [f"{_one_verb(names)}: {_cut(why)}" for why, names in list(alike.items())[:NAMED]]
    rest = sum(len(names) for names in list(alike.values())[NAMED:])
    return "; ".join(told) + (f"; and {count(rest, 'other step')}" if rest else "")


def _one_verb(names: Sequence[str]) -> str:
    """`land a, b and 2 others`: the step's word once where all are of one kind."""
    verb = names[0].partition(" ")[0]
    if not all(name.startswith(f"{verb} ") for name in names):
        return several(names)
    return f"{verb} {several([name.removeprefix(f'{verb} ') for name in names])}"


def _cut(text: str) -> str:
    return text if len(text) <= WHY else f"{text[: WHY - 1].rstrip()}…"


def suite_sentence(suite: Suite) -> str:
    """Whether the model can be trusted, and why."""
    if suite.state == "blocked":
        return f"Do not trust {suite.model}: {_why_blocked(suite)}{_not_sent(suite)}."
    if suite.state == "never":
        return f"Nobody knows whether {suite.model} can be trusted: {suite.stale[0]}."
    if suite.state == "stale":
        return f"Do not rely on {suite.model} yet: {'; '.join(suite.stale)}."
    return f"{suite.model} can be trusted{_except(suite.held, _warnings([suite]))}: {_proof([suite])}."


def _why_blocked(suite: Suite) -> str:
    blocking = sum(check.decision == "block" for check in suite.checks)
    if blocking:
        return f"{count(blocking, 'check')} {'blocks' if blocking == 1 else 'block'} it"
    return suite.reasons[0] if suite.reasons else "its suite blocks it"


def _not_sent(suite: Suite) -> str:
    """Since when the vendors go without it; nothing where no sync reads it."""
    if not suite.syncs or suite.judged_at is None:
        return ""
    targets = several(list(dict.fromkeys(sync.connection for sync in suite.syncs)))
    sent = [sync.last_sent for sync in suite.syncs if sync.last_sent]
    if not sent:
        return f"; nothing was ever sent to {targets}"
    return (
        f"; nothing was sent to {targets} since {moment(max(sent))}" if max(sent) <= suite.judged_at else ""
    )


def _warnings(suites: Sequence[Suite]) -> int:
    return sum(check.decision == "warn" for suite in suites for check in suite.checks)


def _except(held: int, warnings: int) -> str:
    parts = [f"but for {count(held, 'row')} held back"] if held else []
    parts += [f"with {count(warnings, 'warning')}"] if warnings else []
    return f", {' and '.join(parts)}" if parts else ""


def _proof(suites: Sequence[Suite]) -> str:
    """`18 of 18 checks pass, judged 21 Nov 2026, 09:02 UTC on 48,210 rows`."""
    checks = sum(len(suite.checks) for suite in suites)
    passing = sum(suite.passing for suite in suites)
    times = [suite.judged_at for suite in suites if suite.judged_at]
    rows = count(sum(suite.rows for suite in suites), "row")
    when = "judged"
    if times:
        oldest, newest = min(times), max(times)
        close = (newest - oldest).total_seconds() < 3600
        when = (
            f"judged {moment(newest)}" if close else f"judged between {moment(oldest)} and {moment(newest)},"
        )
    return f"{passing:,} of {count(checks, 'check')} {'passes' if checks == 1 else 'pass'}, {when} on {rows}"


def overall(suites: Sequence[Suite]) -> tuple[State, str]:
    """The page's verdict; suites come worst first."""
    if not suites:
        return "never", "Nothing says whether this data can be trusted: the project has no suites."
    worst = suites[0].state
    if len(suites) == 1:
        return worst, suites[0].sentence
    if worst in ("blocked", "stale", "never"):
        return worst, _bad(suites, worst)
    models = list(dict.fromkeys(suite.model for suite in suites))
    who = (
        models[0] if len(models) == 1 else "Both models" if len(models) == 2 else f"All {len(models)} models"
    )
    held = sum(suite.held for suite in suites)
    return worst, f"{who} can be trusted{_except(held, _warnings(suites))}: {_proof(suites)}."


def _bad(suites: Sequence[Suite], worst: State) -> str:
    alike = [suite for suite in suites if suite.state == worst]
    fine = [suite for suite in suites if STATES.index(suite.state) >= STATES.index("held")]
    named = list(dict.fromkeys(suite.model for suite in alike))
    if len(alike) == 1:
        said = alike[0].sentence
    elif worst == "blocked":
        said = f"Do not trust {several(named)}: {count(len(alike), 'suite')} block them."
    elif worst == "stale":
        said = f"Do not rely on {several(named)} yet: what was found of them is out of date."
    else:
        said = f"Nobody knows whether {several(named)} can be trusted: they were never judged."
    if not fine:
        return said
    others = several(list(dict.fromkeys(suite.model for suite in fine)))
    return f"{said} {others} can be trusted{_except(sum(suite.held for suite in fine), 0)}."
