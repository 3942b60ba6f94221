"""Standard Webhooks' own library verifies what we send, and the sandbox takes what it signs; the page's receiver works."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tailrace.connectors.sdk.writing import WriteBatch, WriteRow
from tailrace.connectors.webhook.signing import Signer
from tailrace.errors import AuthError
from tailrace.sandbox.server import Sandbox
from tests.conformance.hooks import OTHER_SECRET, SECRET, hook, opened
from tests.conformance.vendors import Desk

PAGE = Path(__file__).resolve().parents[2] / "docs" / "connectors" / "webhook.md"
HARD = {
    "big": 9_223_372_036_854_775_807,
    "exact": 2**53 - 1,
    "price": Decimal("12345678901234567890.120"),
    "tiny": Decimal("0.0000001"),
    "old": date(1899, 12, 31),
    "at": datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
    "formula": '=HYPERLINK("https://x.example")',
    "text": 'emoji 🎉, "quotes", back\\slash,\nnewline\ttab \u2028',
    "nothing": None,
    "yes": True,
    "share": 0.1,
}


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


def batch(**values: Any) -> WriteBatch:
    return WriteBatch("leads", "upsert", "email", (WriteRow("7", "jane@tailrace.example", values),))


def test_the_library_verifies_our_signature_and_reads_the_values_exactly(
    sandbox: Sandbox, desk: Desk
) -> None:
    with closing(hook(sandbox)) as connector:
        connector.destination().write(batch(**HARD))
    (delivery,) = desk.records("webhook", "deliveries")
    message = Webhook(SECRET).verify(delivery["body"], delivery["headers"])
    assert message["type"] == "leads.upsert"
    assert message["data"][0]["fields"] == {
        **HARD,
        "big": "9223372036854775807",
        "price": "12345678901234567890.120",
        "tiny": "0.0000001",
        "old": "1899-12-31",
        "at": "1969-12-31T23:59:59.999999Z",
    }


def test_either_secret_verifies_while_they_change_and_no_other(sandbox: Sandbox, desk: Desk) -> None:
    with closing(hook(sandbox, signing_secret=OTHER_SECRET, previous_signing_secret=SECRET)) as connector:
        connector.destination().write(batch(score=1))
    (delivery,) = desk.records("webhook", "deliveries")
    for secret in (SECRET, OTHER_SECRET):
        assert Webhook(secret).verify(delivery["body"], delivery["headers"])
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(delivery["body"], delivery["headers"])
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(delivery["body"].replace("1", "2"), delivery["headers"])


def test_each_attempt_is_signed_anew() -> None:
    """A receiver refuses what is older than five minutes, and a wait may be as long."""
    moments = [datetime(2026, 11, 21, 12, minute, tzinfo=UTC) for minute in (0, 6)]
    ticks = iter(moments)
    signer = Signer([base64.b64decode(SECRET.removeprefix("whsec_"))], {}, [], lambda: next(ticks))
    with signer.message("msg_1", b"{}"):
        tries = [signer.headers() for _ in moments]
    for headers, moment in zip(tries, moments, strict=True):
        assert headers["webhook-timestamp"] == str(int(moment.timestamp()))
        assert headers["webhook-signature"] == Webhook(SECRET).sign("msg_1", moment, "{}")


@pytest.mark.parametrize(
    ("age", "secret", "status"),
    [(0, SECRET, 200), (0, OTHER_SECRET, 401), (301, SECRET, 401), (-301, SECRET, 401)],
)
def test_the_sandbox_takes_what_the_library_signs_and_refuses_what_it_refuses(
    sandbox: Sandbox, desk: Desk, age: int, secret: str, status: int
) -> None:
    row = {"trace": "0", "operation": "upsert", "key": "a@x.example", "fields": {"score": 1}}
    body = json.dumps({"type": "leads.upsert", "timestamp": "2026-11-21T00:00:00Z", "data": [row]})
    sent = datetime.now(UTC) - timedelta(seconds=age)
    headers = {
        "webhook-id": f"msg_{age}_{status}",
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": Webhook(secret).sign(f"msg_{age}_{status}", sent, body),
        "content-type": "application/json",
    }
    answer = httpx2.post(sandbox.base_url("webhook") + "/any", content=body, headers=headers)
    assert answer.status_code == status
    assert len(desk.records("webhook", "leads")) == (status == 200)
    if status != 200:
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, headers)


def receiver(tmp_path: Path, port: int) -> subprocess.Popen[str]:
    """The receiver that the page shows, word for word."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "receiver.py").write_text(code)
    env = {**os.environ, "SIGNING_SECRET": SECRET, "PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, str(tmp_path / "receiver.py")],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_the_receiver_of_the_page_verifies_and_takes_each_message_once(tmp_path: Path) -> None:
    port = free_port()
    process = receiver(tmp_path, port)
    try:
        for _ in range(200):
            if answers(port):
                break
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port}/hook"
        with closing(opened("webhook", url=url, signing_secret=SECRET)) as connector:
            for one in (batch(score=91), batch(score=91), batch(score=92)):
                assert connector.destination().write(one)[0].outcome == "acked"
        with (
            closing(opened("webhook", url=url, signing_secret=OTHER_SECRET)) as stranger,
            pytest.raises(AuthError, match="signing_secret"),
        ):
            stranger.destination().write(batch(score=93))
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=10)
    assert out.splitlines() == [
        'upsert jane@tailrace.example {"score": 91}',
        'upsert jane@tailrace.example {"score": 92}',
    ]
