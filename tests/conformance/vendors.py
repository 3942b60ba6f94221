"""What the connector suites share: a sandbox to talk to, its admin API, and a plain reading of what land does."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tailrace.connectors.sdk.base import (
    Connector,
    Context,
    ResourceSpec,
    Source,
)
from tailrace.connectors.sdk.options import check_resource
from tailrace.connectors.sdk.registry import declaration
from tailrace.records import Checkpoint, Page, Quota, Schema, Scope
from tailrace.sandbox.server import Sandbox

BRISK = {"requests": 10_000, "seconds": 0.2}
"""A rate limit that holds up no test; its window is also the wait after a 429 that names none."""


@dataclass
class FreeLimiter:
    """Never waits; remembers what it was told."""

    acquired: list[str] = field(default_factory=list)
    learned: list[tuple[int, float, str]] = field(default_factory=list)
    blocked: list[tuple[float, str]] = field(default_factory=list)
    quotas: dict[str, Quota] = field(default_factory=dict)

    def acquire(self, bucket: str = "") -> float:
        self.acquired.append(bucket)
        return 0.0

    def done(self, bucket: str = "") -> None:
        """Nothing is held."""

    def learn(self, limit: int, window: float, bucket: str = "") -> None:
        self.learned.append((limit, window, bucket))

    def block(self, seconds: float, bucket: str = "") -> None:
        self.blocked.append((seconds, bucket))

    def report(self, quota: Quota) -> None:
        self.quotas[quota.name] = quota


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Desk:
    """A running sandbox as a person with the admin API sees it."""

    sandbox: Sandbox

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.sandbox.url}/_sandbox/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def reset(self) -> None:
        self.call("POST", "reset")
        self.call("PUT", "faults", [])

    def records(self, vendor: str, obj: str) -> list[dict[str, Any]]:
        return self.call("GET", f"records/{vendor}/{obj}")

    def save(self, vendor: str, obj: str, *records: dict[str, Any]) -> None:
        self.call("POST", f"records/{vendor}/{obj}", list(records))

    def replace(self, vendor: str, obj: str, records: list[dict[str, Any]]) -> None:
        self.call("PUT", f"records/{vendor}/{obj}", records)

    def remove(self, vendor: str, obj: str, key: str) -> None:
        self.call("DELETE", f"records/{vendor}/{obj}?id={key}")

    def faults(self, *rules: dict[str, Any]) -> None:
        self.call("PUT", "faults", list(rules))

    def requests(self, vendor: str, part: str = "") -> list[dict[str, Any]]:
        return [entry for entry in self.call("GET", f"requests?vendor={vendor}") if part in entry["path"]]

    def writes(self, vendor: str, obj: str) -> dict[str, int]:
        return self.call("GET", f"writes/{vendor}/{obj}")


def connect(
    vendor: str, url: str, options: Mapping[str, Any], limiter: FreeLimiter | None = None
) -> Connector:
    """An open connection to `url`, named as the vendor."""
    found = declaration(vendor)
    assert found is not None and found.open is not None
    context = Context(vendor, limiter or FreeLimiter(), utc_now)
    return found.open({"base_url": url, "rate_limit": BRISK, **options}, context)


def spec(vendor: str, resource: str, options: Mapping[str, Any] | None = None) -> ResourceSpec:
    found = declaration(vendor)
    assert found is not None
    filled, problems = check_resource(found, resource, options or {})
    assert problems == []
    return ResourceSpec(resource, filled)


@dataclass
class Landed:
    """Rows by key as landing would hold them: newer versions win, tombstones remove, scopes remove what was not shown."""

    schema: Schema
    rows: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)
    position: dict[str, Any] | None = None
    shown: int = 0

    def read(self, source: Source, resource: ResourceSpec) -> Landed:
        """One run; `shown` is how many rows came."""
        self.shown, met = 0, set[tuple[Any, ...]]()
        for part in source.read(resource, self.schema, self.position):
            if isinstance(part, Page):
                met |= self._page(part)
                continue
            assert isinstance(part, Checkpoint)
            self.position = json.loads(json.dumps(part.position))
            for scope in part.scopes:
                gone = [key for key, row in self.rows.items() if key not in met and _inside(row, scope)]
                for key in gone:
                    del self.rows[key]
            ended_by_checkpoint = part
        assert ended_by_checkpoint is part, "a read ends with a checkpoint"
        return self

    def key(self, row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(str(row[name]) for name in self.schema.primary_key)

    def _page(self, page: Page) -> set[tuple[Any, ...]]:
        assert page.rows, "an empty page says nothing"
        if page.versions is not None:
            assert len(page.versions) == len(page.rows)
        self.shown += len(page.rows)
        if page.deleted:
            for row in page.rows:
                self.rows.pop(self.key(row), None)
            return set()
        names = self.schema.names()
        for row in page.rows:
            self.rows[self.key(row)] = {name: row.get(name) for name in names}
        return {self.key(row) for row in page.rows}


def _inside(row: dict[str, Any], scope: Scope) -> bool:
    equal = all(str(row[column]) in values for column, values in scope.equals.items())
    if scope.between is None:
        return equal
    column, first, last = scope.between
    return equal and first <= str(row[column]) <= last
