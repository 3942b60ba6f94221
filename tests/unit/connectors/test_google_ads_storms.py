"""What Google Ads does on a bad day: each run goes on rightly or stops with the reason, and the next one repairs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from tests.conformance.vendors import Desk, FreeLimiter, Landed, connect, spec

from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.connectors.sdk.base import Connector
from tailrace.errors import RateLimited, Unavailable
from tailrace.land.arrow import to_array
from tailrace.records import Checkpoint, Page
from tailrace.sandbox.server import Sandbox

LOGIN = {"access_token": "sandbox", "developer_token": "dev-token"}
OAUTH = {
    "developer_token": "dev-token",
    "client_id": "client",
    "client_secret": "no-secret",
    "refresh_token": "no-token",
}
START = (date.today() - timedelta(days=25)).isoformat()
STATS = spec("google_ads", "campaign_stats", {"start_date": START})
ROUTE = "*googleAds:searchStream"
JSON = {"content-type": "application/json"}
US, DE, GB = "4100000001", "4100000002", "4100000003"


def failure(status: int, group: str, code: str, **more: Any) -> dict[str, Any]:
    """An error of Google's, as a chunk of a stream."""
    errors = [{"errorCode": {group: code}, "message": f"{code} it is", **more}]
    words = {429: "RESOURCE_EXHAUSTED", 403: "PERMISSION_DENIED", 401: "UNAUTHENTICATED", 500: "INTERNAL"}
    return {
        "error": {
            "code": status,
            "message": "outer",
            "status": words[status],
            "details": [{"@type": "type.googleapis.com/x.GoogleAdsFailure", "errors": errors}],
        }
    }


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=60, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@contextmanager
def ads(
    sandbox: Sandbox, options: dict[str, Any] | None = None, limiter: FreeLimiter | None = None
) -> Iterator[Connector]:
    url = sandbox.base_url("google_ads")
    connector = connect("google_ads", url, options or LOGIN, limiter)
    yield connector
    connector.close()


def read(connector: Connector, before: Landed | None = None) -> Landed:
    source = connector.source()
    landed = before or Landed(source.schema(STATS))
    return landed.read(source, STATS)


def truth(desk: Desk) -> dict[tuple[str, ...], int]:
    return {
        (r["customer"]["id"], r["campaign"]["id"], r["segments"]["date"]): int(r["metrics"]["costMicros"])
        for r in desk.records("google_ads", "campaign_stats")
        if r["segments"]["date"] >= START
    }


def spend(landed: Landed) -> dict[tuple[str, ...], int]:
    return {key: int(row["metrics_cost_micros"]) for key, row in landed.rows.items()}


def fail(desk: Desk, nth: int | list[int], **effect: Any) -> None:
    desk.faults({"vendor": "google_ads", "route": ROUTE, "nth": nth, **effect})


def test_a_429_without_a_word_waits_and_goes_on(sandbox: Sandbox, desk: Desk) -> None:
    fail(desk, [2, 5], status=429, body="{}")
    limiter = FreeLimiter()
    with ads(sandbox, limiter=limiter) as connector:
        assert spend(read(connector)) == truth(desk)
    assert [seconds for seconds, _ in limiter.blocked] == [0.2, 0.2]


def test_a_retry_delay_is_waited_for(sandbox: Sandbox, desk: Desk) -> None:
    quota = {"details": {"quotaErrorDetails": {"rateScope": "ACCOUNT", "retryDelay": "0.3s"}}}
    body = [failure(429, "quotaError", "RESOURCE_TEMPORARILY_EXHAUSTED", **quota)]
    fail(desk, 5, status=429, headers=JSON, body=body)
    limiter = FreeLimiter()
    with ads(sandbox, limiter=limiter) as connector:
        assert spend(read(connector)) == truth(desk)
    assert [seconds for seconds, _ in limiter.blocked] == [0.3]


