"""What DuckDB says of an error, for a person to read and for anybody to see."""

from __future__ import annotations

import re

_OF_THE_QUERY = ("Binder Error", "Catalog Error", "Parser Error", "Permission Error", "Not implemented Error")
"""These quote the query only, which the suite's author wrote; any other may quote values of rows."""

_PATTERN = re.compile(
    r"(missing [])]|unexpected \)|invalid (perl operator|escape sequence|repetition size|character class|named capture|UTF-8)"
    r"|bad repetition operator|no argument for repetition|trailing \\)"
)
"""What RE2 says of a pattern that it cannot read, which the suite's author wrote."""

_INPUT = "Invalid Input Error: "
_KNOWN_INPUT = re.compile(
    r"(Could not|Failed to|Malformed|Cannot|Type|invalid|another query)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"'.*'|'.*$|\".*\"|\".*$")
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d.,:-]*")


def plain_error(message: str) -> str:
    """One line without the driver's name; values that it quotes, which may be a person's, are `***`."""
    first = message.split("\n", maxsplit=1)[0].strip()
    line = _unwrapped(re.sub(r"^.*?\(_?duckdb\.[\w.]+\) ", "", first).removeprefix("Error: "))
    if not _OF_DUCKDB.match(line) or line.startswith(_OF_THE_QUERY):
        return line
    quoted = _QUOTED.sub(lambda found: f"{found[0][0]}***{found[0][0]}", line)
    return line if _PATTERN.match(line.removeprefix(_INPUT)) else without_numbers(quoted)


def without_numbers(line: str) -> str:
    """An error of DuckDB's without bare numbers; one that a function of the query's raised is not shown at all."""
    said = line.removeprefix(_INPUT)
    if said != line and not _KNOWN_INPUT.match(said) and not _PATTERN.match(said):
        return f"{_INPUT}its text may hold values of rows and is not shown"
    return _NUMBER.sub("***", line) if _OF_DUCKDB.match(line) else line


_OF_DUCKDB = re.compile(r"[A-Z][A-Za-z ]*? Error: ")
"""`Conversion Error: ...`, unlike `ValidationError: ...` of Python's."""


def _unwrapped(line: str) -> str:
    """Without the end of the quotes whose beginning went with the driver's name."""
    return line.removesuffix(".").removesuffix('"') if line.count('"') % 2 else line.removesuffix(".")
