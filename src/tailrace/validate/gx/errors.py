"""What DuckDB says of an error, for a person to read and for anybody to see."""

from __future__ import annotations

import re

_OF_THE_QUERY = ("Binder Error", "Catalog Error", "Parser Error", "Permission Error", "Not implemented Error")
"""These quote the query only, which the suite's author wrote; any other may quote values of rows."""

_INPUT = "Invalid Input Error: "
_KNOWN_INPUT = re.compile(
    r"(missing|invalid|unexpected|bad|no argument|trailing|duplicate|Could not|Failed to|Malformed|Cannot|Type|Regex)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"'.*'|'.*$|\".*\"|\".*$")
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d.,:-]*")


def plain_error(message: str) -> str:
    """One line without the driver's name; values that it quotes, which may be a person's, are `***`."""
    first = message.split("\n", maxsplit=1)[0].strip()
    line = re.sub(r"^.*?\(_?duckdb\.[\w.]+\) ", "", first).removeprefix("Error: ").rstrip('".')
    if " Error: " not in line or line.startswith(_OF_THE_QUERY) or not _is_duckdb(line):
        return line
    if line.startswith(_INPUT) and not _KNOWN_INPUT.match(line.removeprefix(_INPUT)):
        return f"{_INPUT}its text may hold values of rows and is not shown"
    return _NUMBER.sub("***", _QUOTED.sub(lambda found: f"{found[0][0]}***{found[0][0]}", line))


def _is_duckdb(line: str) -> bool:
    """`Conversion Error: ...`, unlike `ValidationError: ...` of Python's."""
    return bool(re.match(r"[A-Z][A-Za-z ]*? Error: ", line))
