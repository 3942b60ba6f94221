"""What LinkedIn does on a bad day: each run goes on rightly or stops with the reason, and the next one repairs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.conformance.vendors import Desk, FreeLimiter, connect
from tests.unit.connectors.ads_landing import Engine

from tailrace.connectors.sdk.accounts import AccountRefused
from tailrace.connectors.sdk.base import Connector
from tailrace.errors import AuthError, FatalError, RateLimited, Unavailable, VendorRefused
from tailrace.events import Notice, listening
from tailrace.sandbox.server import Sandbox

START = (date.today() - timedelta(days=25)).isoformat()
RESOURCE, OPTIONS = "creative_analytics", {"start_date": START}
KEY = ("account_id", "pivotValue", "date")
ROUTE = "/rest/adAnalytics"
JSON = {"content-type": "application/json"}
US, DE = "510000001", "510000002"
DAY_LIMIT = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."
Opened = Callable[..., Connector]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=60, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    fake = sandbox.house.fakes["linkedin_ads"]
    desk = Desk(sandbox)
    yield desk
    desk.reset()
    fake.habits = type(fake.habits)()  # type: ignore[attr-defined]


@pytest.fixture
def opened(sandbox: Sandbox) -> Iterator[Opened]:
    made: list[Connector] = []

    def open_one(limiter: FreeLimiter | None = None, **options: Any) -> Connector:
        login = {} if "client_id" in options else {"access_token": "sandbox"}
        url = sandbox.base_url("linkedin_ads")
        made.append(connect("linkedin_ads", url, {**login, **options}, limiter))
        return made[-1]

    yield open_one
    for connector in made:
        connector.close()


@pytest.fixture
def engine() -> Engine:
    return Engine("linkedin_ads")


def fail(desk: Desk, nth: int | list[int], route: str = ROUTE, **effect: Any) -> None:
    desk.faults({"vendor": "linkedin_ads", "route": route, "nth": nth, **effect})


def refusal(status: int, code: str, message: str) -> dict[str, Any]:
    return {"status": status, "headers": JSON, "body": {"status": status, "code": code, "message": message}}


def truth(desk: Desk) -> dict[tuple[str, ...], Decimal]:
    return {
        (row["account"].rpartition(":")[2], row["creative"], row["date"]): Decimal(row["costInLocalCurrency"])
        for row in desk.records("linkedin_ads", "analytics")
        if row["date"] >= START
    }


def landed(engine: Engine) -> dict[tuple[str, ...], Decimal]:
    return {key: row["costInLocalCurrency"] for key, row in engine.rows(RESOURCE, KEY).items()}


def repaired(engine: Engine, opened: Opened, desk: Desk) -> None:
    """The next run lands what is true, and the one after it nothing."""
    desk.faults()
    engine.land(opened(), RESOURCE, OPTIONS)
    assert landed(engine) == truth(desk)
    assert engine.land(opened(), RESOURCE, OPTIONS).rows_in == 0


def test_a_429_without_a_header_waits_and_goes_on(engine: Engine, opened: Opened, desk: Desk) -> None:
    fail(desk, [1, 3], **refusal(429, "TOO_MANY_REQUESTS", "Too many requests"))
    limiter = FreeLimiter()
    engine.land(opened(limiter), RESOURCE, OPTIONS)
    assert landed(engine) == truth(desk)
    assert [seconds for seconds, _ in limiter.blocked] == [0.2, 0.2]


def test_a_spent_day_ends_politely_and_the_next_run_goes_on(
    engine: Engine, opened: Opened, desk: Desk
) -> None:
    """The first account's reports (4 slices of days) were read."""
    calls = len(desk.requests("linkedin_ads", "adAnalytics"))
    engine_of_all = Engine("linkedin_ads")
    engine_of_all.land(opened(), RESOURCE, OPTIONS)
    each = (len(desk.requests("linkedin_ads", "adAnalytics")) - calls) // 2
    fail(desk, [each + 1], **refusal(429, "TOO_MANY_REQUESTS", DAY_LIMIT))
    with pytest.raises(RateLimited, match="daily requests are spent: Resource level throttle") as caught:
        engine.land(opened(), RESOURCE, OPTIONS)
    assert caught.value.fix == "run again tomorrow"
    assert {key[0] for key in landed(engine)} == {US}
    desk.faults()
    assert engine.land(opened(), RESOURCE, OPTIONS).rows_out == len(
        [key for key in truth(desk) if key[0] == DE]
    )
    assert landed(engine) == truth(desk)


