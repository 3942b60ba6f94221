"""Google Ads without a sandbox: options, what accounts a login reaches, fields and columns, Google's words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from tailrace.connectors.google_ads.accounts import all_below, named_ones
from tailrace.connectors.google_ads.connection import refusal
from tailrace.connectors.google_ads.declaration import DECLARATION
from tailrace.connectors.google_ads.gaql import column, rows
from tailrace.connectors.sdk.accounts import AccountRefused, named, one_by_one
from tailrace.connectors.sdk.google import broken_off
from tailrace.connectors.sdk.http import Answer
from tailrace.connectors.sdk.options import check_connection, check_resource
from tailrace.errors import AuthError, VendorRefused
from tailrace.records import Checkpoint, Page

LOGIN = {"access_token": "a", "developer_token": "b"}


@pytest.mark.parametrize(
    ("options", "place", "words"),
    [
        ({"developer_token": None}, ("developer_token",), "is missing"),
        ({"refresh_token": "r"}, ("refresh_token",), "both access_token and OAuth"),
        ({"access_token": None, "client_id": "c"}, (), "no complete credentials"),
        ({"login_customer_id": "my manager"}, ("login_customer_id",), "no customer id"),
        ({"api_version": "26"}, ("api_version",), "no API version"),
        ({"restate": -1}, ("restate",), "below 0"),
        ({"token_url": "oauth2"}, ("token_url",), "no URL"),
        ({"customer_id": "1"}, ("customer_id",), "unknown option"),
    ],
)
def test_a_wrong_connection_is_told(options: dict[str, Any], place: tuple[str, ...], words: str) -> None:
    ((found, what, fix),) = check_connection(DECLARATION, {**LOGIN, **options})[1]
    assert found == place
    assert words in what
    assert fix


@pytest.mark.parametrize(
    ("resource", "options", "place"),
    [
        ("ad_stats", {"segments": ["Device"]}, ("segments", 0)),
        ("ad_stats", {"segments": ["device", "date"]}, ("segments", 1)),
        ("ad_group_stats", {"metrics": []}, ("metrics",)),
        ("ad_group_stats", {"metrics": ["clicks", "clicks"]}, ("metrics",)),
        ("account_stats", {"start_date": "soon"}, ("start_date",)),
        ("ads", {"metrics": ["clicks"]}, ("metrics",)),
        ("ad_stat", {}, ()),
    ],
)
def test_a_wrong_resource_is_told(resource: str, options: dict[str, Any], place: tuple[str, ...]) -> None:
    problems = check_resource(DECLARATION, resource, options)[1]
    assert [problem[0] for problem in problems] == [place]


def test_each_resource_says_what_it_is() -> None:
    found = {resource.name: resource for resource in DECLARATION.resources}
    assert found["ad_stats"].key == (
        "customer_id", "campaign_id", "ad_group_id", "ad_group_ad_ad_id", "segments_date",
    )  # fmt: skip
    assert {name for name, resource in found.items() if resource.backfill} == {
        "account_stats", "campaign_stats", "ad_group_stats", "ad_stats",
    }  # fmt: skip
    scopes = {permission.name for permission in DECLARATION.permissions}
    assert all(set(resource.permissions) == scopes for resource in found.values())
    assert {version.name: version.ends for version in DECLARATION.versions}["v22"] == date(2026, 10, 7)


def client(customer: int, level: int, **more: Any) -> dict[str, Any]:
    facts = {"descriptive_name": f"no {customer}", "currency_code": "EUR", "time_zone": "UTC"}
    row = {"id": str(customer), "level": str(level), "status": "ENABLED", "manager": None, "hidden": None}
    return {f"customer_client_{name}": value for name, value in {**row, **facts, **more}.items()}


class Tree:
    """Manager 1 over manager 2 and account 3, manager 2 over 4 (hidden) and 5 (closed); 6 stands alone, 9 is refused."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        top = [client(1, 0, manager=True), client(2, 1, manager=True), client(3, 1)]
        below = [client(4, 2, hidden=True), client(5, 2, status="CLOSED")]
        self._rows = {"1": [*below, *top], "3": [client(3, 0)], "5": [client(5, 0)], "6": [client(6, 0)]}

    def query(
        self, customer: str, through: str | None, fields: Sequence[str], rest: str
    ) -> list[dict[str, Any]]:
        self.asked.append((customer, through))
        if customer == "9":
            raise AccountRefused("account 9 cannot be read", "leave it out")
        if rest == "FROM customer":
            return [{name.replace("_client", ""): value for name, value in self._rows[customer][0].items()}]
        return self._rows[customer]


