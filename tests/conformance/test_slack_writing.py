"""Slack's messages: what arrives, what Slack refuses, and what a lost answer means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tailrace.connectors.sdk.base import Connector
from tailrace.connectors.sdk.http import Lost
from tailrace.connectors.sdk.writing import WriteBatch, WriteResult, WriteRow
from tailrace.errors import AuthError, FatalError, Unavailable
from tailrace.sandbox.server import Sandbox
from tests.conformance.hooks import opened, slack, with_options
from tests.conformance.vendors import Desk, FreeLimiter


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=1, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    desk.reset()
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = slack(sandbox)
    yield connector
    connector.close()


def post(connector: Connector, *values: dict[str, Any], **options: Any) -> list[WriteResult]:
    rows = tuple(WriteRow(str(number), None, each) for number, each in enumerate(values))
    batch = WriteBatch("messages", "create", None, rows)
    return connector.destination().write(with_options("slack", batch, **options))


def texts(desk: Desk) -> list[str]:
    return [message["text"] for message in desk.records("slack", "messages")]


def test_a_message_arrives_once_and_as_it_is(connector: Connector, desk: Desk) -> None:
    text = '=HYPERLINK("x") 🎉\nline two "quoted" 9007199254740993'
    assert post(connector, {"text": text, "icon_emoji": None, "username": "bot & co"}) == [
        WriteResult("0", "acked")
    ]
    (message,) = desk.records("slack", "messages")
    assert (message["text"], message["username"]) == (text, "bot & co")
    assert "icon_emoji" not in message
    assert list(desk.writes("slack", "messages").values()) == [1]


def test_markup_in_a_value_calls_nobody_unless_it_is_meant(connector: Connector, desk: Desk) -> None:
    post(connector, {"text": "<!channel> & <b>"})
    post(connector, {"text": "<!here> &amp;"}, raw=True)
    assert texts(desk) == ["&lt;!channel&gt; &amp; &lt;b&gt;", "<!here> &amp;"]


def test_blocks_are_sent_as_the_json_that_they_are(connector: Connector, desk: Desk) -> None:
    blocks = '[{"type": "section", "text": {"type": "mrkdwn", "text": "<a|b> & c"}}]'
    assert (
        post(connector, {"blocks": blocks, "unfurl_links": False, "link_names": "true"})[0].outcome == "acked"
    )
    (message,) = desk.records("slack", "messages")
    assert message["blocks"][0]["text"]["text"] == "<a|b> & c"
    assert (message["unfurl_links"], message["link_names"]) == (False, True)


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"text": None}, "text", "nothing to say"),
        ({"text": "", "blocks": "[]"}, "text", "nothing to say"),
        ({"text": "x" * 40_001}, "text", "40001 characters"),
        ({"text": "&" * 10_000}, "text", "50000 characters, escapes included"),
        ({"blocks": "[{"}, "blocks", "not JSON"),
        ({"blocks": '{"type": "section"}'}, "blocks", "no JSON list"),
        ({"text": "x", "unfurl_media": "perhaps"}, "unfurl_media", "neither true nor false"),
        ({"text": "x", "colour": "red"}, "colour", "has no colour"),
        ({"text": b"x"}, "text", "no text"),
    ],
)
def test_what_is_no_message_is_never_sent(
    connector: Connector, desk: Desk, values: dict[str, Any], field: str, reason: str
) -> None:
    sent = len(desk.requests("slack"))
    (result,) = post(connector, values)
    assert (result.outcome, result.field) == ("dead", field)
    assert reason in (result.reason or "")
    assert len(desk.requests("slack")) == sent


def test_a_message_that_slack_refuses_is_dead_with_its_word_and_the_next_goes_on(
    connector: Connector, desk: Desk
) -> None:
    results = post(connector, {"blocks": '[{"no": "type"}]', "text": "a"}, {"text": "b"})
    assert [(one.outcome, one.field) for one in results] == [("dead", "blocks"), ("acked", None)]
    assert "invalid_blocks" in (results[0].reason or "")
    assert texts(desk) == ["b"]


def test_a_row_error_is_of_its_row(connector: Connector, desk: Desk) -> None:
    refused = {"keys": ["b"], "message": "msg_too_long"}
    desk.faults({"vendor": "slack", "route": "*", "row_error": refused})
    results = post(connector, {"text": "a"}, {"text": "b"}, {"text": "c"})
    assert [(one.outcome, one.field) for one in results] == [
        ("acked", None),
        ("dead", "text"),
        ("acked", None),
    ]


@pytest.mark.parametrize(
    ("status", "word", "error"),
    [
        (403, "action_prohibited", AuthError),
        (404, "no_service", FatalError),
        (410, "channel_is_archived", FatalError),
    ],
)
def test_a_webhook_that_is_gone_stops_and_says_the_fix(
    connector: Connector, desk: Desk, status: int, word: str, error: type[Exception]
) -> None:
    desk.faults({"vendor": "slack", "route": "*", "status": status, "body": word})
    with pytest.raises(error, match=word) as caught:
        post(connector, {"text": "a"})
    assert "webhook_url" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_limited_message_waits_and_is_posted_once(sandbox: Sandbox, desk: Desk) -> None:
    limiter = FreeLimiter()
    limited = {"status": 429, "headers": {"retry-after": "0.02"}, "body": "rate_limited"}
    desk.faults({"vendor": "slack", "route": "*", "nth": [1, 2], **limited})
    with closing(slack(sandbox, limiter=limiter)) as patient:
        assert post(patient, {"text": "a"})[0].outcome == "acked"
    assert limiter.blocked == [(0.02, ""), (0.02, "")]
    assert texts(desk) == ["a"]


@pytest.mark.parametrize("fault", [{"lost_answer": True}, {"status": 500, "body": "rollup_error"}])
def test_a_message_whose_answer_is_lost_is_not_repeated(
    connector: Connector, desk: Desk, fault: dict[str, Any]
) -> None:
    desk.faults({"vendor": "slack", "route": "*", "nth": 1, **fault})
    with pytest.raises(Lost):
        post(connector, {"text": "a"})
    assert texts(desk) == ["a"] * ("lost_answer" in fault)


def test_an_answer_that_is_not_ok_leaves_the_row_unknown(connector: Connector, desk: Desk) -> None:
    desk.faults({"vendor": "slack", "route": "*", "status": 200, "body": "<html>log in</html>"})
    assert post(connector, {"text": "a"})[0].outcome == "unknown"


def test_after_a_message_an_error_is_the_others_outcome(connector: Connector, desk: Desk) -> None:
    desk.faults({"vendor": "slack", "route": "*", "nth": 2, "status": 503, "body": "down"})
    results = post(connector, {"text": "a"}, {"text": "b"}, {"text": "c"})
    assert [one.outcome for one in results] == ["acked", "unknown", "later"]


def test_the_limit_is_the_declared_one_unless_told_otherwise(sandbox: Sandbox) -> None:
    usual, off = FreeLimiter(), FreeLimiter()
    slack(sandbox, limiter=usual, rate_limit=None)
    slack(sandbox, limiter=off, rate_limit="off")
    assert (usual.learned, off.learned) == ([(1, 1.0, "")], [])


def test_nothing_listens_there(connector: Connector) -> None:
    nobody = opened("slack", webhook_url="http://127.0.0.1:9/services/T/B/secret-part")
    with pytest.raises(Unavailable) as caught:
        post(nobody, {"text": "a"})
    assert not isinstance(caught.value, Lost)
    assert "secret-part" not in str(caught.value)


def test_the_account_is_the_hook_without_its_secret(sandbox: Sandbox, connector: Connector) -> None:
    url = sandbox.base_url("slack")
    other_secret = opened("slack", webhook_url=url + "/services/T0001/B0001/anotherone")
    other_hook = opened("slack", webhook_url=url + "/services/T0001/B0002/s3cr3tpart")
    assert connector.account() == other_secret.account() != other_hook.account()
    assert connector.is_sandbox()
    with pytest.raises(FatalError, match="nothing to land"):
        connector.source()


def test_doctor_posts_nothing_that_anybody_sees(connector: Connector, desk: Desk) -> None:
    assert [(finding.level, "no_text" in finding.text) for finding in connector.examine()] == [("ok", True)]
    assert texts(desk) == []
    desk.faults({"vendor": "slack", "route": "*", "status": 404, "body": "no_service"})
    with pytest.raises(FatalError, match="gone"):
        list(connector.examine())
