"""The lines of a seed's file: whether they all end alike, and the first that does not fit the header."""

from __future__ import annotations

import csv
import io

from tailrace.errors import Diagnostic, Location


def ends_differ(content: str) -> bool:
    """Whether lines end in more than one way, of which the engine reads none but where it is not strict."""
    both = content.count("\r\n")
    ends = (both, content.count("\n") - both, content.count("\r") - both)
    return sum(map(bool, ends)) > 1


def misfit(path: str, content: str, delimiter: str) -> Diagnostic | None:
    """The first row that has more or fewer values than the header, or whose quotes are wrong; blank lines are no rows."""
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        header = next(rows, [])
        line = rows.line_num + 1
        for row in rows:
            if row and len(row) != len(header):
                said = f"the row has {len(row)} of {len(header)} columns"
                few = "Write the missing values: nothing between two separators is NULL"
                fix = few if len(row) < len(header) else "Quote values that hold the separator"
                return Diagnostic(Location(path, line), said, fix)
            line = rows.line_num + 1
    except csv.Error:
        return Diagnostic(
            Location(path, line),
            "a quote is not closed, or text stands behind it",
            'Write "" for a quote inside of a value',
        )
    return None
