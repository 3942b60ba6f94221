"""What Mailchimp has no form for, what it keeps of a value, and what an operation of a batch was refused for."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from tailrace.connectors.mailchimp.batches import Operation, Reply, _reply
from tailrace.connectors.mailchimp.fields import ListFields
from tailrace.connectors.mailchimp.operations import Operations
from tailrace.connectors.mailchimp.outcomes import Sent, acked
from tailrace.connectors.mailchimp.values import Unsendable, merge_value, not_kept, text
from tailrace.connectors.sdk.writing import WriteRow
from tailrace.errors import AuthError

WEST = timezone(timedelta(hours=-5))
HOME = {"addr1": "1 Main St", "city": "Rome", "state": "GA", "zip": "30161", "addr2": ""}


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        ("text", "Jane", ""),
        ("text", "Jane", "Bob"),
        ("text", "Jane Doe", "Jane"),
        ("phone", "abc", ""),
        ("zip", "30161", None),
        ("number", 12, ""),
        ("number", 12, "twelve"),
        ("number", 0, ""),
        ("date", "1969-01-01", "2001-01-01"),
        ("date", "1969-01-01", ""),
        ("birthday", "05/01", "01/05"),
        ("dropdown", "x", "y"),
        ("radio", "x", ""),
        ("address", HOME, ""),
        ("address", HOME, {**HOME, "zip": ""}),
    ],
)
def test_a_value_that_is_not_kept_is_told(kind: str, sent: Any, stored: Any) -> None:
    assert not_kept(kind, sent, stored)
    fields = ListFields("a1", {"F": kind}, {"F": ()})
    row = Sent(WriteRow("t", "a@x.example", {}), "a@x.example", "k", {"merge_fields": {"F": sent}})
    found = acked(row, {"id": "k", "merge_fields": {"F": stored}}, fields)
    assert (found.outcome, found.field, found.touched) == ("dead", "F", True)


@pytest.mark.parametrize(
    ("kind", "sent", "stored"),
    [
        ("text", "", "left"),
        ("text", "  ", ""),
        ("text", "a\r\nb & c ", "a b &amp; c"),
        ("text", "e\u0301", "\xe9"),
        ("phone", "5551234567", "(555) 123-4567"),
        ("url", "x.example", "http://x.example"),
        ("number", 12, "12.0"),
        ("number", 0, 0),
        ("date", "1969-01-01", "1969-01-01T00:00:00+00:00"),
        ("birthday", "05/01", "5/1"),
        ("address", HOME, {**HOME, "country": "US"}),
    ],
)
def test_another_spelling_is_kept(kind: str, sent: Any, stored: Any) -> None:
    assert not_kept(kind, sent, stored) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", datetime(2024, 5, 1, 10, 30)),
        ("date", datetime(2024, 5, 1, 23, tzinfo=WEST)),
        ("date", "2024-05-01T10:30:00Z"),
        ("date", "01/05/2024"),
        ("date", 5),
        ("birthday", datetime(2024, 5, 1, 10, 30)),
        ("number", "1_000"),
        ("number", "\u0663"),
        ("number", "abc"),
        ("number", "1e5_0"),
        ("text", datetime(9999, 12, 31, 23, 59, tzinfo=WEST)),
        ("text", "half \ud83d"),
    ],
)
def test_a_value_without_a_form_is_not_sent(kind: str, value: Any) -> None:
    with pytest.raises(Unsendable):
        merge_value(kind, value)


def test_values_that_have_a_form() -> None:
    assert merge_value("date", datetime(1969, 5, 1)) == merge_value("date", date(1969, 5, 1)) == "1969-05-01"
    assert merge_value("date", datetime(2024, 5, 1, tzinfo=WEST)) == "2024-05-01"
    assert merge_value("date", "2024-05-01") == merge_value("date", "2024-05-01T00:00:00Z") == "2024-05-01"
    assert merge_value("birthday", date(1969, 5, 1)) == "05/01"
    assert [merge_value("number", one) for one in (" 5 ", "-1.50", "1e5", ".5")] == [
        "5",
        "-1.50",
        "1e5",
        ".5",
    ]
    assert text(datetime(9999, 12, 31, 23, 59)) == "9999-12-31T23:59:00.000Z"


def replies(*found: Reply) -> Operations:
    batches: Any = SimpleNamespace(run=lambda _: {str(n): one for n, one in enumerate(found)})
    api: Any = SimpleNamespace(connection="mc")
    return Operations(api, batches)


ASKED = [Operation("0", "PATCH", "/a"), Operation("1", "PATCH", "/b")]


@pytest.mark.parametrize("denied", [Reply(401, {}), Reply(403, {"title": "Forbidden", "detail": "no role"})])
def test_refused_credentials_in_a_batch_are_no_members_fault(denied: Reply) -> None:
    with pytest.raises(AuthError, match=str(denied.status)):
        replies(denied, denied).run(ASKED, 1)
    found = replies(Reply(200, {"id": "a"}), denied).run(ASKED, 1)
    assert list(found.found) == ["0"]
    assert str(denied.status) in (found.broke or "")


def test_a_bare_403_in_a_batch_is_its_rows_alone() -> None:
    found = replies(Reply(403, {}), Reply(200, {"id": "b"})).run(ASKED, 1)
    assert (sorted(found.found), found.broke) == (["0", "1"], None)


@pytest.mark.parametrize(
    ("status", "read"), [("200", 200), (204, 204), ("", None), (None, None), ("?", None), (0, None)]
)
def test_a_status_as_text_is_read_and_none_is_no_answer(status: Any, read: int | None) -> None:
    found = _reply({"status_code": status, "response": "{}"})
    assert (found and found.status) == read
