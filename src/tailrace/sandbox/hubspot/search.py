"""Search (vendor-apis 1.5): filter groups are or-ed, their filters and-ed; 10,000 results at most."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

import orjson

from tailrace.sandbox.hubspot.call import Call, show, view_of
from tailrace.sandbox.hubspot.errors import invalid
from tailrace.sandbox.hubspot.kinds import modified_property
from tailrace.sandbox.hubspot.portal import Portal
from tailrace.sandbox.hubspot.values import millis
from tailrace.sandbox.store import Record
from tailrace.sandbox.wire import Response

MOST_LISTED = 200
MOST_RESULTS = 10_000
MOST_GROUPS, MOST_FILTERS, MOST_FILTERS_IN_ALL = 5, 6, 18
LONGEST_QUERY = 3_000
KEPT = 8
SEARCHED = ("firstname", "lastname", "email", "phone", "company", "name", "domain", "dealname")
TOKEN = re.compile(r"[\w*@.+-]+")

Test = Callable[[dict[str, str]], bool]
Key = Callable[[str], Any]


class Searches:
    """The ids that the last few searches found, so that a page costs no new search while nothing changes."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, int, bytes], list[Record]] = OrderedDict()

    def find(self, portal: Portal, obj: str, document: dict[str, Any]) -> list[Record]:
        """Every record that a search matches, in its order."""
        question = {key: document.get(key) for key in ("filterGroups", "sorts", "query")}
        key = (obj, portal.tables[obj].version, orjson.dumps(question, option=orjson.OPT_SORT_KEYS))
        if key not in self._found:
            self._found[key] = _find(portal, obj, document)
            if len(self._found) > KEPT:
                self._found.popitem(last=False)
        return self._found[key]


def search(portal: Portal, call: Call, searches: Searches, lag: float = 0.0) -> Response:
    """POST objects/{o}/search; `after` is an offset. What changed in the last `lag` seconds is not found yet."""
    obj = portal.object_type(call.args["o"])
    document = call.body()
    limit, offset = _window(document)
    records = searches.find(portal, obj, document)
    if lag:
        indexed = (portal.clock.now() - timedelta(seconds=lag)).timestamp() * 1000
        records = [record for record in records if (millis(record["updatedAt"]) or 0) <= indexed]
    properties = document.get("properties") or []
    if not isinstance(properties, list):
        raise invalid("Invalid input JSON: properties must be a list")
    view = view_of(portal, obj, [str(name) for name in properties])
    page = records[offset : offset + limit]
    answer: dict[str, Any] = {
        "total": len(records),
        "results": [show(portal, obj, record, view) for record in page],
    }
    if offset + limit < len(records):
        answer["paging"] = {"next": {"after": str(offset + limit)}}
    return Response.of(200, answer)


def _window(document: dict[str, Any]) -> tuple[int, int]:
    limit, after = document.get("limit", 10), document.get("after") or "0"
    if not isinstance(limit, int) or not 1 <= limit <= MOST_LISTED:
        raise invalid(f"Invalid limit {limit}: it must be between 1 and {MOST_LISTED}")
    if not str(after).isdigit():
        raise invalid(f"Invalid paging cursor: {after}")
    offset = int(after)
    if offset + limit > MOST_RESULTS:
        raise invalid(f"A search pages through {MOST_RESULTS} results at most; narrow the filters")
    return limit, offset


def _find(portal: Portal, obj: str, document: dict[str, Any]) -> list[Record]:
    groups = document.get("filterGroups") or []
    _check_counts(groups)
    tests = [_all_of(portal, obj, group["filters"]) for group in groups]
    words = _words(document.get("query"))
    since = _since(obj, groups)
    table = portal.tables[obj]
    candidates = table if since is None else table.modified_from(since)
    found = [
        record
        for record in candidates
        if (not tests or any(test(record["properties"]) for test in tests)) and _has_words(record, words)
    ]
    if since is not None and document.get("sorts") in _by_time(obj):
        return found
    return _sorted(portal, obj, found, document.get("sorts"))


def _check_counts(groups: Any) -> None:
    if not isinstance(groups, list) or not all(
        isinstance(group, dict) and isinstance(group.get("filters"), list) for group in groups
    ):
        raise invalid("Invalid input JSON: filterGroups must be a list of objects with filters")
    counts = [len(group["filters"]) for group in groups]
    if (
        len(groups) > MOST_GROUPS
        or max(counts, default=0) > MOST_FILTERS
        or sum(counts) > MOST_FILTERS_IN_ALL
    ):
        raise invalid(
            f"At most {MOST_GROUPS} filterGroups, {MOST_FILTERS} filters in each and {MOST_FILTERS_IN_ALL} in all"
        )


def _since(obj: str, groups: list[dict[str, Any]]) -> int | None:
    """The lower bound that the only group sets for the time of modification: older records need no look."""
    if len(groups) != 1:
        return None
    for item in groups[0]["filters"]:
        if item["propertyName"] == modified_property(obj) and item["operator"] in ("GT", "GTE", "BETWEEN"):
            return millis(str(item["value"]))
    return None


def _by_time(obj: str) -> tuple[list[Any], ...]:
    """The sorts that are the order in which the table hands out what was modified."""
    name = modified_property(obj)
    return [name], [{"propertyName": name}], [{"propertyName": name, "direction": "ASCENDING"}]


def _all_of(portal: Portal, obj: str, filters: list[Any]) -> Test:
    tests = [_test(portal, obj, item) for item in filters]
    if len(tests) == 1:
        return tests[0]
    return lambda values: all(test(values) for test in tests)


