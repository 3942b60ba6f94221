"""Salesforce's source against the suite, and what only Salesforce has to get right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tailrace.connectors.salesforce import bulk
from tailrace.connectors.sdk.base import Connector, ResourceSpec
from tailrace.errors import FatalError, VendorRefused
from tailrace.records import Checkpoint, Page
from tailrace.sandbox.server import Sandbox
from tests.conformance.source_suite import SourceSuite
from tests.conformance.vendors import Desk, FreeLimiter, Landed, connect, spec

LOGIN = {"access_token": "sandbox", "bulk_poll": "0s"}
ALWAYS = {"deleted_sweep": "0s"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(contacts=150, limits=False) as sandbox:
        yield sandbox


class SalesforceObject(SourceSuite):
    vendor, login, wrong_login = "salesforce", LOGIN, {"access_token": "00D000000000001!not-this-one"}
    route = "/services/data/v67.0/query*"
    field: str

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        return {(row["Id"],): row[self.field] for row in desk.records("salesforce", self.resource)}

    def value(self, row: dict[str, Any]) -> Any:
        return row[self.field]

    def edit(self, desk: Desk) -> None:
        first = desk.records("salesforce", self.resource)[0]
        desk.save("salesforce", self.resource, {"Id": first["Id"], self.field: "edited"})

    def remove(self, desk: Desk) -> None:
        desk.remove("salesforce", self.resource, desk.records("salesforce", self.resource)[0]["Id"])


class TestContact(SalesforceObject):
    resource, field = "Contact", "Title"


class TestOpportunity(SalesforceObject):
    resource, field = "Opportunity", "StageName"
    options = {"fields": ["Name", "StageName", "Amount"]}


class TestLeadByBulk(SalesforceObject):
    resource, field = "Lead", "Status"
    options = {"via": "bulk"}


class TestUser(SalesforceObject):
    """Users are never deleted: only a sweep would tell."""

    resource, field = "User", "LastName"
    options = {"sweep": "0s"}

    def test_an_idle_read_shows_nothing(self, connector: Connector, desk: Desk) -> None:
        landed = self.landed(connector)
        calm = spec(self.vendor, self.resource)
        before = landed.position
        assert landed.read(connector.source(), calm).shown == 0
        assert landed.position == before


class TestAmongCondition(SalesforceObject):
    resource, field = "CampaignMember", "Status"
    options = {"where": "ContactId != null", "sweep": "0s"}

    def expected(self, desk: Desk) -> dict[tuple[str, ...], Any]:
        rows = desk.records("salesforce", self.resource)
        return {(row["Id"],): row[self.field] for row in rows if row["ContactId"]}

    def edit(self, desk: Desk) -> None:
        """One leaves the condition."""
        first = next(row for row in desk.records("salesforce", self.resource) if row["ContactId"])
        desk.save("salesforce", self.resource, {"Id": first["Id"], "ContactId": None})

    def remove(self, desk: Desk) -> None:
        first = next(row for row in desk.records("salesforce", self.resource) if row["ContactId"])
        desk.remove("salesforce", self.resource, first["Id"])

    def test_an_idle_read_shows_nothing(self, connector: Connector, desk: Desk) -> None:
        landed = self.landed(connector)
        calm = spec(self.vendor, self.resource, {"where": "ContactId != null"})
        assert landed.read(connector.source(), calm).shown == 0


# ---- beyond the suite -----------------------------------------------------------------------------------


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.reset()


@pytest.fixture
def connector(sandbox: Sandbox) -> Iterator[Connector]:
    connector = connect("salesforce", sandbox.base_url("salesforce"), LOGIN)
    yield connector
    connector.close()


def land(connector: Connector, resource: ResourceSpec, landed: Landed | None = None) -> Landed:
    landed = landed or Landed(connector.source().schema(resource))
    return landed.read(connector.source(), resource)


def pages(connector: Connector, resource: ResourceSpec, landed: Landed) -> list[Page]:
    parts = connector.source().read(resource, landed.schema, landed.position)
    return [part for part in parts if isinstance(part, Page)]


def live(desk: Desk, obj: str = "Contact") -> dict[str, dict[str, Any]]:
    return {row["Id"]: row for row in desk.records("salesforce", obj)}


def org(sandbox: Sandbox) -> Any:
    return sandbox.house.fakes["salesforce"].org  # type: ignore[attr-defined]


def test_working_people_are_followed_round_by_round(connector: Connector, desk: Desk) -> None:
    """Rounds follow within one second, so contents change under the same stamp."""
    for name in ("Contact", "Lead", "Opportunity"):
        resource = spec("salesforce", name)
        landed = land(connector, resource)
        for _ in range(4):
            desk.call("POST", "advance", {"rounds": 1})
            land(connector, resource, landed)
            truth = live(desk, name)
            assert {key for (key,) in landed.rows} == set(truth)
            for (key,), row in landed.rows.items():
                assert row == {field: truth[key][field] for field in row}
        assert land(connector, resource, landed).shown == 0


def test_two_edits_in_one_second_have_two_versions(
    connector: Connector, desk: Desk, sandbox: Sandbox
) -> None:
    resource = spec("salesforce", "Contact")
    landed = land(connector, resource)
    key, second = min(live(desk)), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    table, seen = org(sandbox).tables["Contact"], []
    for title in ("one", "two"):
        table.rows[key] = {**table.rows[key], "Title": title, "SystemModstamp": f"{second}.000+0000"}
        found = pages(connector, resource, landed)
        seen += [(page.rows[0]["Title"], (page.versions or [""])[0]) for page in found]
        land(connector, resource, landed)
    assert seen == [("one", f"{second}.000000Z"), ("two", f"{second}.000001Z")]
    org(sandbox).delete(table, table.rows[key])
    assert land(connector, resource, landed).shown == 1 and (key,) not in landed.rows


def test_columns_follow_the_description(connector: Connector) -> None:
    schema = connector.source().schema(spec("salesforce", "Contact"))
    kinds = {column.name: column.type for column in schema.columns}
    assert schema.names()[0] == "Id" and schema.primary_key == ("Id",)
    assert schema.cursor_columns == ("SystemModstamp", "LastModifiedDate")
    assert "MailingAddress" not in kinds and kinds["MailingCountry"] == "text"
    assert kinds["HasOptedOutOfEmail"] == "bool" and kinds["SystemModstamp"] == "timestamp"
    assert kinds["Interests__c"] == "text" and kinds["Lead_Score__c"] == "double"
    deals = connector.source().schema(spec("salesforce", "Opportunity", {"fields": ["Amount", "CloseDate"]}))
    found = [(column.name, column.type) for column in deals.columns]
    assert found == [
        ("Id", "text"),
        ("Amount", "decimal"),
        ("CloseDate", "date"),
        ("SystemModstamp", "timestamp"),
    ]


def test_a_new_field_appears_without_a_release(connector: Connector, desk: Desk) -> None:
    source, resource = connector.source(), spec("salesforce", "Lead")
    assert "Region__c" not in source.schema(resource).names()
    desk.save("salesforce", "Lead.fields", {"name": "Region__c", "type": "picklist"})
    key = min(live(desk, "Lead"))
    desk.save("salesforce", "Lead", {"Id": key, "Region__c": "North"})
    landed = Landed(source.schema(resource)).read(source, resource)
    assert landed.rows[(key,)]["Region__c"] == "North"


def test_rest_and_bulk_read_the_same(connector: Connector, desk: Desk) -> None:
    """Commas, quotes and line breaks, NULLs, numbers, times."""
    for name in ("Task", "Opportunity", "Contact", "Account"):
        by = [land(connector, spec("salesforce", name, {"via": via})).rows for via in ("rest", "bulk")]
        assert by[0] == by[1]
        assert len(by[0]) == len(live(desk, name))


def test_a_full_read_takes_the_job_from_bulk_from_on(connector: Connector, desk: Desk) -> None:
    count = len(live(desk, "Account"))
    for bulk_from, jobs in ((count + 1, 0), (count, 1)):
        before = [entry for entry in desk.requests("salesforce", "/jobs/query") if entry["method"] == "POST"]
        land(connector, spec("salesforce", "Account", {"bulk_from": bulk_from}))
        after = [entry for entry in desk.requests("salesforce", "/jobs/query") if entry["method"] == "POST"]
        assert len(after) - len(before) == jobs


def test_a_job_is_read_page_by_page_and_removed(
    connector: Connector, desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PAGE_ROWS", 10)
    landed = land(connector, spec("salesforce", "Account", {"via": "bulk"}))
    assert {key for (key,) in landed.rows} == set(live(desk, "Account"))
    paths = [entry["path"] for entry in desk.requests("salesforce", "maxRecords=10")]
    assert len(paths) == 4 and "locator=L30" in paths[-1]
    assert sandbox.house.fakes["salesforce"].query_jobs.jobs == {}  # type: ignore[attr-defined]


def test_a_query_too_long_for_a_url_goes_into_a_job(connector: Connector, desk: Desk) -> None:
    names = [f"A_rather_long_custom_field_name_{number:03d}__c" for number in range(300)]
    desk.save("salesforce", "Campaign.fields", *[{"name": name, "type": "string"} for name in names])
    resource = spec("salesforce", "Campaign")
    landed = land(connector, resource)
    desk.save("salesforce", "Campaign", {"Id": min(live(desk, "Campaign")), names[0]: "x"})
    assert land(connector, resource, landed).shown == 1
    assert set(names) <= set(landed.schema.names())
    assert max(len(entry["path"]) for entry in desk.requests("salesforce")) < 13_000


def test_a_hard_delete_is_told_by_the_deleted_list(
    connector: Connector, desk: Desk, sandbox: Sandbox
) -> None:
    calm, resource = spec("salesforce", "Contact"), spec("salesforce", "Contact", ALWAYS)
    landed = land(connector, calm)
    victim = min(live(desk))
    org(sandbox).purge(org(sandbox).tables["Contact"], victim)
    land(connector, spec("salesforce", "Contact", {"deleted_sweep": "off"}), landed)
    assert (victim,) in landed.rows
    land(connector, resource, landed)
    assert (victim,) not in landed.rows and {key for (key,) in landed.rows} == set(live(desk))


def test_the_deleted_list_goes_on_from_its_own_word(connector: Connector, desk: Desk) -> None:
    """Never from now: what Salesforce has not covered yet would be lost."""
    resource = spec("salesforce", "Contact", ALWAYS)
    landed = land(connector, resource)
    covered = (datetime.now(UTC) - timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    body = {"deletedRecords": [], "earliestDateAvailable": covered, "latestDateCovered": covered}
    desk.faults({"vendor": "salesforce", "route": "*/deleted*", "status": 200, "body": body})
    land(connector, resource, landed)
    assert landed.position is not None
    assert landed.position["deleted"] == f"{covered[:19]}.000000Z"
    desk.faults()
    land(connector, resource, landed)
    path = desk.requests("salesforce", "/deleted/")[-1]["path"]
    assert f"start={covered[:13]}" in path


def test_the_deleted_list_repeats_no_tombstone(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Contact", ALWAYS)
    landed = land(connector, resource)
    desk.remove("salesforce", "Contact", min(live(desk)))
    assert land(connector, resource, landed).shown == 1
    assert land(connector, resource, landed).shown == 0


def test_backfill_reads_the_days_and_no_others(connector: Connector, desk: Desk) -> None:
    resource = spec("salesforce", "Lead")
    source = connector.source()
    schema = source.schema(resource)
    days = sorted(row["SystemModstamp"][:10] for row in live(desk, "Lead").values())
    first, last = (date.fromisoformat(days[at]) for at in (20, 40))
    parts = list(source.backfill(resource, schema, first, last))  # type: ignore[attr-defined]
    shown = [row["SystemModstamp"][:10] for part in parts if isinstance(part, Page) for row in part.rows]
    assert sorted(shown) == [day for day in days if days[20] <= day <= days[40]]
    assert isinstance(parts[-1], Checkpoint) and parts[-1].scopes == ()


def test_a_census_names_every_live_record(connector: Connector, desk: Desk) -> None:
    desk.remove("salesforce", "Contact", min(live(desk)))
    resource = spec("salesforce", "Contact")
    source = connector.source()
    found = list(source.census(resource, source.schema(resource)))  # type: ignore[attr-defined]
    named = {
        row["Id"]: version
        for page in found
        for row, version in zip(page.rows, page.versions or (), strict=True)
    }
    assert named == {key: row["SystemModstamp"] for key, row in live(desk).items()}


def test_other_fields_or_another_condition_read_all_again(connector: Connector, desk: Desk) -> None:
    landed = land(connector, spec("salesforce", "Account", {"fields": ["Name"]}))
    for options in ({"fields": ["Name", "Industry"]}, {"where": "BillingCountry = 'Germany'"}):
        other = spec("salesforce", "Account", options)
        landed.schema = connector.source().schema(other)
        land(connector, other, landed)
        wanted = {
            key
            for key, row in live(desk, "Account").items()
            if "where" not in options or row["BillingCountry"] == "Germany"
        }
        assert landed.shown == len(wanted)
        assert {key for (key,) in landed.rows} == wanted


def test_a_custom_object_is_read_like_any_other(connector: Connector, desk: Desk) -> None:
    pets = [
        {"Id": f"a0P5e000000000{number}", "Name": f"Pet {number}", "Paws__c": 4} for number in range(1, 4)
    ]
    desk.replace("salesforce", "Pet__c", pets)
    landed = land(connector, spec("salesforce", "Pet__c"))
    assert {(row["Name"], row["Paws__c"]) for row in landed.rows.values()} == {
        (f"Pet {number}", 4) for number in range(1, 4)
    }


def test_an_object_without_a_stamp_is_read_whole(connector: Connector, desk: Desk) -> None:
    for name in ("SystemModstamp", "LastModifiedDate"):
        desk.remove("salesforce", "Event.fields", name)
    resource = spec("salesforce", "Event")
    landed = land(connector, resource)
    assert landed.shown == len(live(desk, "Event")) and landed.schema.cursor_columns == ()
    assert land(connector, resource, landed).shown == 0
    desk.remove("salesforce", "Event", min(live(desk, "Event")))
    land(connector, resource, landed)
    assert {key for (key,) in landed.rows} == set(live(desk, "Event"))


def test_an_unknown_object_or_field_is_named(connector: Connector) -> None:
    with pytest.raises(FatalError, match=r"no object 'Kontakt__c'"):
        connector.source().schema(spec("salesforce", "Kontakt__c"))
    with pytest.raises(FatalError, match=r"reads no field 'Emial'. did you mean Email"):
        connector.source().schema(spec("salesforce", "Contact", {"fields": ["Emial"]}))


def test_salesforces_words_on_a_condition_are_told(connector: Connector) -> None:
    resource = spec("salesforce", "Contact", {"where": "Nonsense = 'x'"})
    with pytest.raises(VendorRefused, match="INVALID_FIELD: No such column 'Nonsense' on entity 'Contact'"):
        land(connector, resource)


def test_the_days_requests_are_reported(sandbox: Sandbox) -> None:
    limiter = FreeLimiter()
    connector = connect("salesforce", sandbox.base_url("salesforce"), LOGIN, limiter)
    connector.account()
    found = limiter.quotas["daily API requests"]
    assert found.limit == 100_000 and 0 < found.remaining < 100_000
    connector.close()


# ---- doctor ---------------------------------------------------------------------------------------------


def findings(connector: Connector) -> dict[str, tuple[str, str]]:
    return {found.subject: (found.level, found.text) for found in connector.examine()}  # type: ignore[attr-defined]


def test_an_org_in_order_is_said_to_be(sandbox: Sandbox) -> None:
    url = sandbox.base_url("salesforce")
    login = {"client_id": "app", "client_secret": "app-secret", "login_url": url}
    connector = connect("salesforce", url, login)
    found = findings(connector)
    assert {level for level, _ in found.values()} == {"ok"}
    assert connector.account() in found["login"][1] and found["api"][1] == "granted: api"
    connector.close()


def test_what_is_amiss_is_named_with_the_fix(sandbox: Sandbox, desk: Desk) -> None:
    url = sandbox.base_url("salesforce")
    token = {
        "access_token": "sandbox",
        "instance_url": url,
        "scope": "id refresh_token",
        "id": f"{url}/id/00D5e0000000001AAA/005x",
    }
    limits = {"DailyApiRequests": {"Max": 1000, "Remaining": 99}}
    listed = {"sobjects": [{"name": "Account", "queryable": True}, {"name": "Lead", "queryable": False}]}
    answers = {"*/oauth2/token": token, "*/limits/": limits, "*/sobjects": listed}
    desk.faults(
        *[
            {"vendor": "salesforce", "route": route, "status": 200, "body": body}
            for route, body in answers.items()
        ]
    )
    login = {"client_id": "app", "client_secret": "app-secret", "login_url": url, "api_version": "99.0"}
    connector = connect("salesforce", url, login)
    found = findings(connector)
    assert found["api_version"] == ("error", "the org does not serve 99.0")
    assert found["api"] == ("error", "not granted; granted: id, refresh_token")
    assert found["DailyApiRequests"] == ("warning", "99 of 1000 left")
    level, text = found["objects"]
    assert level == "warning" and "Contact" in text and "Lead" in text and "Account" not in text
    fixes = [one.fix for one in connector.examine() if one.level != "ok"]  # type: ignore[attr-defined]
    assert len(fixes) == 4 and all(fixes)
    connector.close()


@pytest.mark.parametrize("version", ["66.0", "68.0"])
def test_other_versions_read_alike(version: str, sandbox: Sandbox) -> None:
    connector = connect("salesforce", sandbox.base_url("salesforce"), {**LOGIN, "api_version": version})
    assert land(connector, spec("salesforce", "Account")).shown > 0
    connector.close()
