"""A diff of a model's data as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.cli.fit import fitted, wrapped
from tailrace.cli.frame import Frame
from tailrace.cli.render import count

FIELDS = 4
"""Fields that are shown of a row which came or went."""


def say_diff(frame: Frame, diff: Mapping[str, Any], *, indent: str = "") -> None:
    """Counts, the columns that differ, examples."""
    by = f" by {', '.join(diff['key'])}" if diff["key"] else ""
    frame.say(f"{indent}diff of {diff['model']}{by}: {diff_line(diff)}")
    for note in diff["notes"]:
        frame.say(wrapped(note, f"{indent}  "))
    columns = [_column(column) for column in diff["columns"] if _differs(column)]
    if columns:
        frame.say(fitted(("column", "changed", "min", "max", "nulls"), columns, indent=f"{indent}  "))
    _say_changed(frame, [one for one in diff["examples"] if one["operation"] == "changed"], indent)
    for example in diff["examples"]:
        if example["operation"] != "changed":
            frame.say(wrapped(_row(example), f"{indent}  "))


def diff_line(diff: Mapping[str, Any]) -> str:
    """How many rows there are, came, went and changed, in a sentence."""
    before, after = diff["rows_before"], diff["rows_after"]
    rows = (
        f"{count(before, 'row')} before, {after:,} after"
        if before != after
        else f"{count(after, 'row')} as before"
    )
    words = ("changed", "only_before", "only_after") if diff["key"] else ("only_before", "only_after")
    counts = [f"{diff[word]:,} {word.replace('_', ' ')}" for word in words if diff[word]]
    return (
        f"{rows}; {', '.join(counts)}, {diff['same']:,} the same" if counts else f"{rows}, and none differs"
    )


def _differs(column: Mapping[str, Any]) -> bool:
    return bool(column["changed"]) or column["before"] != column["after"]


def _column(column: Mapping[str, Any]) -> list[Any]:
    """Its name, changed rows, and min, max and share of NULLs, before and after where they differ."""
    before, after = column["before"], column["after"]
    changed = "new" if before is None else "gone" if after is None else column["changed"]
    sides = [side for side in (before, after) if side is not None]
    made = [_moved([side[word] for side in sides]) for word in ("min", "max")]
    return [column["column"], changed, *made, _moved([f"{side['nulls']:.1%}" for side in sides])]


def _moved(values: list[Any]) -> str:
    texts = list(dict.fromkeys("-" if value is None else str(value) for value in values))
    return " -> ".join(texts)


def _say_changed(frame: Frame, examples: list[Mapping[str, Any]], indent: str) -> None:
    """A line a row: its key, and the fields that differ."""
    fields = list(dict.fromkeys(field for example in examples for field in example["fields"]))
    rows = [
        [
            _key(example),
            *(_moved(example["fields"][field]) if field in example["fields"] else "" for field in fields),
        ]
        for example in examples
    ]
    if rows:
        frame.say()
        frame.say(fitted(["key", *fields], rows, indent=f"{indent}  "))


def _key(example: Mapping[str, Any]) -> str:
    key = example["key"]
    return ", ".join(map(str, key)) if isinstance(key, list) else str(key)


def _row(example: Mapping[str, Any]) -> str:
    """A row that came or went, by its first fields."""
    side = 1 if example["operation"] == "only after" else 0
    filled = [
        f"{field}={values[side]}" for field, values in example["fields"].items() if values[side] is not None
    ]
    text = ", ".join(filled[:FIELDS]) + (", ..." if len(filled) > FIELDS else "")
    name = "" if example["key"] is None else f"{_key(example)}: "
    return f"{example['operation']}: {name}{text}"
