"""What Google says of a request: at once where it refuses it whole, and later, when it has looked at the members."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

MEMBER = re.compile(r"audience_?members\[(\d+)\]", re.IGNORECASE)
"""How a violation's field names a member: by its place in the request."""
PREFIX = "PROCESSING_ERROR_REASON_"
LONGEST_TEXT = 600


@dataclass(frozen=True)
class Verdict:
    """`taken`: all of it; `part`: all but some; `failed`: nothing, after a look; `rejected`: nothing, at once; `silent`: no word.

    `places`: the refused members where Google names them, in the order of the request; `refused`: how many, 0 where not known.
    """

    kind: Literal["taken", "part", "failed", "rejected", "silent"]
    text: str = ""
    refused: int = 0
    places: frozenset[int] = frozenset()
    elsewhere: bool = False
    """The request is refused for something that is no member of it."""


def of_refusal(error: Mapping[str, Any], members: int) -> Verdict:
    """A 400: Google takes nothing of a request with one bad record in it (its page "Understand API errors")."""
    violations = [one for one in _violations(error) if isinstance(one, Mapping)]
    found = [MEMBER.search(str(one.get("field") or "")) for one in violations]
    places = frozenset(int(one[1]) for one in found if one is not None and int(one[1]) < members)
    said = "; ".join(
        dict.fromkeys(f"{one.get('description') or one.get('reason') or ''}".strip() for one in violations)
    )
    text = (said or str(error.get("message") or "refused"))[:LONGEST_TEXT]
    elsewhere = bool(violations) and not any(found)
    return Verdict("rejected", text, len(places), places, elsewhere)


def of_status(document: Any, members: int) -> Verdict | None:
    """What requestStatus:retrieve says; None while any destination is being worked on, or none is named yet."""
    found = document.get("requestStatusPerDestination") if isinstance(document, Mapping) else None
    per_destination = [one for one in found or () if isinstance(one, Mapping)]
    words = {str(one.get("requestStatus")) for one in per_destination}
    if not words or words & {"PROCESSING", "REQUEST_STATUS_UNKNOWN", "None"}:
        return None
    errors = [error for one in per_destination for error in _errors(one)]
    text = "; ".join(dict.fromkeys(_word(error) for error in errors))[:LONGEST_TEXT] or "no reason given"
    refused = sum(_number(error.get("recordCount")) for error in errors)
    if words == {"SUCCESS"}:
        return Verdict("taken")
    if words & {"FAILED", "FAILURE"}:
        return Verdict("failed", text, members)
    return Verdict("part", text, refused, _places(errors, members))


def _places(errors: Iterable[Mapping[str, Any]], members: int) -> frozenset[int]:
    """None where any error names fewer records than it counts."""
    places: set[int] = set()
    for error in errors:
        named = {int(place) for place in error.get("recordIndices") or () if isinstance(place, int)}
        if len(named) != _number(error.get("recordCount")) or not all(0 <= one < members for one in named):
            return frozenset()
        places |= named
    return frozenset(places)


def _violations(error: Mapping[str, Any]) -> list[Any]:
    details = [one for one in error.get("details") or () if isinstance(one, Mapping)]
    return [violation for one in details for violation in one.get("fieldViolations") or ()]


def _errors(destination: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    info = destination.get("errorInfo") or {}
    return [one for one in info.get("errorCounts") or () if isinstance(one, Mapping)]


def _word(error: Mapping[str, Any]) -> str:
    reason = str(error.get("reason") or "no reason given").removeprefix(PREFIX)
    return reason.replace("_", " ").lower()


def _number(value: Any) -> int:
    return int(value) if str(value or "").isdigit() else 0