def test_accounts_below_managers_are_found_at_any_depth() -> None:
    reach = all_below(Tree().query, ["1", "6", "9"])
    assert [(account.id, account.through, account.manager) for account in reach.accounts] == [
        ("1", None, True),
        ("2", "1", True),
        ("3", "1", False),
        ("6", None, False),
    ]
    assert reach.skipped == {"4": "hidden", "5": "CLOSED"}
    assert reach.spending() == ("3", "6", "9")
    with pytest.raises(AccountRefused, match="account 9"):
        reach.account("9")


@pytest.mark.parametrize("roots", [["1", "3"], ["3", "1"]])
def test_what_is_reached_directly_is_asked_directly(roots: list[str]) -> None:
    assert {account.id: account.through for account in all_below(Tree().query, roots).accounts}["3"] is None


def test_named_accounts_are_asked_alone() -> None:
    tree = Tree()
    reach = named_ones(tree.query, ["6", "9", "3"])
    assert tree.asked == [("6", None), ("9", None), ("3", None)]
    assert [account.id for account in reach.accounts] == ["6", "3"]
    assert list(reach.refused) == ["9"]


def test_refused_accounts_are_named_together_after_the_others() -> None:
    def read(account: str) -> Any:
        if account != "b":
            raise AccountRefused(f"{account} is closed", "leave it out")
        yield Page([{"id": account}])
        yield Checkpoint({})

    parts = one_by_one(["a", "b", "c"], read)
    assert [type(next(parts)), type(next(parts))] == [Page, Checkpoint]
    with pytest.raises(AccountRefused) as caught:
        next(parts)
    assert str(caught.value) == "a is closed; c is closed. leave it out"
    alone = AccountRefused("a", "fix")
    assert named([alone]) is alone


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("metrics.cost_micros", "bigint"),
        ("metrics.conversions", "double"),
        ("metrics.interaction_event_types", "text"),
        ("metrics.not_invented_yet", "double"),
        ("ad_group_ad.ad.id", "bigint"),
        ("segments.device", "text"),
        ("segments.date", "date"),
    ],
)
def test_fields_are_typed_as_the_protos_are(field: str, kind: str) -> None:
    assert column(field).type == kind
    assert column(field).name == field.replace(".", "_")


def test_nested_answers_become_flat_rows() -> None:
    chunk = {
        "results": [{"adGroupAd": {"ad": {"id": "7", "finalUrls": ["u"]}}, "metrics": {"costMicros": "5"}}]
    }
    fields = ["ad_group_ad.ad.id", "ad_group_ad.ad.final_urls", "metrics.cost_micros", "metrics.clicks"]
    assert rows([chunk, {"requestId": "no results"}], fields) == [
        {
            "ad_group_ad_ad_id": "7",
            "ad_group_ad_ad_final_urls": ["u"],
            "metrics_cost_micros": "5",
            "metrics_clicks": None,
        }
    ]


def refused(group: str, code: str) -> Answer:
    details = [{"errors": [{"errorCode": {group: code}, "message": "no"}]}]
    return Answer(403, {}, b"", [{"error": {"code": 403, "message": "outer", "details": details}}])


@pytest.mark.parametrize(
    ("group", "code", "kind", "fix"),
    [
        ("authorizationError", "CUSTOMER_NOT_ENABLED", AccountRefused, "customer_ids"),
        ("authorizationError", "USER_PERMISSION_DENIED", AccountRefused, "login_customer_id"),
        ("authenticationError", "CUSTOMER_NOT_FOUND", AccountRefused, "check its number"),
        ("authorizationError", "DEVELOPER_TOKEN_NOT_APPROVED", AuthError, "developer_token"),
        ("requestError", "UNSUPPORTED_VERSION", VendorRefused, "api_version"),
    ],
)
def test_googles_codes_say_what_to_do(group: str, code: str, kind: type[Exception], fix: str) -> None:
    error = refusal(refused(group, code), "ads", ": no")
    assert type(error) is kind
    assert error is not None and fix in error.fix
    assert refusal(refused("queryError", "BAD_FIELD_NAME"), "ads", "") is None


def test_an_error_behind_the_first_chunk_is_an_error() -> None:
    chunk = {"results": []}
    assert broken_off(Answer(200, {}, b"", [chunk, chunk])) is None
    assert broken_off(Answer(200, {}, b"", {"error": {"code": 500}})) is None  # no stream
    assert broken_off(Answer(200, {}, b"", [chunk, {"error": {"code": 429}}])) == 429
    assert broken_off(Answer(200, {}, b"", [chunk, {"error": "what"}])) == 500
