"""Texts with a form: expressions that mean the same to DuckDB and to BigQuery (RE2), the most telling first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pattern:
    """`words`: it is tried only under names with one of these; none means any name.

    `guess`: that all values are so may be how the vendor makes them just now, and is no rule about a value.
    """

    name: str
    regex: str
    words: frozenset[str] = frozenset()
    guess: bool = False


def _of(*words: str) -> frozenset[str]:
    return frozenset(words)


EMAIL = Pattern("an e-mail address", r"^[^@\s,]+@[^@\s,]+\.[^@\s,.]+$")
PATTERNS = (
    EMAIL,
    Pattern("a UUID", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"),
    Pattern("a URL", r"^[a-z][a-z0-9+.-]*://[^\s/]+\S*$"),
    Pattern("a time in ISO 8601", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"),
    Pattern("a date (year-month-day)", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    Pattern("a date (day.month.year)", "^[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}$"),
    Pattern("a date with slashes", "^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$"),
    Pattern("a date of eight digits", "^(19|20)[0-9]{6}$", _of("date", "day", "month")),
    Pattern("an ISO currency code", "^[A-Z]{3}$", _of("currency", "ccy")),
    Pattern("an ISO country code", "^[A-Z]{2}$", _of("country", "nation", "market")),
    Pattern("an ISO country code of three letters", "^[A-Z]{3}$", _of("country", "nation", "market")),
    Pattern("a language tag", "^[a-z]{2,3}([-_][A-Za-z]{2,4})?$", _of("language", "locale", "lang")),
    Pattern("a time zone", "^(UTC|GMT|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$", _of("timezone", "zone", "tz")),
    Pattern("a phone number", r"^[+(]?[0-9][0-9 ().+/x-]{5,24}$", _of("phone", "mobile", "telephone", "fax")),
    Pattern("an international phone number", r"^\+[0-9][0-9 ()./-]{6,22}$"),
    Pattern("an IPv4 address", "^([0-9]{1,3}[.]){3}[0-9]{1,3}$", _of("ip", "address", "host")),
    Pattern(
        "a domain",
        "^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?[.])+[A-Za-z]{2,24}$",
        _of("domain", "host", "hostname", "website", "site"),
    ),
    Pattern("an id of digits", "^[0-9]+$", _of("id", "ids", "key", "number", "code", "zip"), guess=True),
    Pattern(
        "a number as text",
        r"^-?[0-9]+([.][0-9]+)?$",
        _of("amount", "count", "num", "price", "cost", "value", "revenue", "score"),
    ),
    Pattern("a hash of hexadecimal digits", "^[0-9a-f]{32,64}$", guess=True),
)

PREFIX = "^[A-Za-z]{1,12}[_-]"
"""What begins an id such as `cus_9s6XKzkNRiz8i3`."""


def prefixed(prefix: str) -> Pattern:
    """Ids that all begin alike; a prefix is letters and one of `_` and `-`, which mean themselves."""
    return Pattern(f"an id that begins with {prefix}", f"^{prefix}[A-Za-z0-9_-]+$", guess=True)
