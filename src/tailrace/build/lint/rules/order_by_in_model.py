"""A table and a view have no order: who reads them sorts again, and the sort of the build was for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.lint.subject import Found, Subject, start_of


def check(model: Subject) -> Iterator[Found]:
    order = model.tree.args.get("order")
    if order is not None and model.tree.args.get("limit") is None:
        place = model.keyword_at(start_of(order), "ORDER BY")
        yield Found("nobody sees the order of a model's rows", "Remove the ORDER BY", place)
