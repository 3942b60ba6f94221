"""Tables and sentences for a terminal; no colour where stdout is no terminal or NO_COLOR is set."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

COLOURS = {"ok": "32", "skipped": "2", "failed": "31", "stopped": "33", "running": "36"}


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, indent: str = "") -> str:
    """Columns as wide as their widest cell; numbers to the right."""
    texts = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(headers), *texts]) for i in range(len(headers))]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) or row[i] is None for row in rows)
        for i in range(len(headers))
    ]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if r else cell.ljust(width)
            for cell, width, r in zip(cells, widths, right, strict=True)
        ]
        return (indent + "  ".join(padded)).rstrip()

    return "\n".join([line(headers), line(["-" * width for width in widths]), *map(line, texts)])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(str(value).split())


def status_word(status: str) -> str:
    """A status, coloured on a terminal."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return status
    return f"\x1b[{COLOURS.get(status, '0')}m{status}\x1b[0m"


def count(number: int, noun: str) -> str:
    """`1 row`, `2,000 rows`."""
    plural = noun if number == 1 else noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {plural}"


def seconds(value: float) -> str:
    """`0.4 s`, `2 min 05 s`."""
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {int(value % 60):02d} s"


def size(number: int) -> str:
    """Bytes in a person's unit."""
    for unit in ("B", "kB", "MB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number //= 1024
    return f"{number:,.0f} GB"


def step_line(step: Mapping[str, Any], detail: Mapping[str, Any] | None = None) -> str:
    """One line for one step of a run, and under a suite's its failing checks."""
    what = describe(step, detail or {})
    mark = status_word(str(step["status"]))
    padding = " " * max(1, 8 - len(str(step["status"])))
    line = f"  {step['step']:<9}{step['name']:<34} {mark}{padding}{what}".rstrip()
    return "\n".join([line, *_failing(step, detail or {})])


def _failing(step: Mapping[str, Any], detail: Mapping[str, Any]) -> list[str]:
    """Each with what the gate does about it, then what else blocks, such as a key that repeats."""
    if not _has_checks(step, detail):
        return []
    failing = [(c["decision"], c["reason"]) for c in detail["checks"] if c["decision"] != "pass"]
    told = {reason for _, reason in failing}
    failing += [("block", reason) for reason in detail.get("reasons", []) if reason not in told]
    return [f"    {decision:<11} {_cell(reason)}" for decision, reason in failing]


def _has_checks(step: Mapping[str, Any], detail: Mapping[str, Any]) -> bool:
    return step["step"] == "validate" and isinstance(detail.get("checks"), list)


def describe(step: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    """What a step did, in words."""
    if step.get("error") and not _has_checks(step, detail):
        return str(step["error"]).splitlines()[0]
    if "say" in detail:
        return str(detail["say"])
    teller = _TELLERS.get(str(step["step"]))
    return teller(step, detail) if teller else ""


def _land(step: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    parts = [count(step["rows_in"], "row") + " read"]
    parts += [f"{detail[word]:,} {word}" for word in ("inserted", "updated", "deleted") if detail.get(word)]
    return ", ".join(parts) if len(parts) > 1 else f"{parts[0]}, no change"


def _build(step: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    rows = f", {count(step['rows_out'], 'row')}" if step["rows_out"] else ""
    return f"{detail.get('why', '')}{rows}".lstrip(", ")


def _validate(step: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    if detail.get("decision") == "blocked":
        return f"{count(step['rows_in'], 'row')} judged, nothing is sent"
    held = int(detail.get("quarantined", 0))
    reused = " (unchanged: the earlier verdict holds)" if detail.get("reused") else ""
    return f"{count(step['rows_in'], 'row')} judged, {held:,} held back{reused}"


def _publish(_: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    copied = int(detail.get("bytes", 0))
    return size(copied) if copied else "nothing changed"


def _activate(_: Mapping[str, Any], detail: Mapping[str, Any]) -> str:
    words = (
        "created",
        "updated",
        "deleted",
        "unchanged",
        "held_back",
        "dead",
        "unmatched",
        "conflict",
        "pending",
    )
    parts = [
        f"{detail[word]:,} {word.replace('_', ' ')}{_why_held(word, detail)}"
        for word in words
        if detail.get(word)
    ]
    return (
        ", ".join([*parts, count(int(detail.get("requests", 0)), "write request")])
        if parts
        else "nothing to send"
    )


def _why_held(word: str, detail: Mapping[str, Any]) -> str:
    """Rows held back, by who held them."""
    if word != "held_back":
        return ""
    kinds = [
        f"{detail[kind]:,} {kind}" for kind in ("quarantined", "suppressed", "filtered") if detail.get(kind)
    ]
    return f" ({', '.join(kinds)})" if kinds else ""


_TELLERS = {"land": _land, "build": _build, "validate": _validate, "publish": _publish, "activate": _activate}
