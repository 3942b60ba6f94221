"""The shape of dlt's RESTAPIConfig, as far as YAML can hold it; dlt itself checks the rest before the first request.

The words are those of dlt/sources/rest_api/typing.py, which a test holds against them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.connectors.sdk.options import Problem
from tailrace.errors import near_miss

CONFIG = ("client", "resource_defaults", "resources")
CLIENT = ("base_url", "headers", "auth", "paginator")
RESOURCE = (
    "name",
    "endpoint",
    "include_from_parent",
    "primary_key",
    "write_disposition",
    "columns",
    "selected",
    "parallelized",
)
ENDPOINT = (
    "path",
    "method",
    "params",
    "json",
    "data",
    "paginator",
    "data_selector",
    "response_actions",
    "incremental",
    "auth",
    "headers",
)
INCREMENTAL = (
    "cursor_path",
    "initial_value",
    "last_value_func",
    "primary_key",
    "end_value",
    "row_order",
    "allow_external_schedulers",
    "lag",
    "on_cursor_value_missing",
    "range_start",
    "range_end",
    "start_param",
    "end_param",
)
PAGINATORS = (
    "json_link",
    "json_response",
    "header_link",
    "header_cursor",
    "auto",
    "single_page",
    "cursor",
    "offset",
    "page_number",
)
AUTHS = ("bearer", "api_key", "http_basic", "oauth2_client_credentials")
ELSEWHERE = {
    "table_name": "A table is named as its resource here: rename the resource",
    "max_table_nesting": "Nested values are json columns here: remove it",
    "nested_hints": "Nested values are json columns here: remove it",
    "schema_contract": "Write `contract:` at the resource, under the pipeline's `resources:`",
    "merge_key": "Rows are merged by their primary key here: remove it",
    "processing_steps": "They are Python: write a `source: python`, or a model",
    "session": "It is Python: write a `source: python`",
}
"""Words of dlt's that say nothing in YAML or here, and what to do in their place."""
Path = tuple[str | int, ...]


def problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong in `config:`; paths start at it."""
    yield from _known(config, CONFIG, ("config",), "config")
    client = config.get("client")
    if not isinstance(client, Mapping):
        yield ("config", "client"), "config needs a client", "Add `client: {base_url: ...}`"
    else:
        yield from _client(client)
    defaults = config.get("resource_defaults")
    if defaults is not None:
        yield from _resource(defaults, ("config", "resource_defaults"), named=False)
    resources = config.get("resources")
    if not isinstance(resources, Sequence) or isinstance(resources, str) or not resources:
        yield ("config", "resources"), "config needs a list of resources", "Add `resources: [orders]`"
        return
    for number, resource in enumerate(resources):
        yield from _resource(resource, ("config", "resources", number), named=True)
    yield from _twice(config)


def names(config: Mapping[str, Any], *, selected: bool = True) -> list[str]:
    """The resources of a config; with `selected` those only that are landed by themselves."""
    found = []
    for resource in config.get("resources") or ():
        if isinstance(resource, str):
            found.append(resource)
        elif isinstance(resource, Mapping) and (not selected or resource.get("selected") is not False):
            found.append(str(resource.get("name")))
    return found


def settled(config: Mapping[str, Any], name: str, word: str) -> Any:
    """What a resource says of `word`, or the defaults do."""
    defaults = config.get("resource_defaults") or {}
    for resource in config.get("resources") or ():
        if isinstance(resource, Mapping) and resource.get("name") == name and word in resource:
            return resource[word]
    return defaults.get(word)


def _client(client: Mapping[str, Any]) -> Iterator[Problem]:
    path: Path = ("config", "client")
    yield from _known(client, CLIENT, path, "client")
    url = client.get("base_url")
    if not url:
        yield path, "client needs a base_url", "Add `base_url: https://...`"
    elif isinstance(url, str) and not url.startswith(("http://", "https://")):
        yield (*path, "base_url"), f"{url[:60]!r} is no URL", "Write it with http:// or https://"
    yield from _typed(client, "auth", AUTHS, path)
    yield from _typed(client, "paginator", PAGINATORS, path)


def _resource(resource: Any, path: Path, *, named: bool) -> Iterator[Problem]:
    if named and isinstance(resource, str):
        return
    if not isinstance(resource, Mapping):
        yield path, "a resource must be a name or a mapping", "Write `{name: orders, endpoint: {path: ...}}`"
        return
    yield from _known(resource, RESOURCE, path, "a resource")
    if named and not isinstance(resource.get("name"), str):
        yield path, "a resource needs a name", "Add `name: ...`"
    endpoint = resource.get("endpoint")
    if isinstance(endpoint, Mapping):
        yield from _endpoint(endpoint, (*path, "endpoint"))
    elif endpoint is not None and not isinstance(endpoint, str):
        yield (*path, "endpoint"), "endpoint must be a path or a mapping", "Write `endpoint: {path: ...}`"


def _endpoint(endpoint: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    yield from _known(endpoint, ENDPOINT, path, "endpoint")
    yield from _typed(endpoint, "auth", AUTHS, path)
    yield from _typed(endpoint, "paginator", PAGINATORS, path)
    incremental = endpoint.get("incremental")
    if isinstance(incremental, Mapping):
        yield from _known(incremental, INCREMENTAL, (*path, "incremental"), "incremental")
        if not incremental.get("cursor_path"):
            yield (*path, "incremental"), "incremental needs a cursor_path", "Name the field that orders rows"


def _known(data: Mapping[str, Any], words: Sequence[str], path: Path, what: str) -> Iterator[Problem]:
    for key in data:
        if key not in words:
            yield (*path, key), f"{what} has no key {key}", ELSEWHERE.get(key) or near_miss(key, words)


def _typed(data: Mapping[str, Any], key: str, types: Sequence[str], path: Path) -> Iterator[Problem]:
    """A word, or a mapping with `type`: of the kinds that dlt has."""
    value = data.get(key)
    kind = value.get("type") if isinstance(value, Mapping) else value
    if isinstance(kind, str) and kind not in types:
        where = (*path, key, "type") if isinstance(value, Mapping) else (*path, key)
        yield where, f"{key} cannot be {kind[:60]}", near_miss(kind, types)


def _twice(config: Mapping[str, Any]) -> Iterator[Problem]:
    every = names(config, selected=False)
    for number, name in enumerate(every):
        if name in every[:number]:
            yield ("config", "resources", number), f"{name} is already a resource", "Rename one of the two"
