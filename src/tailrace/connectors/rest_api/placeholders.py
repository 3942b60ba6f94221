"""`{resources.orders.id}` and `{incremental.start_value}` in paths, params, headers and bodies: what each one names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any

from tailrace.connectors.rest_api import shape
from tailrace.connectors.sdk.options import Problem
from tailrace.errors import near_miss

WORDS = ("path", "params", "json", "data", "headers")
VALUES = ("start_value", "last_value", "initial_value", "end_value", "cursor_path")
"""What `{incremental.x}` can be: attributes of dlt's Incremental."""
DOUBLE = "A brace that is meant as such is written twice"


def problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Placeholders that name nothing; the config's shape is checked elsewhere."""
    known = shape.names(config, selected=False)
    for number, resource in enumerate(config.get("resources") or ()):
        endpoint, places = _endpoint(config, number, resource)
        parents: list[str] = []
        for word in WORDS:
            try:
                uses = list(_uses(endpoint.get(word), (*places[word], word)))
            except ValueError as error:
                yield (*places[word], word), f"{word}: {str(error).lower()}", DOUBLE
                continue
            for place, field in uses:
                parents += _parent(field)
                found = _wrong(field, word, endpoint, known)
                if found:
                    yield place, *found
        yield from _parents(number, resource, [*parents, *_resolved(endpoint)], known)


def place_of(config: Mapping[str, Any], field: str) -> shape.Path:
    """Where the placeholder is written; the resources where it is none of them."""
    for number, resource in enumerate(config.get("resources") or ()):
        endpoint, places = _endpoint(config, number, resource)
        for word in WORDS:
            for place, found in _uses(endpoint.get(word), (*places[word], word)):
                if found == field:
                    return place
    return ("config", "resources")


def _endpoint(
    config: Mapping[str, Any], number: int, resource: Any
) -> tuple[dict[str, Any], dict[str, shape.Path]]:
    """A resource's endpoint over the default one, as dlt joins them, and the place of each word."""
    default = (config.get("resource_defaults") or {}).get("endpoint") or {}
    given = resource.get("endpoint") if isinstance(resource, Mapping) else None
    own: Mapping[str, Any] = {"path": given} if isinstance(given, str) else given or {}
    base = default if isinstance(default, Mapping) else {}
    joined = {**base, **own}
    for word in ("params", "json"):
        if isinstance(base.get(word), Mapping) and isinstance(own.get(word), Mapping):
            joined[word] = {**base[word], **own[word]}
    here: shape.Path = ("config", "resources", number)
    there: shape.Path = ("config", "resource_defaults", "endpoint")
    mine = (*here, "endpoint") if isinstance(given, Mapping) else here
    return joined, {word: mine if word in own or word not in base else there for word in WORDS}


def _uses(value: Any, place: shape.Path) -> Iterator[tuple[shape.Path, str]]:
    """ValueError for braces that do not match."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _uses(key, place)
            yield from _uses(inner, (*place, key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _uses(inner, (*place, number))
    elif isinstance(value, str):
        yield from ((place, field) for _, field, _, _ in Formatter().parse(value) if field)


def _wrong(field: str, word: str, endpoint: Mapping[str, Any], known: list[str]) -> tuple[str, str] | None:
    """What is wrong with one placeholder, and what to write."""
    head, dot, rest = field.partition(".")
    if head == "incremental" and dot:
        if "incremental" not in endpoint:
            return f"{{{field}}}: the endpoint has no incremental", "Add `incremental: {cursor_path: ...}`"
        value = re.split(r"[.\[]", rest)[0]
        return None if value in VALUES else (f"incremental has no {value}", near_miss(value, VALUES))
    if head == "resources" and dot:
        parent, _, column = rest.partition(".")
        if not column:
            return f"{{{field}}} names no field", "Write {resources.<resource>.<field>}"
        return None if parent in known else (f"there is no resource {parent}", near_miss(parent, known))
    if word == "path" and field in (endpoint.get("params") or {}):
        return None
    fix = near_miss(head, ("resources", "incremental")) if dot else DOUBLE
    return f"{{{field}}} names nothing", "Give it under `params:`" if word == "path" and not dot else fix


def _parent(field: str) -> list[str]:
    parts = field.split(".", 2)
    return [parts[1]] if len(parts) == 3 and parts[0] == "resources" else []


def _resolved(endpoint: Mapping[str, Any]) -> list[str]:
    """Parents that are named in dlt's older way, by `{type: resolve, resource: orders, field: id}`."""
    params = endpoint.get("params")
    values = params.values() if isinstance(params, Mapping) else ()
    return [
        str(one.get("resource"))
        for one in values
        if isinstance(one, Mapping) and one.get("type") == "resolve"
    ]


def _parents(number: int, resource: Any, parents: list[str], known: list[str]) -> Iterator[Problem]:
    """One other resource at most, and one that is there."""
    place: shape.Path = ("config", "resources", number)
    name = resource.get("name") if isinstance(resource, Mapping) else resource
    if len(set(parents)) > 1:
        what = f"{name} takes values from {' and '.join(dict.fromkeys(parents))}"
        yield place, what, "Leave one of them: a resource has one parent"
    if name in parents:
        yield place, f"{name} takes values from itself", "Name another resource"
    endpoint = resource.get("endpoint") if isinstance(resource, Mapping) else None
    for parent in _resolved(endpoint) if isinstance(endpoint, Mapping) else ():
        if parent not in known:
            yield (*place, "endpoint", "params"), f"there is no resource {parent}", near_miss(parent, known)
