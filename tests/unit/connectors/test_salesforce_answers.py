"""Answers of Salesforce that lack rows or keys: none is taken for a complete read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.conformance.vendors import Desk, connect, spec
from tests.unit.connectors.test_salesforce_storms import PAGE, PAGES, broken, fault, land, lead, same

from tailrace.connectors.salesforce.api import Api
from tailrace.connectors.salesforce.recent import digest
from tailrace.connectors.sdk.base import Connector
from tailrace.errors import Unavailable
from tailrace.sandbox.salesforce import query as sandbox_query
from tailrace.sandbox.server import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_query, "PAGE", PAGE)


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("salesforce", sandbox.base_url("salesforce"), {"access_token": "sandbox"})
    yield connector
    connector.close()


def test_an_empty_page_of_many_rows_deletes_nothing(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "User", {"sweep": "0s", "via": "rest"})
    landed = land(connector, resource)
    before = dict(landed.rows)
    fault(desk, PAGES, status=200, body={"totalSize": 7, "done": True, "records": []})
    with pytest.raises(Unavailable, match="answered 0 of 7 rows of User"):
        landed.read(connector.source(), resource)
    assert before and landed.rows == before
    desk.faults()
    same(land(connector, resource, landed), desk, "User")


@pytest.mark.parametrize("hole", ["last", "middle", "short"])
def test_a_page_that_lacks_rows_moves_no_cursor_past_them(
    hole: str, connector: Connector, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`middle`: an empty page with more behind it; `short`: one row is left out, which only the locator and the end tell."""
    resource = spec("salesforce", "Lead", {"via": "rest", "overlap": "0s"})
    landed = land(connector, resource)
    now = datetime.now(UTC) - timedelta(minutes=10)
    fresh = [
        {**lead(number), "SystemModstamp": (now + timedelta(seconds=number)).strftime("%FT%T.000+0000")}
        for number in range(4 * PAGE)
    ]
    desk.save("salesforce", "Lead", *fresh)
    more = Api.more
    total = {"totalSize": 4 * PAGE + 1}

    def holed(self: Api, path: str) -> Any:
        document = more(self, path)
        if path.endswith(f"-{PAGE}"):
            kept = document["records"][:-1] if hole == "short" else []
            end = {**total, "done": True} if hole == "last" else {}
            return {**document, "records": kept, **end}
        return document

    monkeypatch.setattr(Api, "more", holed)
    with pytest.raises(Unavailable, match=r"Salesforce answered \d+ of \d+ rows of Lead"):
        landed.read(connector.source(), resource)
    monkeypatch.setattr(Api, "more", more)
    same(land(connector, resource, landed), desk, "Lead")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"totalSize": 1, "done": True},
        {"totalSize": 1, "records": []},
        {"done": True, "records": []},
        {"totalSize": 3, "done": False, "records": []},
    ],
)
def test_half_an_answer_to_a_query_is_none(body: Any, connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Lead", {"via": "rest"})
    fault(desk, PAGES, status=200, body=body)
    landed = broken(connector, resource, Unavailable, "the answer is no .* missing. run again")
    assert landed.rows == {} and landed.position is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "Lead"},
        {"fields": []},
        {"name": "Lead", "fields": []},
        {"name": "Lead", "fields": [{"name": "Id"}]},
        {"name": "Lead", "fields": [{"name": "Email", "type": "email"}]},
    ],
)
def test_half_a_description_is_none(body: Any, connector: Connector, desk: Desk) -> None:
    fault(desk, "*/describe", status=200, body=body)
    with pytest.raises(Unavailable, match="the answer is no description"):
        connector.source().schema(spec("salesforce", "Lead"))


def test_half_a_list_of_deleted_records_is_none(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Contact", {"deleted_sweep": "1m"})
    landed = land(connector, resource)
    ago = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    landed.position = {**(landed.position or {}), "deleted": ago}
    fault(desk, "*/deleted*", status=200, body={"deletedRecords": []})
    with pytest.raises(Unavailable, match="no list of deleted records: latestDateCovered missing"):
        landed.read(connector.source(), resource)
    assert (landed.position or {})["deleted"] == ago


def test_numbers_of_any_length_are_compared() -> None:
    assert digest({"a": 2**70}) != digest({"a": 2**70 + 1})
    assert digest({"a": Decimal("1.10")}) != digest({"a": Decimal("1.20")})
    assert digest({"a": "\ud800"}) == digest({"a": "\ud800"})
