"""What the SQL parser finds wrong, in words that a reader of SQL knows."""

from __future__ import annotations

import re

from sqlglot.errors import ParseError, SqlglotError


def why(error: SqlglotError) -> str:
    """Where reading stopped: the parser's own classes and tokens say nothing to a person."""
    found = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    said, at = str(found.get("description") or ""), str(found.get("highlight") or "")
    if not found or not at:
        return "a quote or a comment has no end"
    if said.startswith("Required"):
        return f"something is missing behind {at}"
    if wanted := re.match(r"Expecting (\S{1,2})\.?\Z", said):
        return f"a {wanted[1]} is missing behind {at}"
    return f"it cannot be read at {at}"