def _test(portal: Portal, obj: str, item: Any) -> Test:
    if not isinstance(item, dict):
        raise invalid("Invalid input JSON: a filter must be an object")
    name, operator = item.get("propertyName"), item.get("operator")
    definition = portal.schemas[obj].live(str(name))
    if definition is None:
        raise invalid(f"Property {name} does not exist", propertyName=str(name))
    make = _OPERATORS.get(str(operator))
    if make is None:
        raise invalid(f"{operator} is not a valid operator; valid: {', '.join(_OPERATORS)}")
    if str(operator).endswith("HAS_PROPERTY") and item.get("value") is not None:
        raise invalid(f"{operator} does not allow a value")
    return make(str(name), _key_for(definition["type"]), item)


def _key_for(kind: str) -> Key:
    if kind == "number":
        return _as_number
    if kind in ("date", "datetime"):
        return millis
    return str.lower


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _given(item: dict[str, Any], name: str, key: Key) -> Any:
    value = item.get(name)
    if value is None or value == "":
        raise invalid(f"{item['operator']} on {item['propertyName']} needs {name}")
    found = key(str(value))
    if found is None:
        raise invalid(f"{value} is not a valid value for {item['propertyName']}")
    return found


def _compare(accept: Callable[[Any, Any], bool]) -> Callable[[str, Key, dict[str, Any]], Test]:
    def make(name: str, key: Key, item: dict[str, Any]) -> Test:
        wanted = _given(item, "value", key)

        def test(values: dict[str, str]) -> bool:
            text = values.get(name)
            found = key(text) if text else None
            return found is not None and accept(found, wanted)

        return test

    return make


def _between(name: str, key: Key, item: dict[str, Any]) -> Test:
    low, high = _given(item, "value", key), _given(item, "highValue", key)

    def test(values: dict[str, str]) -> bool:
        text = values.get(name)
        found = key(text) if text else None
        return found is not None and low <= found <= high

    return test


def _among(name: str, key: Key, item: dict[str, Any], inside: bool) -> Test:
    listed = item.get("values")
    if not isinstance(listed, list) or not listed:
        raise invalid(f"{item['operator']} on {name} needs values, a list")
    wanted = {key(str(value)) for value in listed}

    def test(values: dict[str, str]) -> bool:
        text = values.get(name)
        return bool(text) and (key(text or "") in wanted) == inside

    return test


def _has(name: str, _key: Key, _item: dict[str, Any], inside: bool) -> Test:
    return lambda values: bool(values.get(name)) == inside


def _token(name: str, _key: Key, item: dict[str, Any], inside: bool) -> Test:
    pattern = _given(item, "value", str.lower)

    def test(values: dict[str, str]) -> bool:
        text = (values.get(name) or "").lower()
        tokens = {text, *TOKEN.findall(text), *re.findall(r"\w+", text)}
        return any(fnmatchcase(token, pattern) for token in tokens if token) == inside

    return test


_OPERATORS: dict[str, Callable[[str, Key, dict[str, Any]], Test]] = {
    "EQ": _compare(lambda found, wanted: bool(found == wanted)),
    "NEQ": _compare(lambda found, wanted: bool(found != wanted)),
    "LT": _compare(lambda found, wanted: bool(found < wanted)),
    "LTE": _compare(lambda found, wanted: bool(found <= wanted)),
    "GT": _compare(lambda found, wanted: bool(found > wanted)),
    "GTE": _compare(lambda found, wanted: bool(found >= wanted)),
    "BETWEEN": _between,
    "IN": lambda name, key, item: _among(name, key, item, True),
    "NOT_IN": lambda name, key, item: _among(name, key, item, False),
    "HAS_PROPERTY": lambda name, key, item: _has(name, key, item, True),
    "NOT_HAS_PROPERTY": lambda name, key, item: _has(name, key, item, False),
    "CONTAINS_TOKEN": lambda name, key, item: _token(name, key, item, True),
    "NOT_CONTAINS_TOKEN": lambda name, key, item: _token(name, key, item, False),
}


def _words(query: Any) -> list[str]:
    if query is None:
        return []
    if not isinstance(query, str) or len(query) > LONGEST_QUERY:
        raise invalid(f"query must be a string of at most {LONGEST_QUERY} characters")
    return query.lower().split()


def _has_words(record: Record, words: list[str]) -> bool:
    if not words:
        return True
    text = " ".join(record["properties"].get(name) or "" for name in SEARCHED).lower()
    return all(word in text for word in words)


def _sorted(portal: Portal, obj: str, records: list[Record], sorts: Any) -> list[Record]:
    """By the first sort, ids breaking ties; a record without the value comes last."""
    if not sorts:
        return sorted(records, key=lambda record: int(record["id"]))
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid("sorts must be a list with one entry")
    name, descending = _sort(sorts[0])
    definition = portal.schemas[obj].live(name)
    if definition is None:
        raise invalid(f"Property {name} does not exist", propertyName=name)
    key = _key_for(definition["type"])
    keyed = [(key(record["properties"].get(name) or ""), record) for record in records]
    with_value = [pair for pair in keyed if pair[0] not in (None, "")]
    without = [record for value, record in keyed if value in (None, "")]
    with_value.sort(key=lambda pair: int(pair[1]["id"]))
    with_value.sort(key=lambda pair: pair[0], reverse=descending)
    return [record for _, record in with_value] + sorted(without, key=lambda record: int(record["id"]))


def _sort(given: Any) -> tuple[str, bool]:
    """A sort is an object, or a property's name with a minus in front for the descending order."""
    if isinstance(given, str):
        return given.removeprefix("-"), given.startswith("-")
    if isinstance(given, dict) and isinstance(given.get("propertyName"), str):
        return given["propertyName"], given.get("direction", "ASCENDING") == "DESCENDING"
    raise invalid("a sort is a property's name or {propertyName, direction}")
