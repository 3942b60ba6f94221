"""Slack's own SDK against the sandbox, and our messages against the SDK's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from slack_sdk.webhook import WebhookClient

from tailrace.connectors.sdk.writing import WriteBatch, WriteRow
from tailrace.sandbox.server import Sandbox
from tests.conformance.hooks import SLACK_PATH, slack
from tests.conformance.vendors import Desk

BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*score* <https://x.example|91> & more 🎉"}}]


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
def client(sandbox: Sandbox) -> WebhookClient:
    return WebhookClient(sandbox.base_url("slack") + SLACK_PATH)


def test_our_message_is_the_sdks(client: WebhookClient, sandbox: Sandbox, desk: Desk) -> None:
    answer = client.send(text="hello", blocks=BLOCKS, unfurl_links=False)
    assert (answer.status_code, answer.body) == (200, "ok")
    values = {"text": "hello", "blocks": json.dumps(BLOCKS), "unfurl_links": False}
    with closing(slack(sandbox)) as connector:
        connector.destination().write(WriteBatch("messages", "create", None, (WriteRow("0", None, values),)))
    theirs, ours = ({**one, "id": "", "ts": ""} for one in desk.records("slack", "messages"))
    assert ours == theirs


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        ({"text": ""}, "no_text"),
        ({"blocks": [{"text": "x"}]}, "invalid_blocks"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"text": "x", "colour": "red"}, "invalid_payload"),
    ],
)
def test_the_sandbox_refuses_by_slacks_words(
    client: WebhookClient, payload: dict[str, object], word: str
) -> None:
    answer = client.send_dict(payload)
    assert (answer.status_code, answer.body) == (400, word)


def test_an_unknown_path_is_no_webhook(sandbox: Sandbox) -> None:
    answer = WebhookClient(sandbox.base_url("slack") + "/services/T0001").send(text="x")
    assert (answer.status_code, answer.body) == (404, "no_service")


def test_the_limit_is_one_message_a_second_for_each_webhook() -> None:
    with Sandbox.start(contacts=1) as limited:
        one, other = (
            WebhookClient(f"{limited.base_url('slack')}/services/T1/{name}/x") for name in ("B1", "B2")
        )
        assert [one.send(text="a").status_code, other.send(text="b").status_code] == [200, 200]
        refused = one.send(text="c")
    assert (
        refused.status_code,
        refused.headers["Retry-After" if "Retry-After" in refused.headers else "retry-after"],
    ) == (429, "1")
