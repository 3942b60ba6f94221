"""GROUP BY gives one row for each group already; a DISTINCT beside it mostly hides that the groups are other ones than thought."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.lint.subject import Found, Subject, start_of


def check(model: Subject) -> Iterator[Found]:
    for select in model.selects:
        distinct, group = select.args.get("distinct"), select.args.get("group")
        if distinct is not None and not distinct.args.get("on") and group is not None:
            place = model.keyword_at(start_of(select.expressions[0]), "DISTINCT")
            yield Found("DISTINCT and GROUP BY in one SELECT", "Keep one of the two", place)
