"""Fault rules: which request goes wrong, and how."""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tailrace.sandbox.vendor import RowError

SELECTORS = ("vendor", "route", "method", "nth", "probability", "seed", "times")
EFFECTS = ("status", "delay", "reset", "lost_answer", "row_error")
COMPANIONS = ("headers", "body")


class FaultError(ValueError):
    """A rule that cannot be used; the message names the rule and the key."""


@dataclass(frozen=True)
class Rule:
    """One rule; `effect` is the key that says what happens, its value lies in the field of that name."""

    vendor: str
    effect: str
    route: str = "*"
    method: str | None = None
    nth: tuple[int, ...] = ()
    probability: float | None = None
    seed: int = 0
    times: int | None = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    delay: float = 0.0
    row_error: RowError | None = None

    def matches(self, vendor: str, method: str, path: str) -> bool:
        """Whether the rule looks at this request; the route is a glob on the path behind the vendor's prefix."""
        return (
            self.vendor in (vendor, "*")
            and (self.method is None or self.method == method)
            and fnmatchcase(path, self.route)
        )


class _Armed:
    """A rule with its own counters and its own random numbers."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.matched = 0
        self.fired = 0
        self._random = random.Random(rule.seed)

    def fires(self) -> bool:
        """Count a matching request and decide."""
        self.matched += 1
        if self.rule.times is not None and self.fired >= self.rule.times:
            return False
        hit = self._is_due()
        self.fired += hit
        return hit

    def _is_due(self) -> bool:
        if self.rule.nth:
            return self.matched in self.rule.nth
        if self.rule.probability is not None:
            return self._random.random() < self.rule.probability
        return True


class FaultBook:
    """The rules in force."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._armed = [_Armed(rule) for rule in rules]

    def fired_by(self, vendor: str, method: str, path: str) -> list[Rule]:
        """The rules that fire on this request, in the order they were given; every matching rule counts it."""
        if not self._armed:
            return []
        return [
            armed.rule for armed in self._armed if armed.rule.matches(vendor, method, path) and armed.fires()
        ]

    def describe(self) -> list[dict[str, Any]]:
        """The rules and how often each matched and fired."""
        return [
            {
                "vendor": armed.rule.vendor,
                "route": armed.rule.route,
                "effect": armed.rule.effect,
                "matched": armed.matched,
                "fired": armed.fired,
            }
            for armed in self._armed
        ]


def parse_rules(document: Any, vendors: Iterable[str]) -> list[Rule]:
    """Rules from their JSON form; FaultError names the first rule and key that is wrong."""
    if not isinstance(document, list):
        raise FaultError("fault rules are a JSON list of objects")
    return [_parse_rule(index, entry, sorted(vendors)) for index, entry in enumerate(document)]


def _parse_rule(index: int, entry: Any, vendors: list[str]) -> Rule:
    if not isinstance(entry, dict):
        raise FaultError(f"rule {index}: not a JSON object")
    _check_keys(index, entry)
    _check_vendor(index, entry, vendors)
    effect = _effect(index, entry)
    values = {key: entry[key] for key in (*SELECTORS, *COMPANIONS) if key in entry}
    if "nth" in values:
        values["nth"] = tuple(values["nth"]) if isinstance(values["nth"], list) else (values["nth"],)
    for key, value in values.items():
        if key in _CHECKS and not _CHECKS[key](value):
            raise FaultError(f"rule {index}: {key} must be {_WANTED[key]}, not {entry[key]!r}")
    if effect in ("status", "delay"):
        values[effect] = entry[effect]
    if effect == "row_error":
        values["row_error"] = _row_error(index, entry["row_error"])
    return Rule(effect=effect, **values)


def _check_keys(index: int, entry: dict[str, Any]) -> None:
    known = (*SELECTORS, *EFFECTS, *COMPANIONS)
    for key in entry:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise FaultError(f"rule {index}: unknown key {key!r}; {hint}")
    if "nth" in entry and "probability" in entry:
        raise FaultError(f"rule {index}: nth and probability exclude each other; leave one out")
    for key in COMPANIONS:
        if key in entry and "status" not in entry:
            raise FaultError(f"rule {index}: {key} goes with status; add status")


def _check_vendor(index: int, entry: dict[str, Any], vendors: list[str]) -> None:
    if "vendor" not in entry:
        raise FaultError(f"rule {index}: vendor is missing; one of {', '.join(vendors)}, or *")
    if entry["vendor"] not in (*vendors, "*"):
        raise FaultError(
            f"rule {index}: unknown vendor {entry['vendor']!r}; one of {', '.join(vendors)}, or *"
        )


def _effect(index: int, entry: dict[str, Any]) -> str:
    given = [key for key in EFFECTS if key in entry]
    if len(given) != 1:
        found = f"found {', '.join(given)}" if given else "found none"
        raise FaultError(f"rule {index}: exactly one of {', '.join(EFFECTS)} says what happens; {found}")
    effect, value = given[0], entry[given[0]]
    if effect in ("reset", "lost_answer") and value is not True:
        raise FaultError(f"rule {index}: {effect} must be true, not {value!r}")
    if effect == "status" and not (_is_int(value) and 200 <= value <= 599):
        raise FaultError(f"rule {index}: status must be an HTTP status from 200 to 599, not {value!r}")
    if effect == "delay" and not (_is_number(value) and value >= 0):
        raise FaultError(f"rule {index}: delay must be seconds, 0 or more, not {value!r}")
    return effect


def _row_error(index: int, value: Any) -> RowError:
    if not isinstance(value, dict) or not isinstance(value.get("keys"), list) or not value["keys"]:
        raise FaultError(f"rule {index}: row_error needs keys, a list of ids or e-mails")
    for key in value:
        if key not in ("keys", "category", "message"):
            raise FaultError(f"rule {index}: row_error has no key {key!r}; known: keys, category, message")
    keys = frozenset(str(key).strip().lower() for key in value["keys"])
    category = str(value.get("category", "VALIDATION_ERROR"))
    return RowError(keys, category, str(value.get("message", "refused by a fault rule")))


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_WANTED = {
    "vendor": "a vendor's name or *",
    "route": "a glob on the path, like /crm/v3/objects/contacts/batch/*",
    "method": "an HTTP method in capitals",
    "nth": "a whole number from 1 on, or a list of them",
    "probability": "a number from 0 to 1",
    "seed": "a whole number",
    "times": "a whole number from 1 on",
    "headers": "an object of strings",
}
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "vendor": lambda value: isinstance(value, str),
    "route": lambda value: isinstance(value, str) and bool(value),
    "method": lambda value: isinstance(value, str) and value.isupper(),
    "nth": lambda value: bool(value) and all(_is_int(item) and item >= 1 for item in value),
    "probability": lambda value: _is_number(value) and 0 <= value <= 1,
    "seed": _is_int,
    "times": lambda value: _is_int(value) and value >= 1,
    "headers": lambda value: (
        isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    ),
}
