"""The generated world: the same for the same seed, consistent in itself, dirty on purpose."""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys
from collections import Counter
from datetime import date

import orjson
import pytest

from tailrace.sandbox.world import World, make_world
from tailrace.sandbox.world.catalogue import ACCOUNTS, PAUSED_AFTER_DAYS, STATS_DAYS
from tailrace.sandbox.world.people import crm_round, late_sessions, restated_spend
from tailrace.sandbox.world.properties import PROPERTIES

TODAY = date(2026, 11, 21)
END = "2026-11-21T00:00:00.000Z"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(7, 2000, TODAY)


def digest(world: World) -> str:
    parts = (world.hubspot, world.hubspot_associations, world.google_ads, world.ga4.sessions)
    return hashlib.sha256(b"".join(orjson.dumps(part) for part in parts)).hexdigest()


def test_the_same_arguments_give_the_same_bytes_in_another_process() -> None:
    script = (
        "import sys, hashlib, orjson; from datetime import date; from tailrace.sandbox.world import make_world;"
        "w = make_world(3, 120, date(2026, 11, 21));"
        "parts = (w.hubspot, w.hubspot_associations, w.google_ads, w.ga4.sessions);"
        "print(hashlib.sha256(b''.join(orjson.dumps(p) for p in parts)).hexdigest())"
    )
    env = {**os.environ, "PYTHONHASHSEED": "12345"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == digest(make_world(3, 120, TODAY))


def test_another_seed_is_another_world_with_the_same_campaigns() -> None:
    one, two = make_world(1, 50, TODAY), make_world(2, 50, TODAY)
    assert one.hubspot["contacts"] != two.hubspot["contacts"]
    assert one.google_ads["campaigns"] == two.google_ads["campaigns"]
    assert one.google_ads["ad_stats"] != two.google_ads["ad_stats"]


@pytest.mark.parametrize("contacts", [0, 1, 2, 5, 19])
def test_tiny_worlds_hold_together(contacts: int) -> None:
    world = make_world(7, contacts, TODAY)
    assert len(world.hubspot["contacts"]) == contacts
    ids = {(obj, record["id"]) for obj, records in world.hubspot.items() for record in records}
    for from_object, from_id, to_object, to_id, _ in world.hubspot_associations:
        assert {(from_object, from_id), (to_object, to_id)} <= ids


def test_record_shape_and_ids(world: World) -> None:
    assert len(world.hubspot["contacts"]) == 2000
    assert len(world.hubspot["companies"]) == 500
    assert 1 / 8 < len(world.hubspot["deals"]) / 2000 < 1 / 5
    assert len(world.hubspot["owners"]) == 5
    for obj in ("contacts", "companies", "deals"):
        records = world.hubspot[obj]
        ids = [record["id"] for record in records]
        assert ids == sorted(ids, key=int)
        assert len(set(ids)) == len(ids)
        defined = {definition["name"] for definition in PROPERTIES[obj]}
        for record in records:
            assert set(record) == {"id", "properties", "createdAt", "updatedAt", "archived"}
            assert re.fullmatch(r"\d{11}", record["id"])
            assert record["properties"]["hs_object_id"] == record["id"]
            assert record["properties"].keys() <= defined
            assert all(isinstance(value, str) for value in record["properties"].values())


def test_every_value_fits_its_definition(world: World) -> None:
    for obj, definitions in world.hubspot_properties.items():
        groups = {group["name"] for group in world.hubspot_groups[obj]}
        for definition in definitions:
            assert definition["groupName"] in groups
            values = [
                r["properties"][definition["name"]]
                for r in world.hubspot[obj]
                if definition["name"] in r["properties"]
            ]
            if definition["type"] == "number":
                assert all(float(value) >= 0 for value in values)
            elif definition["type"] == "datetime":
                assert all(STAMP.fullmatch(value) for value in values)
            elif definition["type"] in ("enumeration", "bool") and not definition["externalOptions"]:
                allowed = {option["value"] for option in definition["options"]}
                assert set(values) <= allowed, definition["name"]


def test_nothing_happens_in_the_future_and_nothing_before_its_creation(world: World) -> None:
    for obj, modified in (
        ("contacts", "lastmodifieddate"),
        ("companies", "hs_lastmodifieddate"),
        ("deals", "hs_lastmodifieddate"),
    ):
        for record in world.hubspot[obj]:
            properties = record["properties"]
            assert "2025-10-01" < properties["createdate"] <= properties[modified] < END
            assert (record["createdAt"], record["updatedAt"]) == (
                properties["createdate"],
                properties[modified],
            )
            for name in ("hs_analytics_last_timestamp", "notes_last_contacted"):
                if name in properties:
                    assert properties["createdate"] <= properties[name] <= properties[modified]
    for deal in world.hubspot["deals"]:
        closed = deal["properties"]["hs_is_closed"] == "true"
        assert (deal["properties"]["closedate"] < END) == closed
    assert max(row["segments"]["date"] for row in world.google_ads["ad_stats"]) == "2026-11-20"
    assert max(row["date"] for row in world.ga4.sessions) == "20261120"


def test_more_came_in_the_last_90_days(world: World) -> None:
    recent = sum(record["properties"]["createdate"] > "2026-08-23" for record in world.hubspot["contacts"])
    assert 0.35 < recent / 2000 < 0.55


def test_emails_are_unique_but_for_case_and_spaces_and_some_are_dirty(world: World) -> None:
    emails = [record["properties"].get("email") for record in world.hubspot["contacts"]]
    present = [email for email in emails if email is not None]
    assert len({email.strip().lower() for email in present}) == len(present)
    well_formed = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
    assert emails.count(None) == 20
    assert sum(email != email.strip().lower() for email in present) == 20
    assert sum(not well_formed.fullmatch(email.strip()) for email in present) == 10


def test_names_are_odd_and_some_people_opted_out(world: World) -> None:
    names = [
        (r["properties"].get("firstname"), r["properties"].get("lastname")) for r in world.hubspot["contacts"]
    ]
    assert (None, None) in names
    for part in ("O'Neil", '"', ",", "\n", "🚀", "=HYPERLINK(", "田中", "\\"):
        assert any(part in (first or "") + (last or "") for first, last in names), part
    optout = Counter(record["properties"].get("hs_email_optout") for record in world.hubspot["contacts"])
    assert optout["true"] == 60
    assert optout["false"] > 0
    assert optout[None] > 1500


def test_associations_join_contacts_companies_and_deals(world: World) -> None:
    ids = {obj: {record["id"] for record in records} for obj, records in world.hubspot.items()}
    pairs = Counter((a, b, type_id) for a, _, b, _, type_id in world.hubspot_associations)
    assert set(pairs) == {("contacts", "companies", 1), ("deals", "contacts", 3), ("deals", "companies", 5)}
    assert pairs["deals", "contacts", 3] == len(world.hubspot["deals"])
    for from_object, from_id, to_object, to_id, _ in world.hubspot_associations:
        assert from_id in ids[from_object]
        assert to_id in ids[to_object]
    company_of = {
        a: b for obj, a, to, b, _ in world.hubspot_associations if (obj, to) == ("contacts", "companies")
    }
    for record in world.hubspot["contacts"]:
        assert record["properties"].get("associatedcompanyid") == company_of.get(record["id"])


def test_first_touch_campaigns_are_names_of_the_ad_accounts(world: World) -> None:
    campaigns = {row["campaign"]["name"] for row in world.google_ads["campaigns"]}
    assert len(campaigns) == sum(len(account.campaigns) for account in ACCOUNTS)
    touched = Counter()
    for record in world.hubspot["contacts"]:
        campaign = record["properties"].get("hs_analytics_first_touch_converting_campaign")
        assert (campaign is not None) == (record["properties"]["hs_analytics_source"] == "PAID_SEARCH")
        touched[campaign] += 1
    assert set(touched) - {None} == campaigns


def test_the_paused_campaign_stops_half_way_for_ads_and_for_leads(world: World) -> None:
    paused = next(c.name for account in ACCOUNTS for c in account.campaigns if c.paused)
    cut = date.fromordinal(TODAY.toordinal() - PAUSED_AFTER_DAYS).isoformat()
    days = [
        row["segments"]["date"]
        for row in world.google_ads["campaign_stats"]
        if row["campaign"]["name"] == paused
    ]
    assert days
    assert max(days) < cut
    for record in world.hubspot["contacts"]:
        properties = record["properties"]
        if properties.get("hs_analytics_first_touch_converting_campaign") == paused:
            assert properties["createdate"][:10] <= cut


def test_ad_groups_and_campaigns_are_the_sums_of_their_ads(world: World) -> None:
    ads = world.google_ads
    assert (len(ads["customers"]), len(ads["ad_groups"]), len(ads["ads"])) == (3, 26, 52)
    assert {c["customer"]["currencyCode"] for c in ads["customers"]} == {"USD", "EUR", "GBP"}
    assert len({row["segments"]["date"] for row in ads["ad_stats"]}) == STATS_DAYS
    for name in ("impressions", "clicks", "costMicros"):
        totals = {
            sum(int(row["metrics"][name]) for row in ads[obj])
            for obj in ("ad_stats", "ad_group_stats", "campaign_stats")
        }
        assert len(totals) == 1
        assert all(isinstance(row["metrics"][name], str) for row in ads["campaign_stats"])
    conversions = [
        sum(row["metrics"]["conversions"] for row in ads[obj]) for obj in ("ad_stats", "campaign_stats")
    ]
    assert conversions[0] == pytest.approx(conversions[1])
    weekend = [
        int(r["metrics"]["clicks"])
        for r in ads["campaign_stats"]
        if date.fromisoformat(r["segments"]["date"]).weekday() > 4
    ]
    week = [
        int(r["metrics"]["clicks"])
        for r in ads["campaign_stats"]
        if date.fromisoformat(r["segments"]["date"]).weekday() < 5
    ]
    assert sum(weekend) / len(weekend) < 0.6 * sum(week) / len(week)


def test_paid_sessions_follow_the_clicks_of_their_campaign(world: World) -> None:
    clicks, sessions = Counter(), Counter()
    for row in world.google_ads["campaign_stats"]:
        clicks[row["campaign"]["name"], row["segments"]["date"].replace("-", "")] += int(
            row["metrics"]["clicks"]
        )
    for session in world.ga4.sessions:
        if session["sessionMedium"] == "cpc":
            sessions[session["sessionCampaignName"], session["date"]] += 1
    assert all(count <= clicks[key] for key, count in sessions.items())
    assert 0.9 < sum(sessions.values()) / sum(clicks.values()) < 0.96


def test_a_round_in_the_crm_touches_nobody_twice(world: World) -> None:
    contacts, deals = world.hubspot["contacts"], world.hubspot["deals"]
    change = crm_round(random.Random(1), contacts, deals, 0)
    assert (len(change.created), len(change.edited), len(change.archived)) == (20, 40, 6)
    assert change.merged
    touched = [*(key for key, _ in change.edited), *change.archived, *change.merged]
    assert len(set(touched)) == 48
    by_id = {record["id"]: record["properties"] for record in [*contacts, *deals]}
    assert all(
        any(by_id[key].get(name) != value for name, value in new.items()) for key, new in change.edited
    )
    assert all(by_id[key]["dealstage"] != new["dealstage"] for key, new in change.deals)
    assert change == crm_round(random.Random(1), contacts, deals, 0)


def test_newcomers_of_different_rounds_never_share_an_email(world: World) -> None:
    emails = [
        person["email"]
        for number in range(5)
        for person in crm_round(
            random.Random(number), world.hubspot["contacts"], world.hubspot["deals"], number
        ).created
    ]
    assert len(set(emails)) == len(emails) == 100


def test_a_round_in_a_tiny_crm_only_adds() -> None:
    small = make_world(7, 3, TODAY).hubspot
    change = crm_round(random.Random(1), small["contacts"], small["deals"], 0)
    assert len(change.created) == 2
    assert (change.edited, change.archived, change.merged) == ([], [], None)


def test_spend_is_restated_on_three_recent_days(world: World) -> None:
    changes = restated_spend(random.Random(4), world.google_ads["ad_stats"])
    days = {record["segments"]["date"] for record, _ in changes}
    assert len(days) == 3
    assert min(days) >= "2026-11-07"
    assert all(metrics != record["metrics"] for record, metrics in changes)
    assert restated_spend(random.Random(4), []) == []


def test_late_sessions_fall_on_the_last_two_days(world: World) -> None:
    late = late_sessions(random.Random(5), world.ga4.sessions, TODAY)
    assert {session["date"] for session in late} == {"20261119", "20261120"}
    assert len(late) >= 4
