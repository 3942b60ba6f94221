"""simple-salesforce 1.12 against the sandbox: what it sends is understood, what it gets it can read."""

from __future__ import annotations

import csv
import datetime as dt
import io
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceOperationError,
    SalesforceResourceNotFound,
)

from tailrace.sandbox import Sandbox
from tailrace.sandbox.salesforce import query as query_module

TODAY = dt.date(2026, 6, 1)


class ToLocal(HTTPAdapter):
    """The SDK's URLs are hard-wired to https and Salesforce's hosts: this leads them all to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request, **options):
        parts = urlsplit(request.url)
        path = parts.path if parts.path.startswith("/salesforce/") else f"/salesforce{parts.path}"
        request.url = f"{self._url}{path}" + (f"?{parts.query}" if parts.query else "")
        return super().send(request, **{**options, "verify": False})


@pytest.fixture(scope="module")
def running():
    with Sandbox.start(contacts=150, today=TODAY, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    running.house.reset()
    yield running
    running.house.faults = type(running.house.faults)()


def session(sandbox):
    made = requests.Session()
    made.trust_env = False  # REQUESTS_CA_BUNDLE would win over the adapter
    made.mount("https://", ToLocal(sandbox.url))
    return made


def client(sandbox, **login):
    login = login or {"consumer_key": "key", "consumer_secret": "secret", "domain": "acme.my"}
    return Salesforce(session=session(sandbox), version="67.0", **login)


@pytest.fixture
def sf(sandbox):
    return client(sandbox)


def stored(sandbox, obj="Contact"):
    return {row["Id"]: row for row in sandbox.house.fakes["salesforce"].records(obj)}


def org(sandbox):
    return sandbox.house.fakes["salesforce"].org


@pytest.fixture(scope="module")
def pem():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


# ---- login ----------------------------------------------------------------------------------------------


def test_a_jwt_logs_in(sandbox, pem):
    sf = client(sandbox, username="u@x.example", consumer_key="key", privatekey=pem)
    assert sf.auth_type == "jwt-bearer"
    assert sf.query("SELECT COUNT() FROM Contact")["totalSize"] == len(stored(sandbox))


def test_a_refused_login_is_understood(sandbox):
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        client(sandbox, consumer_key="", consumer_secret="", domain="acme.my")
    assert caught.value.code == "invalid_client_id"


def test_a_session_that_ends_is_renewed(sf, sandbox):
    sandbox.house.fakes["salesforce"].tokens.minted.clear()
    assert sf.query("SELECT Id FROM Contact LIMIT 1")["totalSize"] == 1
    sandbox.house.fakes["salesforce"].tokens.minted.clear()
    assert sf.Contact.describe()["name"] == "Contact"


def test_the_org_says_that_it_is_a_sandbox(sf):
    assert sf.is_sandbox() is True
    assert sf.oauth2("userinfo")["organization_id"].startswith("00D")


# ---- reading --------------------------------------------------------------------------------------------


def test_query_all_follows_every_page(sf, sandbox, monkeypatch):
    monkeypatch.setattr(query_module, "PAGE", 25)
    found = sf.query_all("SELECT Id, Email FROM Lead ORDER BY SystemModstamp, Id")
    truth = stored(sandbox, "Lead")
    assert {row["Id"]: row["Email"] for row in found["records"]} == {
        key: row["Email"] for key, row in truth.items()
    }
    assert found["totalSize"] == len(truth) == len(found["records"])


def test_query_more_takes_an_id_or_a_url(sf, monkeypatch):
    monkeypatch.setattr(query_module, "PAGE", 25)
    first = sf.query("SELECT Id FROM Lead")
    by_url = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    by_id = sf.query_more(first["nextRecordsUrl"].rpartition("/")[2])
    assert by_url["records"] == by_id["records"] and len(by_url["records"]) == 25


def test_deleted_rows_are_included_on_request(sf, sandbox):
    key = min(stored(sandbox))
    sandbox.house.fakes["salesforce"].remove("Contact", key)
    text = f"SELECT Id, IsDeleted FROM Contact WHERE Id = '{key}'"
    assert sf.query(text)["totalSize"] == 0
    assert sf.query(text, include_deleted=True)["records"][0]["IsDeleted"] is True


def test_errors_carry_salesforces_words(sf):
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.query("SELECT Nope FROM Contact")
    assert caught.value.content[0]["errorCode"] == "INVALID_FIELD"
    with pytest.raises(SalesforceResourceNotFound) as missing:
        sf.Nope__c.describe()
    assert missing.value.content[0]["errorCode"] == "NOT_FOUND"


def test_describe_metadata_and_limits(sf, sandbox):
    assert {found["name"] for found in sf.describe()["sobjects"]} >= {"Account", "Contact", "Lead"}
    fields = {field["name"]: field for field in sf.Contact.describe()["fields"]}
    assert fields["Email"]["type"] == "email" and fields["Ext__c"]["externalId"] is True
    assert sf.Contact.metadata()["objectDescribe"]["keyPrefix"] == "003"
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert sf.api_usage["api-usage"].total == 100_000


def test_updated_and_deleted(sf, sandbox):
    table, fake = org(sandbox).tables["Contact"], sandbox.house.fakes["salesforce"]
    gone, edited, purged = list(stored(sandbox))[:3]
    fake.remove("Contact", gone)
    fake.upsert("Contact", [{"Id": edited, "Title": "edited"}])
    org(sandbox).purge(table, purged)
    now = dt.datetime.now(dt.UTC)
    start, end = now - dt.timedelta(days=1), now + dt.timedelta(minutes=5)
    assert sf.Contact.updated(start, end)["ids"] == [edited]
    found = sf.Contact.deleted(start, end)
    assert {row["id"] for row in found["deletedRecords"]} == {gone, purged}
    assert {"earliestDateAvailable", "latestDateCovered"} <= set(found)


def test_bulk_query_reads_every_row_by_locators(sf, sandbox):
    parts = list(sf.bulk2.Lead.query("SELECT Id, Email FROM Lead", max_records=30, wait=0))
    truth = stored(sandbox, "Lead")
    assert len(parts) == -(-len(truth) // 30)
    rows = [row for part in parts for row in csv.DictReader(io.StringIO(part, newline=""))]
    assert {row["Id"]: row["Email"] or None for row in rows} == {
        key: row["Email"] for key, row in truth.items()
    }


def test_bulk_query_all_shows_deleted_rows(sf, sandbox):
    key = min(stored(sandbox, "Lead"))
    sandbox.house.fakes["salesforce"].remove("Lead", key)
    text = "SELECT Id, IsDeleted FROM Lead WHERE IsDeleted = true"
    parts = list(sf.bulk2.Lead.query_all(text, wait=0))
    assert [row["Id"] for row in csv.DictReader(io.StringIO(parts[0], newline=""))] == [key]


def test_over_tls_with_its_own_authority(tmp_path):
    """The other way to lead the SDK here: its URLs as they are, and a certificate that it can check."""
    with Sandbox.start(contacts=10, today=TODAY, limits=False, tls=True) as sandbox:
        made = requests.Session()
        made.trust_env = False
        made.verify = str(sandbox.ca_file)
        sf = Salesforce(
            session_id="sandbox",
            instance=f"localhost:{sandbox.port}/salesforce",
            session=made,
            version="67.0",
        )
        assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] > 0
        assert sf.Lead.describe()["name"] == "Lead"


# ---- writing --------------------------------------------------------------------------------------------


def test_one_record_is_made_changed_read_and_deleted(sf, sandbox):
    made = sf.Contact.create({"LastName": "New", "Email": "new@x.example", "Lead_Score__c": 7})
    assert made == {"id": made["id"], "success": True, "errors": []}
    assert sf.Contact.update(made["id"], {"Title": "Boss"}) == 204
    row = sf.Contact.get(made["id"])
    assert (row["Name"], row["Title"], row["Lead_Score__c"]) == ("New", "Boss", 7)
    assert row["SystemModstamp"] == row["LastModifiedDate"] >= row["CreatedDate"]
    assert sf.Contact.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as caught:
        sf.Contact.get(made["id"])
    assert caught.value.content[0]["errorCode"] == "ENTITY_IS_DELETED"
    assert sandbox.house.fakes["salesforce"].writes("Contact") == {made["id"]: 3}


def test_an_upsert_makes_changes_and_names_several(sf, sandbox):
    made = sf.Contact.upsert("Ext__c/new-1", {"LastName": "Upserted"}, raw_response=True)
    assert (made.status_code, made.json()["created"]) == (201, True)
    again = sf.Contact.upsert("Ext__c/NEW-1", {"Title": "Boss"}, raw_response=True)
    assert (again.status_code, again.json()) == (
        200,
        {"id": made.json()["id"], "success": True, "errors": [], "created": False},
    )
    assert sf.Contact.get_by_custom_id("Ext__c", "new-1")["Title"] == "Boss"
    one, two = list(stored(sandbox))[:2]
    fake = sandbox.house.fakes["salesforce"]
    fake.upsert("Contact", [{"Id": one, "Ext__c": "twin"}, {"Id": two, "Ext__c": "twin"}])
    with pytest.raises(SalesforceMoreThanOneRecord) as caught:
        sf.Contact.upsert("Ext__c/twin", {"Title": "x"})
    assert [url.rpartition("/")[2] for url in caught.value.content] == sorted([one, two])


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"Email": "a@b.example"}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x", "Email": "not an address"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": "x", "Nope": 1}, "INVALID_FIELD"),
        ({"LastName": "x", "SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "x", "Title": "y" * 129}, "STRING_TOO_LONG"),
        ({"LastName": "x", "HasOptedOutOfEmail": "yes"}, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ({"LastName": "x", "Lead_Score__c": "many"}, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
    ],
)
def test_values_that_salesforce_refuses(sf, values, code):
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Contact.create(values)
    assert caught.value.content[0]["errorCode"] == code


def rows(*values):
    return [{"attributes": {"type": "Contact"}, **row} for row in values]


def many(sf, path, records, method="PATCH", **more):
    return sf.restful(path, method=method, json={"allOrNone": False, "records": records, **more})


def test_collections_answer_in_order_row_by_row(sf, sandbox):
    taken = next(iter(stored(sandbox).values()))["Ext__c"]
    results = many(
        sf,
        "composite/sobjects/Contact/Ext__c",
        rows(
            {"Ext__c": "m1", "LastName": "One"},
            {"Ext__c": "m2", "LastName": "Two", "Email": "broken"},
            {"Ext__c": taken, "Title": "changed"},
            {"Ext__c": "M1", "LastName": "Again"},
            {"LastName": "None"},
        ),
    )
    assert [result["success"] for result in results] == [True, False, True, False, False]
    assert [result.get("created") for result in results] == [True, None, False, None, None]
    codes = [result["errors"][0]["statusCode"] for result in results if not result["success"]]
    assert codes == ["INVALID_EMAIL_ADDRESS", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    assert results[1]["errors"][0]["fields"] == ["Email"]
    last = [entry for entry in sandbox.house.log if entry["vendor"] == "salesforce"][-1]
    assert last["rows_written"] == 2


def test_collections_insert_update_and_delete(sf, sandbox):
    made = many(sf, "composite/sobjects", rows({"LastName": "A"}, {"LastName": "B"}), "POST")
    keys = [result["id"] for result in made]
    changed = many(sf, "composite/sobjects", rows({"id": keys[0], "Title": "T"}, {"id": "003x"}))
    assert [result["success"] for result in changed] == [True, False]
    gone = sf.restful("composite/sobjects", {"ids": ",".join(keys), "allOrNone": "false"}, "DELETE")
    assert [result["success"] for result in gone] == [True, True]
    assert not set(keys) & set(stored(sandbox))


def test_records_are_linked_by_the_others_external_id(sf, sandbox):
    firm = sf.Account.create({"Name": "Firm", "Ext__c": "firm-1"})["id"]
    linked = sf.Contact.create({"LastName": "L", "Account": {"Ext__c": "FIRM-1"}})["id"]
    assert stored(sandbox)[linked]["AccountId"] == firm
    for given, words in [
        ({"Account": {"Ext__c": "nobody"}}, "Foreign key external ID: nobody not found for field Ext__c"),
        ({"Account": {"Name": "Firm"}}, "Account needs one external id of Account"),
    ]:
        with pytest.raises(SalesforceMalformedRequest) as caught:
            sf.Contact.update(linked, given)
        assert words in caught.value.content[0]["message"]
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Task.create({"Subject": "x", "Who": {"Ext__c": "x"}})
    assert "attributes.type is missing" in caught.value.content[0]["message"]
    records = [{"LastName": "B", "Ext__c": "bulk-1", "Account.Ext__c": "firm-1"}]
    sf.bulk2.Contact.insert(records=records, wait=0)
    assert sf.Contact.get_by_custom_id("Ext__c", "bulk-1")["AccountId"] == firm


def test_restricted_picklists_take_their_values_alone(sf, sandbox):
    made = sf.Contact.create({"LastName": "G", "Lead_Grade__c": "A", "LeadSource": "Anything"})["id"]
    with pytest.raises(SalesforceMalformedRequest) as caught:
        sf.Contact.update(made, {"Lead_Grade__c": "Z"})
    assert caught.value.content[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    field = next(one for one in sf.Contact.describe()["fields"] if one["name"] == "Lead_Grade__c")
    assert [value["value"] for value in field["picklistValues"]] == ["A", "B", "C", "D"]


def test_a_record_twice_in_one_request_is_refused_the_second_time(sf, sandbox):
    key = next(iter(stored(sandbox)))
    results = many(sf, "composite/sobjects", rows({"id": key, "Title": "a"}, {"id": key[:15], "Title": "b"}))
    assert [result["success"] for result in results] == [True, False]
    assert results[1]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    assert stored(sandbox)[key]["Title"] == "a"


def test_a_job_can_end_before_its_end(sf, sandbox):
    from tailrace.sandbox.faults import FaultBook, parse_rules

    error = {"keys": ["e2"], "category": "JobFailed", "message": "InternalServerError"}
    rule = {"vendor": "salesforce", "route": "*/jobs/ingest/*", "method": "PATCH", "row_error": error}
    sandbox.house.faults = FaultBook(parse_rules([rule], sandbox.house.fakes))
    records = [{"LastName": "x", "Ext__c": f"e{number}"} for number in range(4)]
    with pytest.raises(SalesforceOperationError, match="InternalServerError"):
        sf.bulk2.Contact.insert(records=records, wait=0)
    job = sf.restful("jobs/ingest")["records"][0]
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 2)
    found = files(sf, job["id"])
    assert [row["Ext__c"] for row in found["unprocessedRecords"]] == ["e2", "e3"]


def test_all_or_none_takes_everything_back(sf, sandbox):
    before = stored(sandbox)
    records = rows({"Ext__c": "n1", "LastName": "One"}, {"Ext__c": "n2"})
    results = many(sf, "composite/sobjects/Contact/Ext__c", records, allOrNone=True)
    codes = [result["errors"][0]["statusCode"] for result in results]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert stored(sandbox) == before
    assert many(sf, "composite/sobjects/Contact/Ext__c", records[:1])[0]["created"] is True


def test_requests_that_collections_refuse_whole(sf):
    with pytest.raises(SalesforceMalformedRequest) as caught:
        many(sf, "composite/sobjects", rows(*[{"LastName": "x"}] * 201), "POST")
    assert "200 records" in caught.value.content[0]["message"]
    with pytest.raises(SalesforceResourceNotFound):
        many(sf, "composite/sobjects/Contact/Title", rows({"Title": "x", "LastName": "x"}))


def test_rows_that_a_fault_rule_names_are_refused_alone(sf, sandbox):
    from tailrace.sandbox.faults import FaultBook, parse_rules

    error = {"keys": ["f1"], "category": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}
    rule = {"vendor": "salesforce", "route": "*/composite/*", "row_error": error}
    sandbox.house.faults = FaultBook(parse_rules([rule], sandbox.house.fakes))
    records = rows({"Ext__c": "f1", "LastName": "x"}, {"Ext__c": "f2", "LastName": "x"})
    results = many(sf, "composite/sobjects/Contact/Ext__c", records)
    assert [result["success"] for result in results] == [False, True]
    assert results[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"


def test_composite_requests_name_each_other(sf, sandbox):
    account = {"method": "POST", "url": "/services/data/v67.0/sobjects/Account", "referenceId": "firm"}
    contact = {"method": "POST", "url": "/services/data/v67.0/sobjects/Contact", "referenceId": "person"}
    good = {"LastName": "Of the firm", "AccountId": "@{firm.id}"}

    def send(body, **more):
        wanted = [{**account, "body": {"Name": "Firm"}}, {**contact, "body": body}]
        return sf.restful("composite", method="POST", json={"compositeRequest": wanted, **more})

    answers = send(good)["compositeResponse"]
    assert [answer["httpStatusCode"] for answer in answers] == [201, 201]
    person = stored(sandbox)[answers[1]["body"]["id"]]
    assert person["AccountId"] == answers[0]["body"]["id"]
    before = stored(sandbox, "Account")
    failed = send({"AccountId": "@{firm.id}"}, allOrNone=True)["compositeResponse"]
    assert [answer["httpStatusCode"] for answer in failed] == [400, 400]
    assert stored(sandbox, "Account") == before


def files(sf, job, obj="Contact"):
    return getattr(sf.bulk2, obj).get_all_ingest_records(job)


def test_bulk_upsert_tells_of_each_row_in_three_files(sf, sandbox):
    known = next(iter(stored(sandbox).values()))["Ext__c"]
    records = [
        {"Ext__c": "b1", "LastName": 'New, "quoted"', "Email": "b1@x.example", "Lead_Score__c": "4.5"},
        {"Ext__c": known, "LastName": "Changed", "Email": "", "Lead_Score__c": "#N/A"},
        {"Ext__c": "b3", "LastName": "Bad", "Email": "broken", "Lead_Score__c": ""},
    ]
    summary = sf.bulk2.Contact.upsert(records=records, external_id_field="Ext__c", wait=0)[0]
    assert (summary["numberRecordsProcessed"], summary["numberRecordsFailed"]) == (3, 1)
    found = files(sf, summary["job_id"])
    assert {(row["Ext__c"], row["sf__Created"]) for row in found["successfulRecords"]} == {
        ("b1", "true"),
        (known, "false"),
    }
    failed = found["failedRecords"]
    assert [row["Ext__c"] for row in failed] == ["b3"]
    assert failed[0]["sf__Error"] == "INVALID_EMAIL_ADDRESS:Email: invalid email address: broken:Email --"
    assert found["unprocessedRecords"] == []
    by = {row["Ext__c"]: row for row in stored(sandbox).values()}
    assert (by["b1"]["LastName"], by["b1"]["Lead_Score__c"]) == ('New, "quoted"', 4.5)
    assert by[known]["LastName"] == "Changed" and by[known]["Email"] is not None, "an empty cell is no change"


def test_bulk_insert_update_delete_and_hard_delete(sf, sandbox):
    made = sf.bulk2.Lead.insert(records=[{"LastName": f"L{n}", "Company": "C"} for n in range(3)], wait=0)[0]
    keys = [row["sf__Id"] for row in files(sf, made["job_id"], "Lead")["successfulRecords"]]
    sf.bulk2.Lead.update(records=[{"Id": key, "Title": "T"} for key in keys], wait=0)
    assert {stored(sandbox, "Lead")[key]["Title"] for key in keys} == {"T"}
    sf.bulk2.Lead.delete(records=[{"Id": keys[0]}], wait=0)
    sf.bulk2.Lead.hard_delete(records=[{"Id": keys[1]}], wait=0)
    left = sf.query_all(f"SELECT Id FROM Lead WHERE Id IN {tuple(keys)}", include_deleted=True)["records"]
    assert {row["Id"] for row in left} == {keys[0], keys[2]}
    now = dt.datetime.now(dt.UTC)
    told = sf.Lead.deleted(now - dt.timedelta(hours=1), now + dt.timedelta(minutes=5))["deletedRecords"]
    assert {row["id"] for row in told} == {keys[0], keys[1]}


def test_a_job_with_an_unknown_column_fails_whole(sf, sandbox):
    before = stored(sandbox)
    with pytest.raises(SalesforceOperationError, match="Field name not found : Nope"):
        sf.bulk2.Contact.insert(records=[{"LastName": "x", "Nope": "1"}], wait=0)
    assert stored(sandbox) == before


def test_an_aborted_job_leaves_every_record_unprocessed(sf):
    jobs = sf.bulk2.Contact._client
    made = jobs.create_job("insert")
    jobs.upload_job_data(made["id"], "LastName\nx\ny\n")
    assert jobs.abort_job(made["id"], False)["state"] == "Aborted"
    found = sf.bulk2.Contact.get_unprocessed_records(made["id"])
    assert found.split("\n")[:3] == ['"LastName"', '"x"', '"y"']
