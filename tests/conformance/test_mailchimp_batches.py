"""Background batches that outlive their run: none writes old values over newer ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.http import Lost
from tailrace.errors import AuthError, Unavailable
from tailrace.sandbox.server import Sandbox
from tests.conformance.mailchimp_writing import LOGIN, NEWSLETTER, Writing, member, members, row
from tests.conformance.vendors import Desk, connect

ROUTE, LATE = "/3.0/batches", {"batch_wait": "0.02s"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=60, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


def opened(sandbox: Sandbox, **options: Any) -> Connector:
    return connect("mailchimp", sandbox.base_url("mailchimp"), {**LOGIN, **options})


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = opened(sandbox)
    yield connector
    connector.close()


def http(connector: Connector) -> Any:
    return connector.destination()._api.http  # type: ignore[attr-defined]


def open_batches(connector: Connector) -> list[str]:
    batches = http(connector).request("GET", ROUTE).json()["batches"]
    return [each["id"] for each in batches if each["status"] != "finished"]


def worked_off(connector: Connector) -> None:
    """Mailchimp's own time goes by."""
    while keys := open_batches(connector):
        http(connector).request("GET", f"{ROUTE}/{keys[0]}")


def started(connector: Connector, email: str, company: str) -> None:
    """As a run leaves it that was killed."""
    key = member_key(email)
    body = f'{{"merge_fields": {{"COMPANY": "{company}"}}}}'
    operation = {
        "method": "PATCH",
        "path": f"/lists/{NEWSLETTER}/members/{key}",
        "operation_id": "1",
        "body": body,
    }
    http(connector).request("POST", ROUTE, json={"operations": [operation]})


def member_key(email: str) -> str:
    from tailrace.connectors.mailchimp.outcomes import email_hash

    return email_hash(email)


def test_a_batch_that_takes_too_long_is_stopped(sandbox: Sandbox, connector: Connector, desk: Desk) -> None:
    late = opened(sandbox, **LATE)
    emails = [each["email_address"] for each in members(desk)[:2]]
    writing = Writing(late.destination(), batch_from=2)
    with pytest.raises(Lost, match="not done"):
        writing.send("update", *(row(email, COMPANY="OLD") for email in emails))
    assert [each.outcome for each in writing.send("update", row(emails[0], COMPANY="NEW"))] == ["acked"]
    worked_off(connector)
    assert member(desk, emails[0])["merge_fields"]["COMPANY"] == "NEW"
    assert desk.writes("mailchimp", "members") == {member_key(emails[0]): 1}
    late.close()


def test_a_batch_that_cannot_be_stopped_is_waited_for(
    sandbox: Sandbox, connector: Connector, desk: Desk
) -> None:
    late = opened(sandbox, **LATE, max_wait="0.1s")
    email = members(desk)[0]["email_address"]
    writing = Writing(late.destination(), batch_from=1)
    desk.faults({"vendor": "mailchimp", "route": f"{ROUTE}/*", "method": "DELETE", "status": 500})
    with pytest.raises(Lost):
        writing.send("update", row(email, COMPANY="OLD"))
    waiting = Writing(writing.destination, batch_from=9)
    for _ in range(3):
        try:
            results = waiting.send("update", row(email, COMPANY="NEW"))
            break
        except Unavailable as error:
            assert "left it open" in error.message
            assert member(desk, email)["merge_fields"]["COMPANY"] != "NEW"
    assert [each.outcome for each in results] == ["acked"]
    worked_off(connector)
    assert member(desk, email)["merge_fields"]["COMPANY"] == "NEW"
    late.close()


def test_a_batch_of_an_earlier_run_is_waited_for(connector: Connector, desk: Desk) -> None:
    email = members(desk)[0]["email_address"]
    started(connector, email, "OLD")
    results = Writing(connector.destination()).send("update", row(email, COMPANY="NEW"))
    assert [each.outcome for each in results] == ["acked"]
    worked_off(connector)
    assert member(desk, email)["merge_fields"]["COMPANY"] == "NEW"


def test_after_a_lost_start_no_batch_is_left(connector: Connector, desk: Desk) -> None:
    emails = [each["email_address"] for each in members(desk)[:2]]
    desk.faults({"vendor": "mailchimp", "route": ROUTE, "method": "POST", "nth": 1, "lost_answer": True})
    writing = Writing(connector.destination(), batch_from=2)
    results = writing.send("update", *(row(email, COMPANY="NEW") for email in emails))
    assert [each.outcome for each in results] == ["acked", "acked"]
    assert open_batches(connector) == []


def test_operations_that_the_key_may_not_do_end_the_sync(
    connector: Connector, desk: Desk, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    from tailrace.sandbox.mailchimp.problem import Problem

    email = members(desk)[0]["email_address"]
    writing = Writing(connector.destination(), batch_from=1)
    writing.fields()
    denied = Problem(403, "The user does not have access.", "Forbidden").response()
    monkeypatch.setattr(sandbox.house.fakes["mailchimp"], "_operation", lambda _: denied)  # type: ignore[attr-defined]
    with pytest.raises(AuthError, match="403"):
        writing.send("update", row(email, COMPANY="NEW"))
