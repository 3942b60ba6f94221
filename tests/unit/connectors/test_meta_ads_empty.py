"""A Meta account that is suddenly empty: a lost permission looks so, and a broken answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.conformance.vendors import Desk, connect, spec, utc_now
from tests.unit.connectors.test_meta_ads_storms import (
    DE,
    JSON,
    LOGIN,
    RESOURCE,
    US,
    US_INSIGHTS,
    fault,
    wanted,
    whole,
)

from tailrace.connectors.sdk.base import Connector
from tailrace.events import Event, Notice, listening
from tailrace.sandbox.server import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=60, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def open_(sandbox: Sandbox) -> Iterator[Any]:
    opened: list[Connector] = []

    def make(**more: Any) -> Connector:
        opened.append(connect("meta_ads", sandbox.base_url("meta_ads"), {**LOGIN, "async": "never", **more}))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


EMPTY = {"status": 200, "headers": JSON, "body": {"data": []}}


@pytest.mark.parametrize("name", ["campaigns", RESOURCE])
def test_an_account_that_is_suddenly_empty_loses_its_rows_at_the_second_time(
    open_: Any, desk: Desk, name: str
) -> None:
    connector, resource = open_(), spec("meta_ads", name)
    landed = whole(connector, resource)
    before = dict(landed.rows)
    fault(desk, f"/v26.0/act_{US}/{name.removeprefix('campaign_')}", EMPTY)
    heard: list[Event] = []
    with listening(heard.append):
        landed.read(connector.source(), resource)
    assert landed.rows == before
    told = [event.text for event in heard if isinstance(event, Notice)]
    assert len(told) == 1 and f"meta_ads.{name} of act_{US}: the vendor shows no row" in told[0]
    desk.faults()
    landed.read(connector.source(), resource)
    assert landed.rows == before
    fault(desk, f"/v26.0/act_{US}/{name.removeprefix('campaign_')}", EMPTY)
    landed.read(connector.source(), resource)
    landed.read(connector.source(), resource)
    left = {row["account_id"] for key, row in landed.rows.items() if name == "campaigns" or _in_window(key)}
    assert left == {DE}


def test_no_day_leaves_a_window_that_is_suddenly_empty(open_: Any, desk: Desk) -> None:
    connector, resource = open_(account_ids=[US]), wanted()
    landed = whole(connector, resource)
    position: dict[str, Any] = landed.position or {}
    earlier = (utc_now().date() - timedelta(days=1)).isoformat()
    position["accounts"][US]["through"] = earlier
    fault(desk, US_INSIGHTS, EMPTY)
    landed.read(connector.source(), resource)
    assert (landed.position or {})["accounts"][US] == {"through": earlier, "digest": "emptied"}


def _in_window(key: tuple[Any, ...]) -> bool:
    return str(key[2]) > (utc_now().date() - timedelta(days=20)).isoformat()
