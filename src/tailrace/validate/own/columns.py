"""Columns of the judged table, as our own checks need to know them."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.project.spec import Expectation
from tailrace.validate.own.declaration import Context

_HIDDEN = "***"


def kind_of(context: Context, item: Expectation, kwarg: str = "column") -> str:
    """The engine's type of the column that a kwarg names."""
    wanted = str(item.kwargs[kwarg]).lower()
    columns = context.columns
    return next(kind for name, kind in columns.items() if name.lower() == wanted)


def shown_group(context: Context, by: Sequence[str], values: Sequence[object]) -> str:
    """` (account 42, currency EUR)`, personal ones as ***; nothing where no column tells groups apart."""
    parts = [
        f"{name} {_HIDDEN if name.lower() in context.personal and value is not None else _short(value)}"
        for name, value in zip(by, values, strict=True)
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _short(value: object) -> str:
    return "NULL" if value is None else str(value)[:40]
