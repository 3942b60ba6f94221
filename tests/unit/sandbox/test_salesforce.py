"""The Salesforce sandbox at the wire: what it answers, what it refuses and in which words."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
import json
from urllib.parse import quote, urlencode

import orjson
import pytest
from tests.unit.sandbox.talk import BEARER, ask

from tailrace.sandbox import Sandbox
from tailrace.sandbox.salesforce import query as query_module
from tailrace.sandbox.salesforce.ids import full, is_id

TODAY = dt.date(2026, 6, 1)
V = "/services/data/v67.0"


@pytest.fixture(scope="module")
def running():
    with Sandbox.start(contacts=150, today=TODAY, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.house.reset()
    yield running
    running.house.faults = type(running.house.faults)()


def call(sandbox, method, path, document=None, headers=None):
    return ask(sandbox.url, method, f"/salesforce{path}", document, headers and {**BEARER, **headers})


def soql(sandbox, text, verb="query", **headers):
    return call(sandbox, "GET", f"{V}/{verb}/?q={quote(text)}", None, headers)


def found(sandbox, text, verb="query"):
    answer = soql(sandbox, text, verb)
    assert answer.status == 200, answer.body
    return answer.json()["records"]


def refusal(answer):
    errors = answer.json()
    assert isinstance(errors, list) and set(errors[0]) >= {"message", "errorCode"}
    return answer.status, errors[0]["errorCode"], errors[0]["message"]


def org(sandbox):
    return sandbox.house.fakes["salesforce"].org


# ---- the world ------------------------------------------------------------------------------------------


def test_people_are_those_of_the_hubspot_world(sandbox):
    fakes = sandbox.house.fakes
    known = {record["id"]: record for record in fakes["hubspot"].records("contacts")}
    people = fakes["salesforce"].records("Contact") + fakes["salesforce"].records("Lead")
    assert len(people) == len(known) == 150
    for person in people:
        source = known[person["Ext__c"].removeprefix("hs-")]["properties"]
        assert person["Email"] == source.get("email")
    companies = {row["Id"] for row in fakes["salesforce"].records("Account")}
    contacts = fakes["salesforce"].records("Contact")
    assert {row["AccountId"] for row in contacts if row["AccountId"]} <= companies
    names = {row["Name"] for row in fakes["salesforce"].records("Campaign")}
    assert names == {row["campaign"]["name"] for row in fakes["google_ads"].records("campaigns")}


def test_all_happened_before_today_and_ids_are_right(sandbox):
    fake = sandbox.house.fakes["salesforce"]
    for obj in (name for name in fake.objects() if not name.endswith(".fields")):
        rows = fake.records(obj)
        assert rows
        assert max(row["SystemModstamp"] for row in rows) < "2026-06-01T00:00:00"
        assert all(is_id(row["Id"]) and len(row["Id"]) == 18 for row in rows)
        assert len({row["Id"] for row in rows}) == len(rows)


def test_reset_gives_the_same_records_and_rounds_the_same_changes(sandbox):
    fake = sandbox.house.fakes["salesforce"]
    before = {obj: fake.records(obj) for obj in ("Contact", "Lead", "Opportunity")}

    def changed():
        sandbox.house.advance(2)
        return {
            (obj, row["Id"]): {
                name: value for name, value in row.items() if "Date" not in name and "Mod" not in name
            }
            for obj in before
            for row in fake.records(obj)
        }

    first = changed()
    sandbox.house.reset()
    assert {obj: fake.records(obj) for obj in before} == before
    assert changed() == first
    dead = [row for row in org(sandbox).tables["Contact"].rows.values() if row["IsDeleted"]]
    assert {bool(row["MasterRecordId"]) for row in dead} == {True, False}


def test_ids_know_their_case():
    assert full("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert is_id("001A0000006Vm9rIAC") and not is_id("001A0000006Vm9rIAD") and not is_id("short")


# ---- SOQL -----------------------------------------------------------------------------------------------


def test_conditions_find_what_they_say(sandbox):
    rows = sandbox.house.fakes["salesforce"].records("Contact")
    title = next(row["Title"] for row in rows if row["Title"])
    ids = [row["Id"] for row in rows[:2]]
    late = sorted(row["SystemModstamp"] for row in rows)[-5]
    cases = {
        f"Title = '{title.upper()}'": lambda row: row["Title"] == title,
        "Phone = null": lambda row: row["Phone"] is None,
        "Phone != null AND HasOptedOutOfEmail = false": lambda row: (
            row["Phone"] and not row["HasOptedOutOfEmail"]
        ),
        f"SystemModstamp >= {late.replace('+0000', 'Z')}": lambda row: row["SystemModstamp"] >= late,
        f"Id IN ('{ids[0]}', '{ids[1][:15]}')": lambda row: row["Id"] in ids,
        f"Id NOT IN ('{ids[0]}')": lambda row: row["Id"] != ids[0],
        "Email LIKE '%@%.EXAMPLE'": lambda row: (
            "@" in (row["Email"] or "") and row["Email"].lower().endswith(".example")
        ),
        "NOT (Phone = null OR LeadSource = 'Web')": lambda row: row["Phone"] and row["LeadSource"] != "Web",
        r"LastName = 'O\'Neill'": lambda row: row["LastName"] == "O'Neill",
    }
    for condition, test in cases.items():
        got = {row["Id"] for row in found(sandbox, f"SELECT Id FROM Contact WHERE {condition}")}
        assert got == {row["Id"] for row in rows if test(row)}, condition


def test_numbers_days_order_limit_and_offset(sandbox):
    rows = sandbox.house.fakes["salesforce"].records("Opportunity")
    big = found(
        sandbox, "select id, amount from opportunity where Amount > 1000.5 order by Amount desc, Id limit 5"
    )
    amounts = sorted((row["Amount"] for row in rows if (row["Amount"] or 0) > 1000.5), reverse=True)
    assert [row["Amount"] for row in big] == amounts[:5]
    rest = found(
        sandbox,
        "SELECT Amount FROM Opportunity WHERE Amount > 1000.5 ORDER BY Amount DESC, Id LIMIT 2 OFFSET 3",
    )
    assert [row["Amount"] for row in rest] == amounts[3:5]
    nulls_last = found(sandbox, "SELECT Amount FROM Opportunity ORDER BY Amount NULLS LAST")
    assert [row["Amount"] for row in nulls_last][-1] == max(
        (row["Amount"] for row in rows), key=lambda value: (value is None, value or 0)
    )
    early = found(sandbox, "SELECT Id FROM Opportunity WHERE CloseDate < 2026-01-01")
    assert len(early) == sum(row["CloseDate"] < "2026-01-01" for row in rows)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("SELECT Id FORM Contact", "MALFORMED_QUERY", "unexpected token: 'FORM'"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY", "unexpected end of query"),
        ("SELECT Id FROM Contact WHERE Name = 'x", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Contact WHERE Name = null AND Id = null OR Id = null", "MALFORMED_QUERY", "'OR'"),
        ("SELECT Id, id FROM Contact", "MALFORMED_QUERY", "duplicate field selected: Id"),
        ("SELECT * FROM Contact", "MALFORMED_QUERY", "unexpected token: '*'"),
        ("SELECT Id FROM Contact LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT Foo FROM Contact", "INVALID_FIELD", "No such column 'Foo' on entity 'Contact'"),
        ("SELECT Id FROM Contact ORDER BY Foo", "INVALID_FIELD", "No such column 'Foo'"),
        ("SELECT Id FROM Contact WHERE Foo = 1", "INVALID_FIELD", "No such column 'Foo'"),
        ("SELECT Id FROM Kontakt", "INVALID_TYPE", "sObject type 'Kontakt' is not supported"),
        (
            "SELECT Id FROM Contact WHERE SystemModstamp > '2026-01-01T00:00:00Z'",
            "INVALID_FIELD",
            "of type dateTime and should not",
        ),
        ("SELECT Id FROM Contact WHERE HasOptedOutOfEmail = 'true'", "INVALID_FIELD", "of type boolean"),
        ("SELECT Id FROM Contact WHERE Email = 5", "INVALID_FIELD", "of type string"),
        ("SELECT Id FROM Contact WHERE MailingAddress = null", "INVALID_FIELD", "can not be filtered"),
    ],
)
def test_what_soql_refuses(sandbox, text, code, words):
    status, said, message = refusal(soql(sandbox, text))
    assert (status, said) == (400, code)
    assert words in message


def test_pages_follow_their_locators(sandbox, monkeypatch):
    monkeypatch.setattr(query_module, "PAGE", 40)
    page = soql(sandbox, "SELECT Id FROM Lead").json()
    total = page["totalSize"]
    assert page["done"] is False and len(page["records"]) == 40
    assert page["records"][0]["attributes"] == {
        "type": "Lead",
        "url": f"{V}/sobjects/Lead/{page['records'][0]['Id']}",
    }
    ids = [row["Id"] for row in page["records"]]
    while not page["done"]:
        assert page["nextRecordsUrl"].startswith(f"{V}/query/01g")
        page = call(sandbox, "GET", page["nextRecordsUrl"]).json()
        ids += [row["Id"] for row in page["records"]]
    assert len(ids) == len(set(ids)) == total
    assert "nextRecordsUrl" not in page
    assert refusal(call(sandbox, "GET", f"{V}/query/01g000-40"))[:2] == (400, "INVALID_QUERY_LOCATOR")


def test_the_batch_size_is_a_wish_between_200_and_2000(sandbox):
    leads = [{"Id": f"00Q5e0000000{number:03d}", "LastName": "L"} for number in range(450)]
    sandbox.house.fakes["salesforce"].replace("Lead", leads)
    sizes = {}
    for asked in (50, 300, 9000):
        option = {"Sforce-Query-Options": f"batchSize={asked}"}
        sizes[asked] = len(soql(sandbox, "SELECT Id FROM Lead", **option).json()["records"])
    assert sizes == {50: 200, 300: 300, 9000: 450}


def test_deleted_rows_are_in_query_all_alone_for_15_days(sandbox):
    key = found(sandbox, "SELECT Id FROM Contact")[0]["Id"]
    sandbox.house.fakes["salesforce"].remove("Contact", key)
    text = f"SELECT Id, IsDeleted FROM Contact WHERE Id = '{key}'"
    assert found(sandbox, text) == []
    assert [row["IsDeleted"] for row in found(sandbox, text, "queryAll")] == [True]
    assert found(sandbox, f"{text} AND IsDeleted = true", "queryAll")
    table = org(sandbox).tables["Contact"]
    table.rows[key] = {**table.rows[key], "SystemModstamp": "2026-05-01T00:00:00.000+0000"}
    assert found(sandbox, text, "queryAll") == []


# ---- deleted, updated -----------------------------------------------------------------------------------


def window(sandbox, obj, verb, start, end):
    params = {"start": start.isoformat(timespec="seconds"), "end": end.isoformat(timespec="seconds")}
    return call(sandbox, "GET", f"{V}/sobjects/{obj}/{verb}/?{urlencode(params)}")


def test_deleted_tells_of_every_end_but_of_what_was_restored(sandbox):
    table, now = org(sandbox).tables["Contact"], dt.datetime.now(dt.UTC)
    first, second, third, fourth = list(table.rows)[:4]
    org(sandbox).delete(table, table.rows[first])
    org(sandbox).purge(table, second)
    org(sandbox).merge(table, table.rows[fourth], table.rows[third])
    restored = list(table.rows)[5]
    org(sandbox).delete(table, table.rows[restored])
    org(sandbox).undelete(table, table.rows[restored])
    answer = window(
        sandbox, "Contact", "deleted", now - dt.timedelta(hours=1), now + dt.timedelta(hours=1)
    ).json()
    assert {row["id"] for row in answer["deletedRecords"]} == {first, second, third}
    assert answer["latestDateCovered"] < (now + dt.timedelta(minutes=1)).isoformat(), "not the end asked for"
    assert table.rows[third]["MasterRecordId"] == fourth
    ids = window(
        sandbox, "Contact", "updated", now - dt.timedelta(hours=1), now + dt.timedelta(hours=1)
    ).json()["ids"]
    assert set(ids) == {fourth, restored}


def test_windows_that_replication_refuses(sandbox):
    now = dt.datetime.now(dt.UTC)
    short = window(sandbox, "Contact", "deleted", now - dt.timedelta(seconds=30), now)
    old = window(sandbox, "Contact", "deleted", now - dt.timedelta(days=16), now)
    assert [refusal(answer)[1] for answer in (short, old)] == ["INVALID_REPLICATION_DATE"] * 2
    assert window(sandbox, "Contact", "updated", now - dt.timedelta(days=16), now).status == 200
    assert refusal(window(sandbox, "Nope", "deleted", now - dt.timedelta(days=1), now))[:2] == (
        404,
        "NOT_FOUND",
    )


# ---- describe, versions, limits -------------------------------------------------------------------------


def test_describe_tells_fields_types_and_who_may_write_them(sandbox):
    answer = call(sandbox, "GET", f"{V}/sobjects/Contact/describe").json()
    fields = {field["name"]: field for field in answer["fields"]}
    assert answer["queryable"] and answer["replicateable"] and answer["keyPrefix"] == "003"
    assert fields["Ext__c"]["externalId"] and fields["Ext__c"]["unique"] and fields["Ext__c"]["custom"]
    assert not fields["SystemModstamp"]["updateable"] and fields["Title"]["createable"]
    assert not fields["LastName"]["nillable"] and fields["OwnerId"]["referenceTo"] == ["User"]
    assert fields["MailingAddress"]["type"] == "address"
    users = call(sandbox, "GET", f"{V}/sobjects/User/describe").json()
    assert "IsDeleted" not in {field["name"] for field in users["fields"]}
    listed = {found["name"] for found in call(sandbox, "GET", f"{V}/sobjects").json()["sobjects"]}
    assert {"Account", "Contact", "Lead", "Organization"} <= listed


def test_versions_paths_and_limits(sandbox):
    versions = call(sandbox, "GET", "/services/data/", headers={"authorization": "none"}).json()
    assert "67.0" in [version["version"] for version in versions]
    assert refusal(call(sandbox, "GET", "/services/data/v12.0/limits/"))[:2] == (404, "NOT_FOUND")
    assert refusal(call(sandbox, "GET", f"{V}/nothing"))[:2] == (404, "NOT_FOUND")
    limits = call(sandbox, "GET", f"{V}/limits/")
    daily = limits.json()["DailyApiRequests"]
    assert (
        limits.headers["sforce-limit-info"] == f"api-usage={daily['Max'] - daily['Remaining']}/{daily['Max']}"
    )


def test_the_days_requests_end_with_403():
    with Sandbox.start(contacts=5) as sandbox:
        daily = sandbox.house.fakes["salesforce"].daily
        daily.limit = 2
        answers = [soql(sandbox, "SELECT Id FROM Lead") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 403]
    assert refusal(answers[2]) == (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


# ---- tokens ---------------------------------------------------------------------------------------------

NO_TOKEN = {"authorization": "Bearer nobody"}


def jwt(head=None, **claims):
    now = int(dt.datetime.now(dt.UTC).timestamp())
    told = {"iss": "key", "sub": "u", "aud": "https://login.salesforce.com", "exp": now + 120, **claims}
    parts = (head or {"alg": "RS256"}, told)
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*coded, "c2ln"])


def grant(sandbox, **form):
    headers = {"content-type": "application/x-www-form-urlencoded", **form.pop("headers", {})}
    return ask(sandbox.url, "POST", "/salesforce/services/oauth2/token", urlencode(form).encode(), headers)


JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def test_minted_tokens_open_the_org_and_others_do_not(sandbox):
    basic = {"authorization": "Basic " + base64.b64encode(b"key:secret").decode()}
    for answer in (
        grant(sandbox, grant_type="client_credentials", headers=basic),
        grant(sandbox, grant_type="client_credentials", client_id="key", client_secret="secret"),
        grant(sandbox, grant_type=JWT_GRANT, assertion=jwt()),
    ):
        document = answer.json()
        assert answer.status == 200 and "expires_in" not in document and "refresh_token" not in document
        assert document["instance_url"] == sandbox.base_url("salesforce")
        bearer = {"authorization": f"Bearer {document['access_token']}"}
        assert call(sandbox, "GET", f"{V}/limits/", headers=bearer).status == 200
        user = call(sandbox, "GET", "/services/oauth2/userinfo", headers=bearer).json()
        assert document["id"].endswith(f"/id/{user['organization_id']}/{user['user_id']}")
    refused = call(sandbox, "GET", f"{V}/limits/", headers=NO_TOKEN)
    assert refusal(refused) == (401, "INVALID_SESSION_ID", "Session expired or invalid")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": "key"}, "invalid_client"),
        ({"grant_type": JWT_GRANT, "assertion": "a.b"}, "invalid_grant"),
        ({"grant_type": JWT_GRANT, "assertion": "x.y.z"}, "invalid_grant"),
        ({"grant_type": JWT_GRANT, "assertion": jwt({"alg": "none"})}, "invalid_grant"),
        ({"grant_type": JWT_GRANT, "assertion": jwt(iss="")}, "invalid_client_id"),
        ({"grant_type": JWT_GRANT, "assertion": jwt(sub="")}, "invalid_grant"),
        ({"grant_type": JWT_GRANT, "assertion": jwt(aud="https://elsewhere.example")}, "invalid_grant"),
        ({"grant_type": JWT_GRANT, "assertion": jwt(exp=1)}, "invalid_grant"),
        ({"grant_type": JWT_GRANT, "assertion": jwt(exp=4102444800)}, "invalid_grant"),
    ],
)
def test_what_the_token_endpoint_refuses(sandbox, form, error):
    answer = grant(sandbox, **form)
    assert answer.status == 400
    assert answer.json()["error"] == error and answer.json()["error_description"]


# ---- query jobs -----------------------------------------------------------------------------------------


def job(sandbox, text, operation="query", **more):
    return call(sandbox, "POST", f"{V}/jobs/query", {"operation": operation, "query": text, **more})


def test_a_query_job_lives_and_is_read_by_locators(sandbox):
    made = job(sandbox, "SELECT Id, Subject, Description, SystemModstamp FROM Task").json()
    path = f"{V}/jobs/query/{made['id']}"
    assert made["state"] == "UploadComplete"
    assert refusal(call(sandbox, "GET", f"{path}/results"))[1] == "INVALIDJOBSTATE"
    assert refusal(call(sandbox, "DELETE", path))[1] == "INVALIDJOBSTATE"
    states = [call(sandbox, "GET", path).json()["state"] for _ in range(4)]
    assert states == ["UploadComplete", "InProgress", "JobComplete", "JobComplete"]
    rows, locator, count = [], "", 0
    while locator != "null":
        tail = f"&locator={locator}" if locator else ""
        answer = call(sandbox, "GET", f"{path}/results?maxRecords=20{tail}")
        assert answer.headers["content-type"].startswith("text/csv")
        rows += list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
        count += int(answer.headers["sforce-numberofrecords"])
        locator = answer.headers["sforce-locator"]
    truth = {row["Id"]: row for row in sandbox.house.fakes["salesforce"].records("Task")}
    assert count == len(rows) == len(truth)
    for row in rows:
        assert row["Description"] == truth[row["Id"]]["Description"]
        assert row["SystemModstamp"] == truth[row["Id"]]["SystemModstamp"].replace("+0000", "Z")
    assert call(sandbox, "DELETE", path).status == 204
    assert refusal(call(sandbox, "GET", path))[:2] == (404, "NOT_FOUND")


def test_query_all_jobs_show_deleted_rows_and_delimiters_are_chosen(sandbox):
    fake = sandbox.house.fakes["salesforce"]
    fake.remove("Lead", fake.records("Lead")[0]["Id"])
    counts = {}
    for operation in ("query", "queryAll"):
        made = job(
            sandbox, "SELECT Id, IsDeleted FROM Lead", operation, columnDelimiter="PIPE", lineEnding="CRLF"
        )
        path = f"{V}/jobs/query/{made.json()['id']}"
        for _ in range(3):
            call(sandbox, "GET", path)
        lines = call(sandbox, "GET", f"{path}/results").body.decode().split("\r\n")
        assert lines[0] == '"Id"|"IsDeleted"'
        counts[operation] = len(lines) - 2
    assert counts["queryAll"] == counts["query"] + 1


def test_jobs_that_are_refused(sandbox):
    codes = [
        refusal(answer)[1]
        for answer in (
            job(sandbox, "SELECT Id FROM Lead", "insert"),
            job(sandbox, "SELECT COUNT() FROM Lead"),
            job(sandbox, "SELECT Id FORM Lead"),
            job(sandbox, "SELECT MailingAddress FROM Contact"),
            job(sandbox, "SELECT Id FROM Lead", columnDelimiter="SPACE"),
            call(sandbox, "POST", f"{V}/jobs/query", b"{"),
        )
    ]
    assert codes == [
        "INVALIDJOB",
        "FEATURENOTENABLED",
        "MALFORMED_QUERY",
        "INVALIDENTITY",
        "INVALIDJOB",
        "JSON_PARSER_ERROR",
    ]
    made = job(sandbox, "SELECT Id FROM Lead").json()
    aborted = call(sandbox, "PATCH", f"{V}/jobs/query/{made['id']}", {"state": "Aborted"}).json()
    assert aborted["state"] == "Aborted"


# ---- the admin API --------------------------------------------------------------------------------------


def test_an_edit_by_the_admin_is_stamped_and_a_deleted_record_can_be_restored(sandbox):
    fake = sandbox.house.fakes["salesforce"]
    key = fake.records("Contact")[0]["Id"]
    fake.upsert("Contact", [{"Id": key[:15], "Title": "edited"}])
    row = next(row for row in fake.records("Contact") if row["Id"] == key)
    assert row["Title"] == "edited" and row["SystemModstamp"] > "2026-06-01"
    assert row["Email"] is not None or "Email" in row
    fake.remove("Contact", key)
    assert key not in {row["Id"] for row in fake.records("Contact")}
    fake.upsert("Contact", [{"Id": key, "IsDeleted": False}])
    assert key in {row["Id"] for row in fake.records("Contact")}
    assert not fake.remove("Contact", "003000000000000")


def test_records_without_an_id_and_unknown_objects_are_named(sandbox):
    fake = sandbox.house.fakes["salesforce"]
    with pytest.raises(ValueError, match="record 1: Id must be an id of 15 or 18 characters, not None"):
        fake.replace("Contact", [{"Email": "x"}])
    with pytest.raises(ValueError, match="field 1"):
        fake.upsert("Contact.fields", [{"type": "string"}])
    with pytest.raises(KeyError, match="salesforce has no object 'Kontakt'"):
        fake.records("Kontakt")


def test_files_are_taken_as_the_vendor_returns_them(tmp_path):
    folder = tmp_path / "salesforce"
    folder.mkdir()
    stamp = "2026-01-05T10:00:00.000+0000"
    lines = [
        {
            "attributes": {"type": "Contact", "url": "/x"},
            "Id": f"0035e000000000{number}AAA"[:15],
            "LastName": "F",
            "Own__c": 1.5,
            "Seen__c": stamp,
            "SystemModstamp": stamp,
        }
        for number in range(3)
    ]
    (folder / "Contact.jsonl").write_bytes(b"\n".join(orjson.dumps(line) for line in lines))
    (folder / "Pet__c.jsonl").write_bytes(orjson.dumps({"Id": "a0P000000000001", "Paws__c": 4}))
    with Sandbox.start(contacts=20, data=tmp_path) as sandbox:
        rows = found(
            sandbox,
            f"SELECT Id, Own__c, SystemModstamp FROM Contact WHERE Seen__c = {stamp.replace('+0000', 'Z')}",
        )
        assert [(row["Own__c"], row["SystemModstamp"]) for row in rows] == [(1.5, stamp)] * 3
        assert found(sandbox, "SELECT Id FROM Lead") == []
        assert len(found(sandbox, "SELECT Id, Paws__c FROM Pet__c WHERE Paws__c > 3")) == 1