def test_a_day_spent_inside_a_first_account_keeps_what_was_whole(
    engine: Engine, opened: Opened, desk: Desk
) -> None:
    fail(desk, [2], **refusal(429, "TOO_MANY_REQUESTS", DAY_LIMIT))
    with pytest.raises(RateLimited):
        engine.land(opened(), RESOURCE, OPTIONS)
    days = {key[2] for key in landed(engine)}
    assert days and max(days) < max(key[2] for key in truth(desk))
    repaired(engine, opened, desk)


def oauth(sandbox: Sandbox) -> dict[str, str]:
    url = sandbox.base_url("linkedin_ads") + "/oauth/v2/"
    urls = {"token_url": url + "accessToken", "introspect_url": url + "introspectToken"}
    return {"client_id": "app", "client_secret": "no-secret", "refresh_token": "no-token", **urls}


def test_a_token_that_ends_in_mid_run_is_refreshed_once(
    sandbox: Sandbox, engine: Engine, opened: Opened, desk: Desk
) -> None:
    fail(desk, [2], **refusal(401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired"))
    minted = len(desk.requests("linkedin_ads", "accessToken"))
    engine.land(opened(**oauth(sandbox)), RESOURCE, OPTIONS)
    assert landed(engine) == truth(desk)
    assert len(desk.requests("linkedin_ads", "accessToken")) - minted == 2


def test_a_token_from_outside_that_ends_stops_the_run(engine: Engine, opened: Opened, desk: Desk) -> None:
    fail(desk, [2], **refusal(401, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired"))
    with pytest.raises(AuthError, match="has expired"):
        engine.land(opened(), RESOURCE, OPTIONS)
    repaired(engine, opened, desk)


def test_a_version_that_ends_stops_the_run_and_names_the_setting(
    engine: Engine, opened: Opened, desk: Desk
) -> None:
    fail(desk, [2], **refusal(426, "NONEXISTENT_VERSION", "Requested version 20260701 is not active"))
    with pytest.raises(VendorRefused, match=r"\(426\): Requested version 20260701 is not active") as caught:
        engine.land(opened(), RESOURCE, OPTIONS)
    assert "api_version" in caught.value.fix
    repaired(engine, opened, desk)


def test_a_report_cut_in_silence_is_split(
    sandbox: Sandbox, engine: Engine, opened: Opened, desk: Desk
) -> None:
    sandbox.house.fakes["linkedin_ads"].habits.most_elements = 3  # type: ignore[attr-defined]
    engine.land(opened(most_elements=3), RESOURCE, OPTIONS)
    assert landed(engine) == truth(desk)


def test_a_report_that_cannot_be_split_lands_nothing_of_its_day(
    sandbox: Sandbox, engine: Engine, opened: Opened, desk: Desk
) -> None:
    habits = sandbox.house.fakes["linkedin_ads"].habits  # type: ignore[attr-defined]
    habits.most_elements = 2
    with pytest.raises(FatalError, match="LinkedIn cuts there"):
        engine.land(opened(most_elements=2), RESOURCE, OPTIONS)
    assert landed(engine) == {}
    habits.most_elements = 15_000
    repaired(engine, opened, desk)


def test_a_414_is_tunnelled(sandbox: Sandbox, engine: Engine, opened: Opened, desk: Desk) -> None:
    """LinkedIn's limit is lower than the one that we tunnel from."""
    sandbox.house.fakes["linkedin_ads"].habits.longest_query = 200  # type: ignore[attr-defined]
    before = len(desk.requests("linkedin_ads", "adAnalytics"))
    engine.land(opened(), RESOURCE, OPTIONS)
    sent = [(r["method"], r["status"]) for r in desk.requests("linkedin_ads", "adAnalytics")[before:]]
    assert sent == [("GET", 414), ("POST", 200)] * (len(sent) // 2)
    assert landed(engine) == truth(desk)


def test_a_429_on_a_tunnelled_query_is_waited_for_too(
    sandbox: Sandbox, engine: Engine, opened: Opened, desk: Desk
) -> None:
    sandbox.house.fakes["linkedin_ads"].habits.longest_query = 200  # type: ignore[attr-defined]
    fault = refusal(429, "TOO_MANY_REQUESTS", "Too many requests")
    desk.faults({"vendor": "linkedin_ads", "route": ROUTE, "method": "POST", "nth": [1, 2], **fault})
    engine.land(opened(), RESOURCE, OPTIONS)
    assert landed(engine) == truth(desk)


@pytest.mark.parametrize(
    "effect",
    [
        {"status": 200, "headers": JSON, "body": '{"elements": [{"pivotVal'},
        {"status": 200, "headers": {"content-type": "text/html"}, "body": "<html>Sign in</html>"},
        {"status": 503, "body": "down"},
        {"lost_answer": True},
        {"reset": True},
    ],
    ids=["cut off", "a page of HTML", "503", "lost", "reset"],
)
def test_a_broken_answer_is_asked_for_again(
    engine: Engine, opened: Opened, desk: Desk, effect: dict[str, Any]
) -> None:
    fail(desk, [2], **effect)
    engine.land(opened(), RESOURCE, OPTIONS)
    assert landed(engine) == truth(desk)


@pytest.mark.parametrize("body", [[], "word", None])
def test_an_answer_that_is_no_object_stops_the_run(
    engine: Engine, opened: Opened, desk: Desk, body: Any
) -> None:
    fail(desk, [2], status=200, headers=JSON, body=[body])
    with pytest.raises(Unavailable, match="the answer is no object"):
        engine.land(opened(), RESOURCE, OPTIONS)
    repaired(engine, opened, desk)


def test_a_day_that_vanishes_is_removed(engine: Engine, opened: Opened, desk: Desk) -> None:
    engine.land(opened(), RESOURCE, OPTIONS)
    day = (date.today() - timedelta(days=3)).isoformat()
    gone = [row for row in desk.records("linkedin_ads", "analytics") if row["date"] == day]
    for row in gone:
        desk.remove("linkedin_ads", "analytics", f"{row['creative']}/{day}")
    assert engine.land(opened(), RESOURCE, OPTIONS).rows_out == len(gone) > 0
    assert landed(engine) == truth(desk)
    assert engine.land(opened(), RESOURCE, OPTIONS).rows_in == 0


def test_restated_days_change_and_days_before_the_window_stay(
    engine: Engine, opened: Opened, desk: Desk
) -> None:
    options = {**OPTIONS, "restate": 5}
    engine.land(opened(), RESOURCE, options)
    before = landed(engine)
    rows = desk.records("linkedin_ads", "analytics")
    old = next(row for row in rows if row["date"] == START)
    new = max(rows, key=lambda row: row["date"])
    desk.save("linkedin_ads", "analytics", *({**row, "costInLocalCurrency": "99.5"} for row in (old, new)))
    assert engine.land(opened(), RESOURCE, options).rows_out == 1
    after = landed(engine)
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {(new["account"].rpartition(":")[2], new["creative"], new["date"])}


def test_a_range_of_days_repairs_what_is_behind_the_window(
    engine: Engine, opened: Opened, desk: Desk
) -> None:
    options = {**OPTIONS, "restate": 5}
    engine.land(opened(), RESOURCE, options)
    old = next(row for row in desk.records("linkedin_ads", "analytics") if row["date"] == START)
    desk.save("linkedin_ads", "analytics", {**old, "costInLocalCurrency": "99.5"})
    first = date.fromisoformat(START)
    done = engine.land(opened(), RESOURCE, options, days=(first, first + timedelta(days=2)))
    assert done.rows_out == 1
    assert landed(engine) == truth(desk)
    assert engine.land(opened(), RESOURCE, options).rows_in == 0  # the window's position is as it was


def test_numbers_that_no_column_holds_break_nothing(engine: Engine, opened: Opened, desk: Desk) -> None:
    """A cost of 40 digits goes to a column of its own as text; NaN, which is no JSON, is no number."""
    day = date.fromisoformat(START)
    start = f'{{"year":{day.year},"month":{day.month},"day":{day.day}}}'
    element = (
        '{"pivotValues":["urn:li:sponsoredCreative:%d"],"dateRange":{"start":' + start + "},"
        '"costInLocalCurrency":%s,"impressions":%s,"clicks":1}'
    )
    wide = "1" * 40
    elements = [
        element % (1, f'"{wide}"', "5"),
        element % (2, "NaN", wide),
        element % (3, '"1.5"', '"7"'),
    ]
    fail(desk, [1], status=200, headers=JSON, body=f'{{"elements":[{",".join(elements)}]}}')
    engine.land(opened(), RESOURCE, OPTIONS)
    rows = {key[1][-1]: row for key, row in engine.rows(RESOURCE, KEY).items() if len(key[1]) < 28}
    assert rows["1"]["costInLocalCurrency"] is None
    assert rows["1"]["costInLocalCurrency__v_text"] == wide
    assert (rows["2"]["costInLocalCurrency"], rows["2"]["impressions"]) == (None, None)
    assert rows["2"]["impressions__v_text"] == wide
    assert (rows["3"]["costInLocalCurrency"], rows["3"]["impressions"]) == (Decimal("1.5"), 7)
    repaired(engine, opened, desk)


def test_one_account_refused_in_mid_run_is_named_after_the_others(
    engine: Engine, opened: Opened, desk: Desk
) -> None:
    fail(desk, [1], **refusal(403, "ACCESS_DENIED", "Not enough permissions to access: adAnalytics"))
    with pytest.raises(
        AccountRefused, match=f"account {US} cannot be read: Not enough permissions"
    ) as caught:
        engine.land(opened(), RESOURCE, OPTIONS)
    assert "r_ads_reporting" in caught.value.fix
    assert {key[0] for key in landed(engine)} == {DE}
    repaired(engine, opened, desk)


def test_a_refused_account_keeps_its_campaigns(engine: Engine, opened: Opened, desk: Desk) -> None:
    engine.land(opened(), "campaigns")
    before = engine.rows("campaigns", ("id",))
    campaign = desk.records("linkedin_ads", "campaigns")[-1]
    desk.save("linkedin_ads", "campaigns", {"id": campaign["id"], "name": "renamed"})
    fail(desk, [1], f"/rest/adAccounts/{US}/adCampaigns", **refusal(403, "ACCESS_DENIED", "no"))
    with pytest.raises(AccountRefused, match=US):
        engine.land(opened(), "campaigns")
    after = engine.rows("campaigns", ("id",))
    assert set(after) == set(before)
    assert after[str(campaign["id"]),]["name"] == "renamed"
    desk.faults()
    assert engine.land(opened(), "campaigns").rows_out == 0


def test_a_stamp_that_moves_alone_is_no_change(engine: Engine, opened: Opened, desk: Desk) -> None:
    engine.land(opened(), "campaigns")
    campaign = desk.records("linkedin_ads", "campaigns")[0]
    desk.save("linkedin_ads", "campaigns", {"id": campaign["id"]})
    assert engine.land(opened(), "campaigns").rows_out == 0
    stamp = engine.rows("campaigns", ("id",))[str(campaign["id"]),]["changeAuditStamps_lastModified_time"]
    now = desk.records("linkedin_ads", "campaigns")[0]["changeAuditStamps"]["lastModified"]["time"]
    assert stamp.timestamp() * 1000 != campaign["changeAuditStamps"]["lastModified"]["time"] != now


def test_pages_that_go_in_circles_end(engine: Engine, opened: Opened, desk: Desk) -> None:
    body = {"metadata": {"nextPageToken": "again"}, "elements": []}
    desk.faults(
        {
            "vendor": "linkedin_ads",
            "route": f"/rest/adAccounts/{US}/creatives",
            "status": 200,
            "headers": JSON,
            "body": body,
        }
    )
    with pytest.raises(Unavailable, match="repeats the page cursor"):
        engine.land(opened(), "creatives")
    desk.faults()
    engine.land(opened(), "creatives")
    assert len(engine.rows("creatives", ("id",))) == len(desk.records("linkedin_ads", "creatives"))


def test_rounds_of_work_are_followed(engine: Engine, opened: Opened, desk: Desk) -> None:
    for _ in range(4):
        for name in ("campaigns", "creatives"):
            engine.land(opened(), name)
            wanted = {str(r["id"]): r["name"] for r in desk.records("linkedin_ads", name)}
            assert {key: row["name"] for (key,), row in engine.rows(name, ("id",)).items()} == wanted
        engine.land(opened(), RESOURCE, OPTIONS)
        assert landed(engine) == truth(desk)
        desk.call("POST", "advance", {"rounds": 1})


@pytest.mark.parametrize("body", [{}, {"elements": None}, {"elements": {}}, {"elements": ["word"]}], ids=str)
@pytest.mark.parametrize(("name", "route"), [(RESOURCE, ROUTE), ("campaigns", "*/adCampaigns")])
def test_an_answer_without_its_list_removes_nothing(
    engine: Engine, opened: Opened, desk: Desk, name: str, route: str, body: Any
) -> None:
    options = OPTIONS if name == RESOURCE else {}
    engine.land(opened(), name, options)
    count = engine.warehouse.query(f'SELECT count(*) FROM ads."{name}"')
    fail(desk, list(range(1, 50)), route, status=200, headers=JSON, body=body)
    with pytest.raises(Unavailable, match="has no list of elements"):
        engine.land(opened(), name, options)
    assert engine.warehouse.query(f'SELECT count(*) FROM ads."{name}"') == count != [(0,)]


@pytest.mark.parametrize(("name", "route"), [(RESOURCE, ROUTE), ("campaigns", "*/adCampaigns")])
def test_what_turns_empty_is_believed_the_second_time(
    engine: Engine, opened: Opened, desk: Desk, name: str, route: str
) -> None:
    options = OPTIONS if name == RESOURCE else {}
    count = f'SELECT count(*) FROM ads."{name}"'
    engine.land(opened(), name, options)
    before = engine.warehouse.query(count)
    fail(desk, list(range(1, 200)), route, status=200, headers=JSON, body={"elements": []})
    told: list[str] = []
    with listening(lambda event: told.append(event.text) if isinstance(event, Notice) else None):
        engine.land(opened(), name, options)
    assert engine.warehouse.query(count) == before != [(0,)]
    assert any("LinkedIn answers empty where a permission is missing" in text for text in told)
    engine.land(opened(), name, options)
    assert engine.warehouse.query(count) == [(0,)]


def test_an_account_without_an_id_is_told(opened: Opened, desk: Desk) -> None:
    fail(desk, 1, f"/rest/adAccounts/{US}", status=200, headers=JSON, body={})
    with pytest.raises(Unavailable, match="an ad account without an id"):
        opened(account_ids=[US])._api.accounts()  # type: ignore[attr-defined]
