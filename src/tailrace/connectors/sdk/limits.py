"""Options that every HTTP vendor has, and the checks that go with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.connectors.sdk.base import Option
from tailrace.connectors.sdk.options import Problem, Unfit, convert

MAX_WAIT = Option("max_wait", "duration", default="300s", description="longest sum of waits of one request")
IN_FLIGHT = Option("in_flight", "integer", default=4, description="requests at the same time")


def rate_limit(default: str, *more: str) -> Option:
    """The `rate_limit` option; `default` says what holds where it is absent, `more` names further numbers it takes."""
    keys = ", ".join(("requests", "seconds", *more))
    return Option(
        "rate_limit", "mapping", choices=("off",), description=f"off, or {{{keys}}}; default: {default}"
    )


def limit_problems(given: Any, *more: str) -> list[Problem]:
    """What is wrong with a `rate_limit`: unknown keys, numbers that are none, a half-given window."""
    if given is None or given == "off":
        return []
    problems: list[Problem] = []
    fix = "write off, or {requests: 190, seconds: 10}"
    for name, value in given.items():
        if name not in ("requests", "seconds", *more):
            problems.append((("rate_limit", name), f"unknown key {name!r}", fix))
        elif not _above_zero(value):
            problems.append((("rate_limit", name), f"{value!r} is not a number above 0", fix))
    if not {"requests", "seconds"} <= set(given):
        problems.append((("rate_limit",), "rate_limit lacks requests or seconds", fix))
    return problems


def wire_problems(options: Mapping[str, Any], urls: Sequence[str] = ("base_url",)) -> list[Problem]:
    """What is wrong with the URLs and `in_flight`."""
    problems: list[Problem] = [
        ((name,), f"{options[name]!r} is no URL", "write https://host")
        for name in urls
        if not re.match(r"https?://[^/\s]+", options[name])
    ]
    if options["in_flight"] < 1:
        problems.append((("in_flight",), "in_flight is below 1", "write 1 or more"))
    return problems


def _above_zero(value: Any) -> bool:
    try:
        return bool(convert(Option("number", "number"), value) > 0)
    except Unfit:
        return False
