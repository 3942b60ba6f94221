"""`show --key`: everything that was ever sent for one row, and why it is, or is not, sent now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tailrace.activate.history import RowHistory, near_keys, row_histories
from tailrace.cli.frame import Frame
from tailrace.cli.history import published
from tailrace.cli.render import count
from tailrace.errors import BadInput, near_miss
from tailrace.project.spec import Project

WHY = {
    "acked": "the vendor accepted these values; it is sent again when a mapped value changes",
    "pending": "it waits to be sent: by the next `tailrace run` or `tailrace activate`",
    "unknown": "a request left and no answer came: the next run finds out, or sends it again",
    "dead": "the vendor refused it; sent again when its values or the mapping change, or by `tailrace dead retry {sync} {key}`",
    "quarantined": "its suite holds it back; it comes back by itself when it passes",
    "suppressed": "`suppress` is true or not known; it is never sent",
    "filtered": "`where` is not true for it; it comes back when it is",
    "unmatched": "the vendor knows no record with its match value; tried again when that record is landed, when it changes,"
    " or by `tailrace dead retry {sync} {key}`",
    "conflict": "people edited every field that changed, and the fields' rules let them win",
    "removed": "it is no longer in the model",
}


def show_key(frame: Frame, key: str, sync: str | None) -> None:
    """`key`: a primary key, a match value (letter case does not matter) or the vendor's record id."""
    project = frame.load()
    _check(project, sync)
    with published(project) as warehouse:
        found = row_histories(warehouse, key, _suites(project), sync)
        near = [] if found else near_keys(warehouse, key, sync)
    if not found:
        hint = (
            f"did you mean {' or '.join(near)}?" if near else "`tailrace status` shows what each sync knows"
        )
        raise BadInput(f"no sync has a row with key {key} in the published file", hint)
    as_of = _published_at(project)
    rows = [{**row.document(), "why": why(row)} for row in found]
    frame.document({"key": key, "as_of": as_of, "rows": rows})
    frame.say(f"as published at {as_of:%Y-%m-%d %H:%M:%S} UTC")
    for row in found:
        frame.say()
        for line in _lines(row):
            frame.say(line)


def why(row: RowHistory) -> str:
    """What its status means for it, in one sentence."""
    return WHY[row.status].format(sync=row.sync, key=row.primary_key)


def _check(project: Project, sync: str | None) -> None:
    names = [each.name for each in project.syncs]
    if sync is not None and sync not in names:
        raise BadInput(f"there is no sync {sync}", near_miss(sync, names))


def _suites(project: Project) -> Mapping[str, str]:
    return {sync.name: sync.validate for sync in project.syncs if sync.validate}


def _published_at(project: Project) -> datetime:
    return datetime.fromtimestamp(project.published.stat().st_mtime, UTC).replace(microsecond=0)


def _lines(row: RowHistory) -> Iterator[str]:
    yield f"sync {row.sync}, row {row.primary_key}: {row.status}"
    yield f"  why: {why(row)}"
    if row.error:
        yield f"  the vendor's word: {row.error}"
    for held in row.held:
        yield f"  held by {held['suite']}: {held['expectation']}: {held['reason']}"
    at = f", record {row.remote_id}" if row.remote_id else ""
    yield f"  {row.object} of account {row.account}{at}, matched by {row.match_key or row.subject or 'nothing'}"
    if row.accepted is not None:
        yield f"  accepted: {_fields(row.accepted)}"
    if row.letter:
        yield f"  dead letter: {row.letter['reason']}{_tries(row.letter)}"
    yield from _sent(row.sent)


def _tries(letter: Mapping[str, Any]) -> str:
    tries = f" (tried {count(int(letter['attempts'] or 0), 'time')}"
    return (
        f"{tries}, by itself not before {letter['next_try']:%Y-%m-%d %H:%M})"
        if letter["next_try"]
        else f"{tries})"
    )


def _sent(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"  {count(len(entries), 'time')} sent" if entries else "  never sent"
    for entry in entries:
        fields = f" {_fields(entry['fields'])}" if entry["fields"] else ""
        yield f"    {entry['at']:%Y-%m-%d %H:%M:%S} run {entry['run_id']} {entry['operation']}{fields}: {entry['answer']}"


def _fields(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
