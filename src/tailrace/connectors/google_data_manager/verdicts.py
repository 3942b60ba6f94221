"""What Google says of a request: at once where it refuses it whole, and later, when it has looked at the members."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MEMBER = re.compile(r"audience_?members\[(\d+)\]", re.IGNORECASE)
"""How a violation's field names a member: by its place in the request."""
PREFIX = "PROCESSING_ERROR_REASON_"
LONGEST_TEXT = 600
NONE_GIVEN = "no reason given"
PASSING = frozenset(("internal error", "destination too recently created", "unspecified", NONE_GIVEN))
"""Reasons that are no row's fault and may be gone later."""
OF_ACCOUNT = ("terms not signed", "permission denied", "auth failed")
"""How reasons end that a person has to see to in the account; words of the schema's ErrorCount."""


@dataclass(frozen=True)
class Verdict:
    """`taken`: all of it; `part`: all but some; `failed`: nothing, after a look; `rejected`: nothing, at once; `silent`: no word.

    `places`: the refused members where Google names them, by their place in the request, and why. `reasons`: how many for which reason,
    nothing where not known.
    """

    kind: Literal["taken", "part", "failed", "rejected", "silent"]
    text: str = ""
    reasons: Mapping[str, int] = field(default_factory=dict)
    places: Mapping[int, str] = field(default_factory=dict)
    elsewhere: bool = False
    """The request is refused for something that is no member of it."""
    passing: bool = False
    """It is not for the members that Google did not take them, or not for all of them: they are sent again."""

    def without(self, part: Verdict) -> Verdict | None:
        """What is true of the other members, once a part of them is judged; None where that does not follow."""
        if self.kind != "part" or not self.reasons or part.kind not in ("taken", "part", "failed"):
            return None
        if part.kind != "taken" and not part.reasons:
            return None
        left = Counter(self.reasons) - Counter(part.reasons)
        return Verdict("part", _told(left), left, passing=is_passing(left)) if left else Verdict("taken")


def of_refusal(error: Mapping[str, Any], members: int) -> Verdict:
    """A 400: Google takes nothing of a request with one bad record in it (its page "Understand API errors")."""
    violations = [one for one in _violations(error) if isinstance(one, Mapping)]
    places: dict[int, str] = {}
    for one in violations:
        found = MEMBER.search(str(one.get("field") or ""))
        if found is not None and int(found[1]) < members:
            places.setdefault(int(found[1]), _said(one))
    told = dict.fromkeys(_said(one) for one in violations)
    text = ("; ".join(told) or str(error.get("message") or "refused"))[:LONGEST_TEXT]
    elsewhere = bool(violations) and not places
    return Verdict("rejected", text, {}, places, elsewhere)


def of_status(document: Any, members: int) -> Verdict | None:
    """What requestStatus:retrieve says; None while any destination is being worked on, or none is named yet."""
    found = document.get("requestStatusPerDestination") if isinstance(document, Mapping) else None
    per_destination = [one for one in found or () if isinstance(one, Mapping)]
    words = {str(one.get("requestStatus")) for one in per_destination}
    if not words or words & {"PROCESSING", "REQUEST_STATUS_UNKNOWN", "None"}:
        return None
    errors = [error for one in per_destination for error in _errors(one)]
    reasons = Counter[str]()
    for error in errors:
        reasons[_word(error)] += _number(error.get("recordCount"))
    text = _told(reasons)
    if words == {"SUCCESS"} and not errors:
        return Verdict("taken")
    if words & {"FAILED", "FAILURE"}:
        elsewhere = any(reason.endswith(OF_ACCOUNT) for reason in reasons)
        return Verdict("failed", text, +reasons, {}, elsewhere, is_passing(reasons) or elsewhere)
    return Verdict("part", text, +reasons, _places(errors, members), passing=is_passing(reasons))


def is_passing(reasons: Iterable[str]) -> bool:
    """Whether any of the reasons passes by itself; none at all is one of them."""
    found = set(reasons)
    return not found or bool(found & PASSING)


def _told(reasons: Iterable[str]) -> str:
    return "; ".join(reasons)[:LONGEST_TEXT] or NONE_GIVEN


def _places(errors: Iterable[Mapping[str, Any]], members: int) -> dict[int, str]:
    """Nothing where any error names fewer records than it counts."""
    places: dict[int, str] = {}
    for error in errors:
        named = {place for place in error.get("recordIndices") or () if isinstance(place, int)}
        if len(named) != _number(error.get("recordCount")) or not all(0 <= one < members for one in named):
            return {}
        places |= dict.fromkeys(named, _word(error))
    return places


def _said(violation: Mapping[str, Any]) -> str:
    return str(violation.get("description") or violation.get("reason") or "refused")[:LONGEST_TEXT]


def _violations(error: Mapping[str, Any]) -> list[Any]:
    details = [one for one in error.get("details") or () if isinstance(one, Mapping)]
    return [violation for one in details for violation in one.get("fieldViolations") or ()]


def _errors(destination: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    info = destination.get("errorInfo") or {}
    return [one for one in info.get("errorCounts") or () if isinstance(one, Mapping)]


def _word(error: Mapping[str, Any]) -> str:
    reason = str(error.get("reason") or NONE_GIVEN).removeprefix(PREFIX)
    return reason.replace("_", " ").lower()


def _number(value: Any) -> int:
    return int(value) if str(value or "").isdigit() else 0