@pytest.mark.parametrize("wrapped", [429, 200], ids=["429", "in a stream of 200"])
def test_the_day_is_spent_and_the_next_run_goes_on(sandbox: Sandbox, desk: Desk, wrapped: int) -> None:
    """The first account (requests 4, 5) was read; the second is refused."""
    body = [{"results": []}, failure(429, "quotaError", "RESOURCE_EXHAUSTED")][429 - wrapped == 0 :]
    fail(desk, 5, status=wrapped, headers=JSON, body=body)
    seen: list[str] = []
    position = None
    with ads(sandbox) as connector:
        source = connector.source()
        with pytest.raises(RateLimited, match="daily requests are spent: RESOURCE_EXHAUSTED it is") as caught:
            for part in source.read(STATS, source.schema(STATS), None):
                if isinstance(part, Page):
                    seen += [str(row["customer_id"]) for row in part.rows]
                elif isinstance(part, Checkpoint):
                    position = part.position
    assert caught.value.fix == "run again tomorrow"
    assert set(seen) == {US}
    assert position is not None and set(position["through"]) == {US}
    desk.faults()
    with ads(sandbox) as connector:
        landed = Landed(connector.source().schema(STATS), {}, position)
        shown = read(connector, landed)
    assert {key[0] for key in shown.rows} == {DE, GB}  # the first account's window is as it was


def test_a_token_that_ends_in_mid_run_is_refreshed_once(sandbox: Sandbox, desk: Desk) -> None:
    body = [failure(401, "authenticationError", "OAUTH_TOKEN_EXPIRED")]
    fail(desk, 5, status=401, headers=JSON, body=body)
    options = {**OAUTH, "token_url": sandbox.base_url("google_ads") + "/token"}
    minted = len(desk.requests("google_ads", "/token"))
    with ads(sandbox, options) as connector:
        assert spend(read(connector)) == truth(desk)
    assert len(desk.requests("google_ads", "/token")) - minted == 2


@pytest.mark.parametrize(
    "body",
    [
        '[{"results": [{"customer": {"id": "1"',
        [{"results": []}, failure(500, "internalError", "INTERNAL_ERROR")],
        [{"results": []}, {"error": {"message": "no code at all"}}],
    ],
    ids=["cut off", "an error behind the first chunk", "an error without a code"],
)
def test_a_stream_that_breaks_off_is_asked_for_again(sandbox: Sandbox, desk: Desk, body: Any) -> None:
    fail(desk, [4, 6], status=200, headers=JSON, body=body)
    with ads(sandbox) as connector:
        landed = read(connector)
        assert spend(landed) == truth(desk)
        assert read(connector, landed).shown == 0


def test_a_stream_that_always_breaks_off_stops_and_the_next_run_repairs(sandbox: Sandbox, desk: Desk) -> None:
    body = [{"results": []}, failure(500, "internalError", "INTERNAL_ERROR")]
    fail(desk, list(range(5, 50)), status=200, headers=JSON, body=body)
    with ads(sandbox) as connector:
        connector._http.first_wait = 0.01  # type: ignore[attr-defined]
        with pytest.raises(Unavailable, match="INTERNAL_ERROR it is"):
            read(connector)
        desk.faults()
        assert spend(read(connector)) == truth(desk)


def test_a_refusal_inside_a_stream_of_200_is_of_that_account_alone(sandbox: Sandbox, desk: Desk) -> None:
    body = [failure(403, "authorizationError", "USER_PERMISSION_DENIED")]
    fail(desk, 4, status=200, headers=JSON, body=body)
    with ads(sandbox) as connector:
        source, shown = connector.source(), []
        with pytest.raises(AccountRefused, match=f"account {US} cannot be read") as caught:
            for part in source.read(STATS, source.schema(STATS), None):
                shown += part.rows if isinstance(part, Page) else []
    assert "login_customer_id" in caught.value.fix
    assert {str(row["customer_id"]) for row in shown} == {DE, GB}


