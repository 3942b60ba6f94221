"""What is wrong with a webhook's, Slack's or Google's settings and values is told before anything is sent, without a secret."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
from tests.conformance.vendors import FreeLimiter, utc_now
from tests.unit.connectors import scripted

from tailrace.connectors.google_data_manager.api import Accounts, Api, Patience
from tailrace.connectors.google_data_manager.identifiers import (
    Identifiers,
    Unsendable,
    email_address,
    person_name,
    phone_number,
)
from tailrace.connectors.google_data_manager.verdicts import of_refusal, of_status
from tailrace.connectors.sdk import hook_url, tap
from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.http import Answer
from tailrace.connectors.sdk.options import check_connection, check_object
from tailrace.connectors.sdk.registry import declaration
from tailrace.connectors.sdk.writing import WriteBatch, WriteRow
from tailrace.connectors.slack.message import Unsendable as SlackUnsendable
from tailrace.connectors.slack.message import message_of
from tailrace.connectors.webhook.rows import json_value
from tailrace.errors import AuthError
from tailrace.project.secrets import Secret
from tailrace.sandbox.server import Sandbox

SECRET = "whsec_" + base64.b64encode(b"0" * 24).decode()
HOOK = {"url": "https://hooks.example/catch/1/", "signing_secret": SECRET}
SLACK = {"webhook_url": "https://hooks.slack.com/services/T/B/canarysecret"}
GOOGLE = {"operating_account": "123-456-7890", "access_token": "x"}
MEMBERS = {"audience": "7", "ad_user_data": "granted", "ad_personalization": "denied", "terms_accepted": True}


def told(vendor: str, options: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    found = declaration(vendor)
    assert found is not None
    return [(path, what) for path, what, _ in check_connection(found, options)[1]]


def told_of_sync(vendor: str, obj: str, options: dict[str, Any]) -> list[tuple[str | int, ...]]:
    found = declaration(vendor)
    assert found is not None
    return [path for path, _, _ in check_object(found, obj, "upsert", options)[1]]


@pytest.mark.parametrize(
    ("vendor", "options"), [("webhook", HOOK), ("slack", SLACK), ("google_data_manager", GOOGLE)]
)
def test_the_settings_of_the_pages_are_right(vendor: str, options: dict[str, Any]) -> None:
    assert told(vendor, options) == []
    assert (
        told(vendor, {name: Secret(value) if "secret" in name else value for name, value in options.items()})
        == []
    )


@pytest.mark.parametrize(
    "url",
    [
        "hooks.example/x",
        "ftp://hooks.example/x",
        "https://",
        "https://host:99999/x",
        "https://user:canary@host/x",
        "https://h/a b",
        "https://h:0/x",
        "https://a..b/x",
        "https://[::1/x",
        "https://h/canary\x00",
    ],
)
def test_a_url_that_is_none_is_told_without_showing_it(url: str) -> None:
    for vendor, options in (("webhook", {**HOOK, "url": url}), ("slack", {"webhook_url": Secret(url)})):
        ((_, what),) = told(vendor, options)
        assert "canary" not in what
        assert "/x" not in what


@pytest.mark.parametrize(
    "secret",
    [
        "canary",
        "whsec_canary",
        "whsec_" + base64.b64encode(b"1" * 23).decode(),
        SECRET.removeprefix("whsec_"),
    ],
)
def test_a_signing_secret_that_is_no_key_is_told_without_showing_it(secret: str) -> None:
    for name in ("signing_secret", "previous_signing_secret"):
        ((path, what),) = told("webhook", {**HOOK, name: Secret(secret)})
        assert path == (name,)
        assert secret not in what


@pytest.mark.parametrize(
    ("header", "value"),
    [("webhook-id", "x"), ("Content-Type", "x"), ("a b", "x"), ("X-Team", "a\nb"), ("X-Team", 7)],
)
def test_a_header_that_cannot_be_sent_is_told(header: str, value: Any) -> None:
    ((path, _),) = told("webhook", {**HOOK, "headers": {header: value}})
    assert path == ("headers", header)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"operating_account": "1"}, ()),
        ({"operating_account": "1", "client_id": "a", "refresh_token": "b"}, ()),
        ({**GOOGLE, "service_account_file": "key.json"}, ("access_token",)),
        ({**GOOGLE, "operating_account": "acme"}, ("operating_account",)),
        ({**GOOGLE, "login_account": "acme"}, ("login_account",)),
        ({**GOOGLE, "poll_interval": "0s"}, ("poll_interval",)),
        ({**GOOGLE, "account_type": "GOOGLE"}, ("account_type",)),
        ({**GOOGLE, "rate_limit": {"requests": 5}}, ("rate_limit",)),
    ],
)
def test_google_is_logged_in_to_in_one_way(options: dict[str, Any], path: tuple[str, ...]) -> None:
    assert [found for found, _ in told("google_data_manager", options)] == [path]


@pytest.mark.parametrize("missing", ["audience", "ad_user_data", "ad_personalization", "terms_accepted"])
def test_consent_and_terms_are_never_assumed(missing: str) -> None:
    given = {name: value for name, value in MEMBERS.items() if name != missing}
    assert told_of_sync("google_data_manager", "audience_members", given) == [(missing,)]


@pytest.mark.parametrize(
    ("vendor", "obj", "options", "path"),
    [
        (
            "google_data_manager",
            "audience_members",
            {**MEMBERS, "terms_accepted": False},
            ("terms_accepted",),
        ),
        ("google_data_manager", "audience_members", {**MEMBERS, "audience": "customers"}, ("audience",)),
        ("google_data_manager", "audience_members", {**MEMBERS, "splits": -1}, ("splits",)),
        ("google_data_manager", "audience_members", {**MEMBERS, "ad_user_data": "yes"}, ("ad_user_data",)),
        ("slack", "messages", {"longest_text": 0}, ("longest_text",)),
        ("webhook", "leads", {"batch_size": 101}, ("batch_size",)),
        ("webhook", "leads", {"batch_size": 0}, ("batch_size",)),
        ("webhook", "leads", {"format": "xml"}, ("format",)),
        ("webhook", "my leads", {}, ()),
    ],
)
def test_a_syncs_options_are_checked(
    vendor: str, obj: str, options: dict[str, Any], path: tuple[str, ...]
) -> None:
    assert told_of_sync(vendor, obj, options) == [path]


def test_the_account_of_a_url_is_stable_and_tells_nothing() -> None:
    account = hook_url.account_of("https://hooks.example/catch/canary/?token=a")
    assert account == hook_url.account_of("https://hooks.example/catch/canary?token=b")
    assert account != hook_url.account_of("https://hooks.example/catch/other/")
    assert account != hook_url.account_of("http://hooks.example/catch/canary/")
    assert "canary" not in account
    assert hook_url.base_and_end("https://h/a//") == ("https://h/a", "//")


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**63), "-9223372036854775808"),
        (Decimal("10.00"), "10.00"),
        (Decimal("1E+2"), "100"),
        (0.1, 0.1),
        (True, True),
        (None, None),
        (date(1, 1, 1), "0001-01-01"),
        (datetime(1901, 2, 3, 4, 5, 6), "1901-02-03T04:05:06.000000Z"),
        (datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=-7))), "2026-07-01T19:00:00.000000Z"),
        (datetime(2026, 7, 1, 12, 0, 0, 1, UTC), "2026-07-01T12:00:00.000001Z"),
        ([1, Decimal("0.1")], [1, "0.1"]),
        ({"a": None}, {"a": None}),
    ],
)
def test_values_of_a_webhook_are_exact(value: Any, sent: Any) -> None:
    found = json_value("x", value)
    assert (found, type(found)) == (sent, type(sent))


LATE = datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-5)))
HALF = "a\ud83d"


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), b"x", object(), LATE, HALF, [HALF], {HALF: 1}]
)
def test_what_json_has_nothing_for_is_refused(value: Any) -> None:
    with pytest.raises(ValueError) as caught:
        json_value("x", value)
    assert caught.value.field == "x"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "form"),
    [
        # the two examples of Google's page "Format user data"
        ("cloudy.sanfrancisco+shopping@gmail.com", "cloudysanfrancisco@gmail.com"),
        ("user.name+NYC@Example.com", "user.name+nyc@example.com"),
        (" J ane@GoogleMail.com\n", "jane@googlemail.com"),
        ("a.b@notgmail.com", "a.b@notgmail.com"),
        ("ünï@exämple.de", "ünï@exämple.de"),
    ],
)
def test_an_email_has_googles_form(given: str, form: str) -> None:
    assert email_address(given) == form


def test_gmails_rules_can_be_left_out() -> None:
    assert email_address("a.b+c@gmail.com", gmail_rules=False) == "a.b+c@gmail.com"
    assert len(Identifiers("hex", False).of("email", "a.b@gmail.com", {"email": "ab@gmail.com"})) == 2
    assert len(Identifiers("hex", True).of("email", "a.b@gmail.com", {"email": "ab@gmail.com"})) == 1


def test_phones_and_names_have_googles_form() -> None:
    assert phone_number("+1 (800) 555-0100") == "+18005550100"
    assert person_name("  Dr. MARY-Ann_\tO’Hara ") == "dr maryann ohara"
    for bad in ("(800) 555-0100", "+0800555010", "+1 800 555 0100 ext 3", "+123456", ""):
        with pytest.raises(Unsendable):
            phone_number(bad)


@pytest.mark.parametrize("missing", ["given_name", "family_name", "region_code", "postal_code"])
def test_an_address_needs_all_of_its_parts(missing: str) -> None:
    whole = {"given_name": "a", "family_name": "b", "region_code": "DE", "postal_code": "1"}
    assert len(Identifiers().of("email", "a@b.example", whole)) == 2
    for nothing in (None, ""):
        assert len(Identifiers().of("email", "a@b.example", {**whole, missing: nothing})) == 1


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"requestStatusPerDestination": []},
        {"requestStatusPerDestination": [{}]},
        {"requestStatusPerDestination": [{"requestStatus": "SUCCESS"}, {"requestStatus": "PROCESSING"}]},
        {"requestStatusPerDestination": [{"requestStatus": "REQUEST_STATUS_UNKNOWN"}]},
    ],
)
def test_a_status_that_says_nothing_yet_is_no_verdict(document: Any) -> None:
    assert of_status(document, 3) is None


def partly(*errors: dict[str, Any]) -> dict[str, Any]:
    found = {"requestStatus": "PARTIAL_SUCCESS", "errorInfo": {"errorCounts": list(errors)}}
    return {"requestStatusPerDestination": [found]}


@pytest.mark.parametrize(
    "error",
    [
        {"recordCount": "2", "recordIndices": [1]},
        {"recordCount": "1", "recordIndices": [3]},
        {"recordCount": "1", "recordIndices": [-1]},
        {"recordCount": "1"},
        {},
    ],
)
def test_places_that_cannot_be_right_are_no_places(error: dict[str, Any]) -> None:
    verdict = of_status(partly(error), 3)
    assert verdict is not None
    assert (verdict.kind, verdict.places) == ("part", {})


def test_some_words_of_google_mean_what_they_say() -> None:
    for word in ("FAILED", "FAILURE"):  # the schema's word, and its page's
        verdict = of_status({"requestStatusPerDestination": [{"requestStatus": word}]}, 3)
        assert verdict is not None and verdict.kind == "failed"
    refused = of_refusal({"message": "no"}, 3)
    assert (refused.kind, refused.text, refused.places, refused.elsewhere) == ("rejected", "no", {}, False)
    outside = {"details": [{"fieldViolations": [{"field": "audience_members[9]", "description": "d"}]}]}
    assert of_refusal(outside, 3).places == {}


@pytest.mark.parametrize("vendor", ["slack", "webhook"])
def test_what_is_shown_of_an_exchange_holds_no_secret(vendor: str) -> None:
    """`activate --only` shows requests and answers; the URL of a hook is its password."""
    with Sandbox.start(contacts=1, limits=False) as sandbox:
        path = "/services/T1/B1/canary1secret" if vendor == "slack" else "/canary1secret/"
        name = "webhook_url" if vendor == "slack" else "url"
        own: dict[str, Any] = {}
        if vendor == "webhook":
            own = {"signing_secret": SECRET, "headers": {"Authorization": Secret("canary2header")}}
        given = {name: sandbox.base_url(vendor) + path, "rate_limit": "off", "max_wait": "0s", **own}
        found = declaration(vendor)
        assert found is not None and found.open is not None
        connector = found.open(given, Context(vendor, FreeLimiter(), utc_now))
        shown: list[tap.Exchange] = []
        obj = "messages" if vendor == "slack" else "leads"
        row = WriteRow("0", None, {"text": "canary1secret is said"})
        with tap.listening(shown.append), suppress(AuthError):
            connector.destination().write(WriteBatch(obj, "create", None, (row,)))
        connector.close()
    assert len(shown) == 1
    assert shown[0].status in (200, 401)
    assert "canary1secret" not in shown[0].url
    assert "canary2" not in str(shown)


class Slow:
    """An Http that always says that Google still works on it."""

    def __init__(self) -> None:
        self.looks = 0
        self.context = Context("google", FreeLimiter(), utc_now)

    def request(self, method: str, path: str, **more: Any) -> Answer:
        if method == "POST":
            return Answer(200, {}, b"", {"requestId": "r1"})
        self.looks += 1
        return Answer(200, {}, b"", {"requestStatusPerDestination": [{"requestStatus": "PROCESSING"}]})


def test_looks_become_rarer_and_end() -> None:
    http, pauses = Slow(), list[float]()
    api = Api(http, Accounts(("GOOGLE_ADS", "1"), None), Patience(10, 7200, pauses.append))  # type: ignore[arg-type]
    options = {**MEMBERS, "encoding": "hex", "confirm": True}
    verdict = api.carry("ingest", [{}], options)
    assert (verdict.kind, http.looks) == ("silent", 27)  # after 10, 20, 40, 80, 160 s and then every 300 s
    assert sum(pauses) == 6910
    assert max(pauses) <= 1, "Ctrl-C is looked for every second"


def test_ctrl_c_ends_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = list[float]()

    def asked_after_three() -> None:
        if len(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("tailrace.interrupts.check", asked_after_three)
    api = Api(Slow(), Accounts(("GOOGLE_ADS", "1"), None), Patience(10, 7200, pauses.append))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        api.carry("ingest", [{}], {**MEMBERS, "encoding": "hex", "confirm": True})
    assert len(pauses) == 3


def posted(
    content: bytes, *keys: str, status: int = 200, media: str = "application/json"
) -> list[tuple[Any, Any]]:
    """Outcomes of rows of those keys where the receiver answers so."""
    with scripted.vendor((status, {"Content-Type": media}, content)) as receiver:
        found = declaration("webhook")
        assert found is not None and found.open is not None
        given = {"url": receiver.url + "/x", "signing_secret": SECRET, "max_wait": "0s"}
        connector = found.open(given, Context("webhook", FreeLimiter(), utc_now))
        rows = tuple(WriteRow(str(n), key, {"a": 1}) for n, key in enumerate(keys))
        results = connector.destination().write(WriteBatch("leads", "upsert", "email", rows))
        connector.close()
    return [(result.trace, result.outcome) for result in results]


@pytest.mark.parametrize("content", [b'{"errors": [{"trace":"0","me', b' [{"trace"'])
def test_an_answer_that_is_cut_off_accepts_nobody(content: bytes) -> None:
    assert posted(content, "a", "b") == [("0", "unknown"), ("1", "unknown")]
    assert posted(content, "a", "b", status=422) == [("0", "dead"), ("1", "dead")]


@pytest.mark.parametrize(
    ("content", "media"), [(b"OK", "application/json"), (b"", "application/json"), (b"[ok]", "text/plain")]
)
def test_an_answer_of_a_word_accepts_all(content: bytes, media: str) -> None:
    assert posted(content, "a", media=media) == [("0", "acked")]


def test_an_error_that_names_nobody_is_not_about_a_row_called_none() -> None:
    body = b'{"errors": [{"message": "something broke"}]}'
    assert posted(body, "None", "b") == [("0", "unknown"), ("1", "unknown")]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (1e-07, "0.0000001"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("1E+3"), "1000"),
        (2**70, str(2**70)),
        (True, "true"),
        (12.5, "12.5"),
        (date(1969, 7, 4), "1969-07-04"),
    ],
)
def test_a_message_spells_values_out(value: Any, sent: str) -> None:
    assert message_of({"text": value}, {}) == {"text": sent}


@pytest.mark.parametrize("value", [float("nan"), Decimal("Infinity"), HALF, b"x"])
def test_what_no_message_can_say_is_refused(value: Any) -> None:
    with pytest.raises(SlackUnsendable) as caught:
        message_of({"text": value}, {})
    assert caught.value.field == "text"


def test_blocks_go_digit_by_digit() -> None:
    text = '[{"type":"section","n":12345678901234567890123,"x":0.12345678901234567890}]'
    assert orjson.dumps(message_of({"blocks": text}, {})) == b'{"blocks":' + text.encode() + b"}"
    for bad in ([{"n": 2**70}], '[{"a":"\\ud83d"}]', [{"a": HALF}], "[1]", "{}"):
        with pytest.raises(SlackUnsendable) as caught:
            message_of({"blocks": bad}, {})
        assert caught.value.field == "blocks"
    with pytest.raises(SlackUnsendable, match="nothing to say"):
        message_of({"blocks": "[]"}, {})
