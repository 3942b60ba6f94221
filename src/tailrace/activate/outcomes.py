"""What became of a batch, as one line of the journal: the usual outcome, the remote ids, and what is odd about some rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tailrace.activate.conflicts import Kept
from tailrace.connectors.sdk.writing import WriteResult, Written

SILENT = "no word about it came back"
TWICE = "two answers came for it"
SILENT_READ = (
    "the vendor told nothing of the record, so nobody knows what people edited: not sent, asked again"
)
NOT_THERE = "the vendor has no such record"
LATER = "the vendor put it off again and again"


@dataclass
class Told:
    """The outcome of one batch: rows by outcome, fields kept and overwritten, write requests, and the journal's text."""

    text: str
    outcomes: Mapping[str, int]
    requests: int
    kept: Counter[str] = field(default_factory=Counter)


def whole(n: int, outcome: str, reason: str, requests: int) -> Told:
    """One outcome for all rows: the request failed, or was never made."""
    text = {"all": outcome, "r": reason, "w": requests, "ids": [None] * n, "x": []}
    return Told(_text(text), {outcome: n}, requests)


def of_texts(first: int, n: int, written: Written, requests: int) -> Told:
    """Of a batch of texts: an accepted row costs no object."""
    accepted = written.accepted
    ids = [accepted.get(str(ordinal)) for ordinal in range(first, first + n)]
    if None not in ids and not written.others:
        return Told(_text({"all": "acked", "w": requests, "ids": ids, "x": []}), {"acked": n}, requests)
    results = [WriteResult(trace, "acked", remote_id) for trace, remote_id in accepted.items()]
    rows = by_trace([*results, *written.others], (str(ordinal) for ordinal in range(first, first + n)))
    return of_rows(rows, {}, requests)


def by_trace(results: Iterable[WriteResult], sent: Iterable[str]) -> list[WriteResult]:
    """One result for each trace that was sent, in that order; what nobody asked about, or comes twice, is not believed."""
    found: dict[str, WriteResult | None] = {}
    for result in results:
        found[result.trace] = None if result.trace in found else result
    return [_believed(trace, found) for trace in sent]


def _believed(trace: str, found: Mapping[str, WriteResult | None]) -> WriteResult:
    result = found.get(trace)
    if result is not None:
        return result
    return WriteResult(trace, "unknown", None, TWICE if trace in found else SILENT)


def of_rows(results: Sequence[WriteResult], kept: Mapping[int, Kept], requests: int) -> Told:
    """Of typed rows: `results` in the batch's order, `kept` by the row's place in the batch."""
    counts: Counter[str] = Counter()
    odd: list[dict[str, Any]] = []
    for place, result in enumerate(results):
        mine = kept.get(place)
        outcome = _outcome(result, mine)
        counts[outcome] += 1
        if outcome != "acked" or mine is not None:
            odd.append(_odd(place, outcome, result, mine))
    text = _text({"all": "acked", "w": requests, "ids": [each.remote_id for each in results], "x": odd})
    return Told(text, counts, requests, Counter(name for each in kept.values() for name in each.fields))


def _outcome(result: WriteResult, kept: Kept | None) -> str:
    if kept is not None and kept.all_changes:
        return kept.unread or "conflict"
    return "pending" if result.outcome == "later" else result.outcome


def _odd(place: int, outcome: str, result: WriteResult, kept: Kept | None) -> dict[str, Any]:
    """What settling must know of a row beyond its remote id; texts of JSON stay texts."""
    told: dict[str, Any] = {"p": place, "o": outcome, "r": _reason(outcome, result, kept), "f": result.field}
    if result.touched:
        told["t"] = True
    if kept is not None:
        told |= {
            "k": _text(kept.acked_patch),
            "s": _text(dict.fromkeys(kept.fields)),
            "e": list(kept.overwritten),
        }
    return told


def _reason(outcome: str, result: WriteResult, kept: Kept | None) -> str | None:
    if outcome == "conflict":
        return "every changed field was edited at the vendor"
    if kept is not None and kept.unread:
        return SILENT_READ if kept.unread == "pending" else NOT_THERE
    if result.reason is not None:
        return result.reason
    if outcome == "pending":
        return LATER
    parts = [] if kept is None else [
        f"{what}: {', '.join(names)}"
        for what, names in (("kept as edited at the vendor", kept.fields), ("written over an edit", kept.overwritten))
        if names
    ]  # fmt: skip
    return "; ".join(parts) or None


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
