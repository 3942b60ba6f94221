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
