"""The receivers of webhooks, Slack's messages and Google's members, as the admin API and a bare client see them."""

from __future__ import annotations

import pytest

from sandbox.talk import ask
from tailrace.sandbox import Sandbox

OBJECTS = {
    "slack": ("messages", {"id": "1.5", "text": "a"}),
    "webhook": ("leads", {"id": "a@x.example", "score": 1}),
    "google_data_manager": (
        "audience_members",
        {"id": "7/ab", "audience": "7", "userIdentifiers": [{"emailAddress": "ab"}], "consent": None},
    ),
}
HOOK = "/slack/services/T1/B1/x"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def running():
    with Sandbox.start(contacts=1, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def url(running):
    running.house.reset()
    return running.url


@pytest.mark.parametrize("vendor", OBJECTS)
def test_records_are_put_changed_removed_and_reset(url, vendor):
    name, record = OBJECTS[vendor]
    path = f"/_sandbox/records/{vendor}/{name}"
    assert ask(url, "PUT", path, [record, {**record, "id": "other"}]).json() == {"records": 2}
    ask(url, "POST", path, [{**record, "seen": True}])
    assert {one["id"]: one.get("seen") for one in ask(url, "GET", path).json()} == {
        record["id"]: True,
        "other": None,
    }
    assert ask(url, "DELETE", f"{path}?id=other").json() == {"removed": "other"}
    assert ask(url, "DELETE", f"{path}?id=other").status == 404
    assert ask(url, "POST", path, [{"text": "no id"}]).status == 400
    assert ask(url, "GET", f"/_sandbox/writes/{vendor}/{name}").json() == {}
    ask(url, "POST", "/_sandbox/advance", {"rounds": 2})
    ask(url, "POST", "/_sandbox/reset")
    assert ask(url, "GET", path).json() == []


@pytest.mark.parametrize("vendor", ["slack", "google_data_manager"])
def test_other_objects_are_unknown(url, vendor):
    assert ask(url, "GET", f"/_sandbox/records/{vendor}/leads").status == 404


@pytest.mark.parametrize(
    ("body", "headers", "answer"),
    [
        (b'{"text": "a"}', JSON, (200, b"ok")),
        (
            b"payload=%7B%22text%22%3A+%22b%22%7D",
            {"content-type": "application/x-www-form-urlencoded"},
            (200, b"ok"),
        ),
        (b"{", JSON, (400, b"invalid_payload")),
        (b"[]", JSON, (400, b"invalid_payload")),
        (b'{"text": 7}', JSON, (400, b"invalid_payload")),
        (b'{"blocks": "[]"}', JSON, (400, b"invalid_blocks")),
    ],
)
def test_slack_answers_with_one_word(url, body, headers, answer):
    found = ask(url, "POST", HOOK, body, headers)
    assert (found.status, found.body) == answer
    assert found.headers["content-type"].startswith("text/plain")
    assert len(ask(url, "GET", "/_sandbox/records/slack/messages").json()) == (answer[0] == 200)


def test_slack_cuts_long_texts_off_as_slack_does(url):
    ask(url, "POST", HOOK, {"text": "x" * 40_001}, JSON)
    assert len(ask(url, "GET", "/_sandbox/records/slack/messages").json()[0]["text"]) == 40_000


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 405),
        ("POST", {}, 401),
        ("POST", {"webhook-id": "a", "webhook-timestamp": "x", "webhook-signature": "v1,"}, 401),
    ],
)
def test_a_receiver_takes_nothing_unsigned(url, method, headers, status):
    assert ask(url, method, "/webhook/x", b"{}", {**JSON, **headers}).status == status
    assert ask(url, "GET", "/_sandbox/records/webhook/deliveries").json() == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/requestStatus:retrieve?requestId=x", 404),
        ("/v1/nothing", 404),
        ("/v1/audienceMembers:ingest", 405),
    ],
)
def test_google_knows_its_paths(url, path, status):
    found = ask(url, "GET", f"/google_data_manager{path}")
    assert (found.status, found.json()["error"]["code"]) == (status, status)


def test_google_wants_a_token_and_counts_requests():
    with Sandbox.start(contacts=1) as limited:
        path = "/google_data_manager/v1/requestStatus:retrieve?requestId=x"
        assert ask(limited.url, "GET", path, headers={"authorization": "Bearer no"}).status == 401
        answers = [ask(limited.url, "GET", path).status for _ in range(301)]
    assert answers[:300] == [404] * 300
    assert answers[300] == 429
