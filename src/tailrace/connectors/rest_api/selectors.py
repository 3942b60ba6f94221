"""`data_selector`s that have to find something: dlt takes a path that is not there for an empty list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonpath_ng import Child, DatumInContext, Fields, JSONPath, Root
from jsonpath_ng.exceptions import JSONPathError

from tailrace.connectors.sdk.inline import WrongSetting
from tailrace.errors import near_miss

SHOWN = 12
FIX = "Write the keys that lead to the rows, like data.items"
Steps = tuple[str | int, ...]


class Held(JSONPath):
    """A selector of dlt's; WrongSetting for an answer that has none of its keys. `place` leads to it in the config.

    The keys before the first wildcard, filter or number have to be there; an empty object says nothing of them.
    """

    def __init__(self, text: str, place: Steps) -> None:
        from dlt.common.jsonpath import compile_path

        self._text, self._place = text, place
        try:
            self._path = compile_path(text)
        except (JSONPathError, ValueError) as error:
            raise WrongSetting(place, f"data_selector {text!r} is no JSONPath", FIX) from error

    def find(self, datum: Any) -> list[DatumInContext]:
        found: list[DatumInContext] = self._path.find(datum)
        if not found:
            self._refuse(datum.value if isinstance(datum, DatumInContext) else datum)
        return found

    def _refuse(self, body: Any) -> None:
        for key in _keys(self._path):
            if isinstance(body, Mapping) and key in body:
                body = body[key]
            elif body != {}:
                what = f"data_selector {self._text}: the answer has no {key}, but {_shown(body)}"
                close = near_miss(key, list(body)) if isinstance(body, Mapping) else ""
                raise WrongSetting(self._place, what, close if close.startswith("did") else FIX)
            else:
                return

    def __str__(self) -> str:
        return self._text


def held(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config, each of its selectors one that has to find something."""
    made = dict(config)
    defaults = made.get("resource_defaults")
    if isinstance(defaults, Mapping):
        made["resource_defaults"] = _resource(defaults, ("config", "resource_defaults"))
    made["resources"] = [
        _resource(one, ("config", "resources", number)) if isinstance(one, Mapping) else one
        for number, one in enumerate(made["resources"])
    ]
    return made


def _resource(resource: Mapping[str, Any], place: Steps) -> dict[str, Any]:
    endpoint = resource.get("endpoint")
    selector = endpoint.get("data_selector") if isinstance(endpoint, Mapping) else None
    if not isinstance(endpoint, Mapping) or not isinstance(selector, str) or not selector:
        return dict(resource)
    selected = Held(selector, (*place, "endpoint", "data_selector"))
    return {**resource, "endpoint": {**endpoint, "data_selector": selected}}


def _keys(path: Any) -> Iterator[str]:
    """Of `$.data.items[*].x`: data, items."""
    for step in _steps(path):
        if isinstance(step, Root):
            continue
        if not isinstance(step, Fields) or len(step.fields) != 1 or step.fields[0] == "*":
            return
        yield str(step.fields[0])


def _steps(path: Any) -> Iterator[Any]:
    if isinstance(path, Child):
        yield from _steps(path.left)
        yield from _steps(path.right)
    else:
        yield path


def _shown(body: Any) -> str:
    if isinstance(body, Mapping):
        names = [str(name)[:40] for name in body]
        return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return "is a list" if isinstance(body, list) else "a single value"