def test_a_day_that_vanishes_is_removed(sandbox: Sandbox, desk: Desk) -> None:
    with ads(sandbox) as connector:
        landed = read(connector)
        day = (date.today() - timedelta(days=3)).isoformat()
        records = desk.records("google_ads", "campaign_stats")
        kept = [r for r in records if (r["customer"]["id"], r["segments"]["date"]) != (DE, day)]
        desk.replace("google_ads", "campaign_stats", kept)
        before = len(landed.rows)
        read(connector, landed)
    assert before - len(landed.rows) == len(records) - len(kept) > 0
    assert spend(landed) == truth(desk)


def test_numbers_that_no_column_holds_break_nothing(sandbox: Sandbox, desk: Desk) -> None:
    """NaN is what protobuf's JSON writes as a text; as a bare word it is no JSON, but some proxies let it through."""
    wide = "1" * 40
    results = [
        {
            "customer": {"id": US, "currencyCode": "USD", "timeZone": "America/New_York"},
            "campaign": {"id": str(number)},
            "segments": {"date": START},
            "metrics": metrics,
        }
        for number, metrics in enumerate(
            [{"costMicros": wide, "conversions": "NaN"}, {"costMicros": "5", "conversions": 1.5}]
        )
    ]
    text = json.dumps([{"results": results}]).replace('"NaN"', "NaN").replace(f'"{wide}"', wide)
    fail(desk, 4, status=200, headers=JSON, body=text)
    with ads(sandbox) as connector:
        landed = read(connector)
        rows = {key[1]: row for key, row in landed.rows.items() if key[2] == START and key[1] in "01"}
        costs = [row["metrics_cost_micros"] for row in rows.values()]
        assert costs == [int(wide), "5"]
        array, misfits = to_array(costs, "bigint")
        assert (array.to_pylist(), misfits) == ([None, 5], {0: int(wide)})
        desk.faults()
        read(connector, landed)
        assert spend(landed) == truth(desk)


@pytest.mark.parametrize("body", ["", "{}", '""', "null", "[{}]", '[{"results": {}}]', '["word"]'])
def test_an_answer_that_is_no_stream_stops_the_run(sandbox: Sandbox, desk: Desk, body: str) -> None:
    with ads(sandbox) as connector:
        landed = read(connector)
        before = dict(landed.rows)
        fail(desk, [1], status=200, headers=JSON, body=body)
        with pytest.raises(Unavailable, match="is no stream of results"):
            read(connector, landed)
        assert landed.rows == before
    fail(desk, [1], status=200, headers=JSON, body=body)
    with ads(sandbox) as connector, pytest.raises(Unavailable, match="is no stream of results"):
        connector.reach()  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [{}, {"customer_ids": [US]}])
def test_an_account_that_does_not_show_itself_is_no_empty_one(
    sandbox: Sandbox, desk: Desk, options: dict[str, Any]
) -> None:
    fail(desk, [1], status=200, headers=JSON, body="[]")
    with (
        ads(sandbox, {**LOGIN, **options}) as connector,
        pytest.raises(Unavailable, match="does not show account"),
    ):
        connector.reach()  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", ["", "[]", '{"resourceNames": "customers/1"}'])
def test_a_list_of_accounts_that_is_none_is_told(sandbox: Sandbox, desk: Desk, body: str) -> None:
    route = "*customers:listAccessibleCustomers"
    desk.faults(
        {"vendor": "google_ads", "route": route, "nth": [1], "status": 200, "headers": JSON, "body": body}
    )
    with ads(sandbox) as connector, pytest.raises(Unavailable, match="names no accounts"):
        connector.account()


def test_a_window_that_turns_empty_is_believed_the_second_time(sandbox: Sandbox, desk: Desk) -> None:
    with ads(sandbox) as connector:
        landed = read(connector)
        kept = [r for r in desk.records("google_ads", "campaign_stats") if r["customer"]["id"] != DE]
        before = spend(landed)
        desk.replace("google_ads", "campaign_stats", kept)
        assert spend(read(connector, landed)) == before != truth(desk)
        assert spend(read(connector, landed)) == truth(desk)
