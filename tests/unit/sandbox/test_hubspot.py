"""What HubSpot's SDKs do not show: validation, search, history, limits, and the rules of 2026-09."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from tailrace.sandbox.clock import Clock
from tailrace.sandbox.hubspot import HubSpot
from tailrace.sandbox.hubspot.quota import Quota
from tailrace.sandbox.vendor import Settings
from tailrace.sandbox.wire import Request
from tailrace.sandbox.world.properties import GROUPS, PROPERTIES

V3, DATED, STRICT = "/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"
MADE = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class SmallWorld:
    hubspot: dict[str, list[dict[str, Any]]]
    hubspot_associations: list[tuple[str, str, str, str, int]] = field(default_factory=list)
    hubspot_properties: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: PROPERTIES)
    hubspot_groups: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: GROUPS)


def record(number: int, stamp: str = "lastmodifieddate", **values: str) -> dict[str, Any]:
    moment = (MADE + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    own = {"hs_object_id": str(number), "createdate": moment, stamp: moment}
    return {
        "id": str(number),
        "properties": {**own, **values},
        "createdAt": moment,
        "updatedAt": moment,
        "archived": False,
    }


def people(count: int) -> list[dict[str, Any]]:
    return [
        record(n, email=f"p{n}@example.com", lead_score=str(n), firstname=f"First {n}")
        for n in range(1, count + 1)
    ]


class Portal:
    """A fake with a few records, spoken to in JSON."""

    def __init__(
        self, contacts: int = 5, clock: Clock | None = None, limits: bool = False, **quota: int
    ) -> None:
        world = SmallWorld(
            {
                "contacts": people(contacts),
                "companies": [record(1, "hs_lastmodifieddate", name="Acme")],
                "deals": [record(1, "hs_lastmodifieddate", dealname="Big", dealstage="contractsent")],
                "owners": [],
            },
            [("contacts", "1", "companies", "1", 1), ("deals", "1", "contacts", "1", 3)],
        )
        self.fake = HubSpot(world, clock or Clock(), Settings(limits=limits), Quota(**quota))

    def ask(self, method: str, path: str, document: Any = None, token: str = "sandbox") -> tuple[int, Any]:
        response = self.raw(method, path, document, token)
        return response.status, orjson.loads(response.body) if response.body else None

    def raw(self, method: str, path: str, document: Any = None, token: str = "sandbox") -> Any:
        path, _, query = path.partition("?")
        pairs = tuple(tuple(pair.split("=", 1)) for pair in query.split("&")) if query else ()
        body = b"" if document is None else orjson.dumps(document)
        return self.fake.handle(Request(method, path, pairs, {"authorization": f"Bearer {token}"}, body))

    def values(self, key: str, obj: str = "contacts") -> dict[str, str]:
        return next(item for item in self.fake.records(obj) if item["id"] == key)["properties"]

    def search(self, *filters: dict[str, Any], **more: Any) -> tuple[int, Any]:
        body = {"filterGroups": [{"filters": list(filters)}] if filters else [], "limit": 200, **more}
        return self.ask("POST", f"{V3}/contacts/search", body)


@pytest.fixture
def portal():
    return Portal()


# ---- paths -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [V3, DATED, STRICT, "/crm/v4/objects"])
@pytest.mark.parametrize("name", ["contacts", "CONTACT", "0-1"])
def test_every_version_and_name_reads_the_same_record(portal, base, name):
    status, document = portal.ask("GET", f"{base}/{name}/1?properties=email")
    assert (status, document["properties"]["email"]) == (200, "p1@example.com")


@pytest.mark.parametrize(
    "path", ["/crm/v2/objects/contacts", f"{V3}", "/crm", "/", f"{V3}/contacts/batch/frob"]
)
def test_unknown_paths_are_404(portal, path):
    assert portal.ask("POST", path, {})[0] == 404


def test_an_unknown_object_type_is_named(portal):
    status, document = portal.ask("GET", f"{V3}/unicorns")
    assert (status, document["message"]) == (400, "Unable to infer object type from: unicorns")


def test_lists_take_repeated_and_joined_properties(portal):
    joined = portal.ask("GET", f"{V3}/contacts?properties=email,lead_score,nonsense")[1]
    repeated = portal.ask("GET", f"{V3}/contacts?properties=email&properties=lead_score")[1]
    assert joined == repeated
    wanted = {"email", "lead_score", "createdate", "hs_object_id", "lastmodifieddate"}
    assert joined["results"][0]["properties"].keys() == wanted


@pytest.mark.parametrize(
    "query", ["limit=101", "limit=0", "limit=x", "limit=51&propertiesWithHistory=email", "after=x"]
)
def test_bad_paging_is_refused(portal, query):
    status, document = portal.ask("GET", f"{V3}/contacts?{query}")
    assert (status, document["category"]) == (400, "VALIDATION_ERROR")


# ---- values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("lead_score", 12.5, "12.5"),
        ("lead_score", "-3", "-3"),
        ("lead_grade", "B", "B"),
        ("email", " New@Example.COM ", "new@example.com"),
        ("firstname", 'O\'Neil, "Zoë" 🎯\n=1+1', 'O\'Neil, "Zoë" 🎯\n=1+1'),
        ("lead_score_reasons", "x" * 65_536, "x" * 65_536),
    ],
)
def test_good_values_are_stored_as_strings(portal, name, given, stored):
    assert portal.ask("PATCH", f"{V3}/contacts/1", {"properties": {name: given}})[0] == 200
    assert portal.values("1")[name] == stored


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("lead_score", "twelve", "INVALID_DOUBLE"),
        ("lead_score", "NaN", "INVALID_DOUBLE"),
        ("lead_score", "1,5", "INVALID_DOUBLE"),
        ("lead_grade", "E", "INVALID_OPTION"),
        ("email", "jane@@x", "INVALID_EMAIL"),
        ("email", "jane@localhost", "INVALID_EMAIL"),
        ("nonsense", "1", "PROPERTY_DOESNT_EXIST"),
        ("lastmodifieddate", "2026-01-01T00:00:00Z", "READ_ONLY_VALUE"),
        ("hs_object_id", "5", "READ_ONLY_VALUE"),
        ("lead_score_reasons", "x" * 65_537, "PROPERTY_VALUE_TOO_LONG"),
    ],
)
def test_bad_values_are_named_and_change_nothing(portal, name, given, code):
    before = portal.values("1")
    status, document = portal.ask(
        "PATCH", f"{V3}/contacts/1", {"properties": {"jobtitle": "CEO", name: given}}
    )
    assert (status, document["category"]) == (400, "VALIDATION_ERROR")
    assert [(error["code"], error["context"]) for error in document["errors"]] == [
        (code, {"propertyName": [name]})
    ]
    assert portal.values("1") == before


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        ("date", "2026-02-03", "2026-02-03"),
        ("date", "1770076800000", "2026-02-03"),
        ("datetime", "1770076800123", "2026-02-03T00:00:00.123Z"),
        ("datetime", "2026-02-03T01:00:00+01:00", "2026-02-03T00:00:00.000Z"),
        ("bool", "TRUE", "true"),
        ("date", "1770076800001", None),
        ("date", "yesterday", None),
        ("datetime", "soon", None),
        ("bool", "yes", None),
    ],
)
def test_dates_and_booleans(portal, kind, given, stored):
    field_type = "booleancheckbox" if kind == "bool" else "date"
    definition = {
        "name": "probe",
        "label": "P",
        "type": kind,
        "fieldType": field_type,
        "groupName": "contactinformation",
    }
    assert portal.ask("POST", "/crm/v3/properties/contacts", definition)[0] == 201
    status, _ = portal.ask("PATCH", f"{V3}/contacts/1", {"properties": {"probe": given}})
    assert (status, portal.values("1").get("probe")) == ((200, stored) if stored else (400, None))


def test_an_empty_string_clears_and_history_keeps_every_value(portal):
    for value in ("7", "8", ""):
        portal.ask("PATCH", f"{V3}/contacts/1", {"properties": {"lead_score": value}})
    found = portal.ask("GET", f"{V3}/contacts/1?propertiesWithHistory=lead_score")[1]
    assert found["properties"]["lead_score"] is None
    versions = found["propertiesWithHistory"]["lead_score"]
    assert [version["value"] for version in versions] == ["", "8", "7", "1"]
    assert [version["sourceType"] for version in versions] == ["API", "API", "API", "CRM_UI"]
    times = [version["timestamp"] for version in versions]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 4


def test_writing_equal_values_still_moves_the_time_of_modification(portal):
    before = portal.values("1")["lastmodifieddate"]
    portal.ask("PATCH", f"{V3}/contacts/1", {"properties": {"lead_score": "1"}})
    assert portal.values("1")["lastmodifieddate"] > before
    assert portal.fake.writes("contacts") == {"1": 1}


def test_the_worlds_own_records_stay_untouched(portal):
    before = portal.fake.records("contacts")[0]
    portal.ask("PATCH", f"{V3}/contacts/1", {"properties": {"lead_score": "99"}})
    portal.fake.reset()
    assert portal.fake.records("contacts")[0] == before
    assert portal.fake.writes("contacts") == {}


# ---- batches ---------------------------------------------------------------------------------------------


def batch(portal, verb, inputs, base=V3, obj="contacts"):
    return portal.ask("POST", f"{base}/{obj}/batch/{verb}", {"inputs": inputs})


def test_a_batch_takes_a_hundred_inputs():
    portal = Portal(contacts=101)
    inputs = [{"id": str(n), "properties": {"lead_score": "5"}} for n in range(1, 102)]
    assert batch(portal, "update", inputs)[0] == 400
    assert batch(portal, "update", [])[0] == 400
    assert portal.fake.writes("contacts") == {}
    status, document = batch(portal, "update", inputs[:100][::-1])
    assert (status, [row["id"] for row in document["results"]]) == (200, [str(n) for n in range(1, 101)])


@pytest.mark.parametrize("verb", ["update", "upsert"])
def test_a_key_twice_in_one_batch_is_refused_whole(portal, verb):
    inputs = [
        {"id": key, "idProperty": "email", "properties": {"lead_score": "5"}}
        for key in ("p1@example.com", "P1@Example.com ")
    ]
    status, document = batch(portal, verb, inputs)
    assert (status, "Duplicate IDs" in document["message"]) == (400, True)
    assert portal.fake.writes("contacts") == {}


def test_upsert_makes_what_is_unknown_and_finds_by_email_in_any_case(portal):
    inputs = [
        {"id": "P2@EXAMPLE.com", "idProperty": "email", "properties": {"lead_score": "50"}},
        {"id": "fresh@example.com", "idProperty": "email", "properties": {"lead_score": "60"}},
    ]
    status, document = batch(portal, "upsert", inputs)
    assert status == 200
    assert [(row["id"], row["new"]) for row in document["results"]] == [("2", False), ("1002", True)]
    assert portal.values("1002")["email"] == "fresh@example.com"
    assert batch(portal, "upsert", inputs)[1]["results"][1]["new"] is False


def test_upsert_by_a_property_without_unique_values_is_refused(portal):
    inputs = [{"id": "First 1", "idProperty": "firstname", "properties": {}}]
    assert "non-unique" in batch(portal, "upsert", inputs)[1]["message"]


def test_unknown_ids_share_one_error_without_trace_ids_and_have_their_own_with(portal):
    inputs = [{"id": key, "properties": {"lead_score": "5"}} for key in ("1", "404", "405")]
    status, document = batch(portal, "update", inputs)
    assert (status, document["numErrors"], document["errors"][0]["context"]) == (
        207,
        1,
        {"ids": ["404", "405"]},
    )
    traced = [{**item, "objectWriteTraceId": f"t{item['id']}"} for item in inputs]
    status, document = batch(portal, "update", traced)
    assert [error["context"]["objectWriteTraceId"] for error in document["errors"]] == [["t404"], ["t405"]]
    assert [row["objectWriteTraceId"] for row in document["results"]] == ["t1"]


def test_creating_a_known_email_is_a_conflict_of_the_batch_or_of_its_row(portal):
    inputs = [{"properties": {"email": "P1@example.com"}}, {"properties": {"email": "other@example.com"}}]
    status, document = batch(portal, "create", inputs)
    assert (status, document["category"]) == (409, "CONFLICT")
    traced = [{**item, "objectWriteTraceId": str(n)} for n, item in enumerate(inputs)]
    status, document = batch(portal, "create", [*traced, {**inputs[1], "objectWriteTraceId": "2"}])
    assert (status, len(document["results"])) == (207, 1)
    assert [error["context"]["objectWriteTraceId"] for error in document["errors"]] == [["0"], ["2"]]


def test_archiving_is_204_whatever_the_state_and_frees_the_email(portal):
    assert batch(portal, "archive", [{"id": "1"}, {"id": "404"}])[0] == 204
    assert batch(portal, "archive", [{"id": "1"}])[0] == 204
    assert portal.ask("POST", f"{V3}/contacts", {"properties": {"email": "p1@example.com"}})[0] == 201
    assert portal.search()[1]["total"] == 5


def test_archiving_a_record_takes_its_associations_away(portal):
    portal.ask("DELETE", f"{V3}/contacts/1")
    status, document = portal.ask(
        "POST", "/crm/v4/associations/companies/contacts/batch/read", {"inputs": [{"id": "1"}]}
    )
    assert (status, document["errors"][0]["subCategory"]) == (207, "crm.associations.NO_ASSOCIATIONS_FOUND")


@pytest.mark.parametrize(("base", "status"), [(V3, 200), (DATED, 200), (STRICT, 400)])
def test_only_2026_09_enforces_the_accounts_rules(portal, base, status):
    won = {"properties": {"dealstage": "closedwon"}}
    assert portal.ask("PATCH", f"{base}/deals/1", won)[0] == status
    both = {"properties": {"dealstage": "closedwon", "closedate": "2026-05-01T00:00:00Z"}}
    assert portal.ask("PATCH", f"{base}/deals/1", both)[0] == 200


# ---- associations ----------------------------------------------------------------------------------------


def test_a_create_brings_its_associations_and_the_primary_company_shows(portal):
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    body = {"properties": {"email": "n@example.com"}, "associations": [{"to": {"id": "1"}, "types": types}]}
    status, made = portal.ask("POST", f"{V3}/contacts", body)
    assert (status, portal.values(made["id"])["associatedcompanyid"]) == (201, "1")
    found = portal.ask("GET", f"{V3}/contacts/{made['id']}?associations=companies,deals")[1]["associations"]
    assert found == {"companies": {"results": [{"id": "1", "type": "contact_to_company"}]}}
    portal.ask("DELETE", f"/crm/v4/objects/contacts/{made['id']}/associations/companies/1")
    assert "associatedcompanyid" not in portal.values(made["id"])


def test_single_associations_by_version(portal):
    status, document = portal.ask("GET", "/crm/v4/objects/deals/1/associations/contacts")
    assert (status, document["results"][0]["toObjectId"]) == (200, "1")
    assert portal.ask("GET", f"{STRICT}/deals/1/associations/contacts")[0] == 404
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]
    assert portal.ask("PUT", f"{STRICT}/deals/1/associations/contacts/2", types)[0] == 201
    assert portal.ask("PUT", f"{STRICT}/deals/1/associations/contacts/404", types)[0] == 400
    wrong = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    assert portal.ask("PUT", f"{STRICT}/deals/1/associations/contacts/2", wrong)[0] == 400
    assert portal.ask("PUT", f"{V3}/deals/1/associations/default/companies/1")[0] == 200


@pytest.mark.parametrize(
    ("base", "status"), [("/crm/v4/associations", 204), ("/crm/associations/2026-03", 200)]
)
def test_archiving_associations_answers_by_version(portal, base, status):
    inputs = [{"from": {"id": "1"}, "to": [{"id": "1"}]}]
    assert portal.ask("POST", f"{base}/deals/contacts/batch/archive", {"inputs": inputs})[0] == status
    assert portal.ask("GET", "/crm/v4/objects/contacts/1/associations/deals")[1]["results"] == []


# ---- search ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ({"propertyName": "lead_score", "operator": "EQ", "value": "3.0"}, ["3"]),
        ({"propertyName": "lead_score", "operator": "NEQ", "value": "3"}, ["1", "2", "4", "5"]),
        ({"propertyName": "lead_score", "operator": "LT", "value": "3"}, ["1", "2"]),
        ({"propertyName": "lead_score", "operator": "LTE", "value": "3"}, ["1", "2", "3"]),
        ({"propertyName": "lead_score", "operator": "GT", "value": "3"}, ["4", "5"]),
        ({"propertyName": "lead_score", "operator": "GTE", "value": "3"}, ["3", "4", "5"]),
        ({"propertyName": "lead_score", "operator": "BETWEEN", "value": "2", "highValue": "3"}, ["2", "3"]),
        (
            {"propertyName": "email", "operator": "IN", "values": ["p1@example.com", "P4@EXAMPLE.COM"]},
            ["1", "4"],
        ),
        ({"propertyName": "email", "operator": "NOT_IN", "values": ["p1@example.com"]}, ["2", "3", "4", "5"]),
        ({"propertyName": "jobtitle", "operator": "HAS_PROPERTY"}, []),
        ({"propertyName": "jobtitle", "operator": "NOT_HAS_PROPERTY"}, ["1", "2", "3", "4", "5"]),
        ({"propertyName": "firstname", "operator": "CONTAINS_TOKEN", "value": "4"}, ["4"]),
        (
            {"propertyName": "email", "operator": "CONTAINS_TOKEN", "value": "*@example.com"},
            ["1", "2", "3", "4", "5"],
        ),
        ({"propertyName": "firstname", "operator": "NOT_CONTAINS_TOKEN", "value": "4"}, ["1", "2", "3", "5"]),
        ({"propertyName": "lastmodifieddate", "operator": "GT", "value": "2026-03-01T00:03:00Z"}, ["4", "5"]),
        ({"propertyName": "lastmodifieddate", "operator": "GTE", "value": "1772323380000"}, ["3", "4", "5"]),
        ({"propertyName": "createdate", "operator": "LTE", "value": "1772323380000"}, ["1", "2", "3"]),
    ],
)
def test_every_operator(portal, item, found):
    status, document = portal.search(item)
    assert (status, [row["id"] for row in document["results"]]) == (200, found)


def test_groups_are_or_ed_and_filters_and_ed(portal):
    low, high = (
        {"propertyName": "lead_score", "operator": op, "value": v} for op, v in (("LT", "2"), ("GT", "3"))
    )
    last = {"propertyName": "email", "operator": "EQ", "value": "p5@example.com"}
    groups = [{"filters": [low]}, {"filters": [high, last]}]
    document = portal.search(filterGroups=groups)[1]
    assert [row["id"] for row in document["results"]] == ["1", "5"]


def test_sorts_in_both_shapes_and_free_text(portal):
    descending = {"propertyName": "lead_score", "direction": "DESCENDING"}
    for sort in (descending, "-lead_score"):
        assert [row["id"] for row in portal.search(sorts=[sort])[1]["results"]] == ["5", "4", "3", "2", "1"]
    assert portal.search(query="first p3@")[1]["total"] == 1


def test_pages_stay_true_while_records_change(portal):
    modified = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "2026-03-01T00:00:00Z"}
    sort = {"propertyName": "lastmodifieddate", "direction": "ASCENDING"}
    first = portal.search(modified, sorts=[sort], limit=2)[1]
    assert [row["id"] for row in first["results"]] == ["1", "2"]
    portal.ask("PATCH", f"{V3}/contacts/1", {"properties": {"lead_score": "9"}})
    again = portal.search(modified, sorts=[sort])[1]
    assert [row["id"] for row in again["results"]] == ["2", "3", "4", "5", "1"]


def test_a_search_ends_at_ten_thousand_results():
    portal = Portal(contacts=10_050)
    status, document = portal.search(after="9800")
    assert (status, document["total"], document["paging"]["next"]["after"]) == (200, 10_050, "10000")
    status, document = portal.search(after="10000")
    assert (status, document["category"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "x"},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "nonsense", "operator": "EQ", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "lead_score", "operator": "GT", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "IN", "value": "x"}]}]},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "HAS_PROPERTY"}] * 7}]},
        {"sorts": ["nonsense"]},
        {"query": "x" * 3_001},
    ],
)
def test_a_malformed_search_is_refused(portal, body):
    status, document = portal.ask("POST", f"{V3}/contacts/search", body)
    assert (status, document["category"]) == (400, "VALIDATION_ERROR")


# ---- tokens and limits -----------------------------------------------------------------------------------


def test_a_minted_token_ends_after_thirty_minutes():
    now = [MADE]
    portal = Portal(clock=Clock(lambda: now[0]))
    form = b"grant_type=refresh_token&client_id=i&client_secret=s&refresh_token=sandbox"
    minted = orjson.loads(portal.fake.handle(Request("POST", "/oauth/v1/token", body=form)).body)
    token = minted["access_token"]
    assert portal.ask("GET", f"{V3}/contacts", token=token)[0] == 200
    now[0] += timedelta(minutes=30)
    status, document = portal.ask("GET", f"{V3}/contacts", token=token)
    assert (status, document["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert portal.ask("GET", f"{V3}/contacts", token="stranger")[1]["category"] == "INVALID_AUTHENTICATION"


def test_the_daily_limit_ends_the_day():
    now = [MADE]
    portal = Portal(clock=Clock(lambda: now[0]), limits=True, daily=3)
    answers = [portal.raw("GET", f"{V3}/contacts") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert orjson.loads(answers[3].body)["policyName"] == "DAILY"
    assert answers[3].headers["x-hubspot-ratelimit-daily-remaining"] == "0"
    now[0] += timedelta(days=1)
    assert portal.raw("GET", f"{V3}/contacts").status == 200


def test_searches_have_a_limit_of_their_own_and_no_headers():
    portal = Portal(limits=True, searches_a_second=2, ten_secondly=1)
    answers = [portal.raw("POST", f"{V3}/contacts/search", {}) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert not any(name.startswith("x-hubspot") for answer in answers for name in answer.headers)
    assert portal.raw("GET", f"{V3}/contacts").status == 200
    refused = portal.raw("GET", f"{V3}/contacts")
    assert (refused.status, "retry-after" in refused.headers) == (429, False)


# ---- properties ------------------------------------------------------------------------------------------


def test_definitions_are_checked(portal):
    whole = {
        "name": "ltv",
        "label": "L",
        "type": "number",
        "fieldType": "number",
        "groupName": "contactinformation",
    }
    at = "/crm/v3/properties/contacts"
    for wrong in (
        {"type": "float"},
        {"fieldType": "slider"},
        {"groupName": "nowhere"},
        {"name": "LTV"},
        {"label": ""},
    ):
        assert portal.ask("POST", at, {**whole, **wrong})[0] == 400
    assert portal.ask("POST", at, whole)[0] == 201
    assert portal.ask("POST", at, whole)[0] == 409
    assert portal.ask("PATCH", f"{at}/email", {"label": "E"})[0] == 400
    assert portal.ask("DELETE", f"{at}/email")[0] == 400
    assert portal.ask("DELETE", f"{at}/ltv")[0] == 204
    assert portal.ask("GET", f"{at}/ltv")[0] == 404
    assert portal.ask("PATCH", f"{V3}/contacts/1", {"properties": {"ltv": "1"}})[0] == 400
    status, document = portal.ask(
        "POST", f"{at}/batch/read", {"inputs": [{"name": "email"}, {"name": "ltv"}]}
    )
    assert (status, [item["name"] for item in document["results"]], document["numErrors"]) == (
        207,
        ["email"],
        1,
    )


def test_gdpr_delete_blocks_an_unknown_email(portal):
    body = {"objectId": "ghost@example.com", "idProperty": "email"}
    assert portal.ask("POST", f"{V3}/contacts/gdpr-delete", body)[0] == 204
    assert portal.ask("POST", f"{V3}/contacts", {"properties": {"email": "ghost@example.com"}})[0] == 400
