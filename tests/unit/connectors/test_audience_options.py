"""What a sync to members or to an audience may say in its options: everything wrong is told offline."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.connectors.sdk.options import check_object
from tailrace.connectors.sdk.registry import declaration

MEMBERS: dict[str, Any] = {"list": "a5b0c1d2e3", "status_if_new": "pending"}
AUDIENCE: dict[str, Any] = {"audience": "23850000000000001"}


def problems(vendor: str, obj: str, mode: str, options: dict[str, Any]) -> list[tuple[Any, str]]:
    found = declaration(vendor)
    assert found is not None
    return [(path, what) for path, what, _ in check_object(found, obj, mode, options)[1]]


@pytest.mark.parametrize(
    ("mode", "given", "path", "what"),
    [
        ("upsert", {"list": None}, ("list",), "'list' is missing"),
        ("upsert", {"list": "News letter"}, ("list",), "no list's id"),
        ("insert", {"status_if_new": None}, (), "status_if_new is missing"),
        ("upsert", {"status_if_new": None}, (), "status_if_new is missing"),
        ("mirror", {"status_if_new": None}, (), "status_if_new is missing"),
        ("upsert", {"status_if_new": "unsubscribed"}, ("status_if_new",), "not one of"),
        ("upsert", {"tags": ["a;b"]}, ("tags", 0), "no tag's name"),
        ("upsert", {"tags": ["a", " "]}, ("tags", 1), "no tag's name"),
        ("upsert", {"batch": 501}, ("batch",), "out of range"),
        ("upsert", {"batch": 0}, ("batch",), "out of range"),
        ("upsert", {"batch_from": 0}, ("batch_from",), "below 1"),
        ("upsert", {"status": "subscribed"}, ("status",), "unknown option"),
    ],
)
def test_members(mode: str, given: dict[str, Any], path: Any, what: str) -> None:
    (problem,) = problems("mailchimp", "members", mode, {**MEMBERS, **given})
    assert problem[0] == path and what in problem[1]


def test_an_update_makes_nobody_and_needs_no_status() -> None:
    assert problems("mailchimp", "members", "update", {"list": "a5b0c1d2e3"}) == []
    assert problems("mailchimp", "members", "upsert", {**MEMBERS, "tags": ["gold"], "batch": 500}) == []


@pytest.mark.parametrize(
    ("given", "path", "what"),
    [
        ({"audience": None}, ("audience",), "'audience' is missing"),
        ({"audience": "act_1"}, ("audience",), "no audience's id"),
        ({"batch": 10_001}, ("batch",), "out of range"),
        ({"batch": 0}, ("batch",), "out of range"),
        ({"splits": -1}, ("splits",), "below 0"),
        ({"hashed": "yes"}, ("hashed",), "not true or false"),
    ],
)
def test_audiences(given: dict[str, Any], path: Any, what: str) -> None:
    (problem,) = problems("meta_ads", "custom_audience", "mirror", {**AUDIENCE, **given})
    assert problem[0] == path and what in problem[1]


def test_an_audience_in_yamls_number_is_its_digits() -> None:
    found = declaration("meta_ads")
    assert found is not None
    filled, wrong = check_object(found, "custom_audience", "mirror", {"audience": 23850000000000001})
    assert (filled["audience"], wrong) == ("23850000000000001", [])
