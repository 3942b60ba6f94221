"""Salesforce's options, login, and the small parts of its source."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from tests.unit.connectors.scripted import JSON, Budget, Step, utc_now, vendor

from tailrace.connectors.salesforce import bulk
from tailrace.connectors.salesforce.api import kind, message, quotas
from tailrace.connectors.salesforce.fields import column
from tailrace.connectors.salesforce.recent import GONE, REMEMBERED, Recent
from tailrace.connectors.sdk.base import Connector, Context
from tailrace.connectors.sdk.http import Answer
from tailrace.connectors.sdk.options import check_connection, check_resource
from tailrace.connectors.sdk.registry import declaration
from tailrace.errors import AuthError, FatalError, Unavailable

DECLARATION = declaration("salesforce")
JWT = {"client_id": "key", "username": "u@x.example", "private_key": "PEM"}
CLIENT = {"client_id": "key", "client_secret": "s3cret-value", "login_url": "https://acme.my.salesforce.com"}
STATIC = {"access_token": "00Dx!y", "instance_url": "https://acme.my.salesforce.com"}


def problems(options):
    return [(path, wrong) for path, wrong, _ in check_connection(DECLARATION, options)[1]]


def resource_problems(name, options=None):
    return [f"{wrong}: {fix}" for _, wrong, fix in check_resource(DECLARATION, name, options or {})[1]]


# ---- options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [JWT, CLIENT, STATIC, {**STATIC, "base_url": "http://127.0.0.1:1/x"}])
def test_each_way_to_log_in_is_taken(options):
    assert problems(options) == []


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({}, "no complete credentials"),
        ({"client_id": "key"}, "no complete credentials"),
        ({"client_id": "key", "username": "u"}, "no complete credentials"),
        ({"client_id": "key", "private_key": "PEM"}, "no complete credentials"),
        ({"client_secret": "s", "login_url": "https://a.my.salesforce.com"}, "no complete credentials"),
        ({**JWT, "private_key_file": "k.pem"}, "both private_key and private_key_file are given"),
        ({**CLIENT, "username": "u"}, "both client credentials and a JWT's options are given"),
        ({**STATIC, "client_id": "key"}, "both access_token and OAuth are given"),
        ({"access_token": "00Dx!y"}, "access_token without instance_url"),
        (
            {"client_id": "key", "client_secret": "s"},
            "client credentials are not taken at login.salesforce.com and test.salesforce.com",
        ),
        ({**JWT, "api_version": "v67"}, "'v67' is no API version"),
        ({**JWT, "login_url": "login.salesforce.com"}, "'login.salesforce.com' is no URL"),
        ({**STATIC, "instance_url": "acme"}, "'acme' is no URL"),
        ({**JWT, "in_flight": 0}, "in_flight is below 1"),
        ({**JWT, "rate_limit": {"requests": 5}}, "rate_limit lacks requests or seconds"),
    ],
)
def test_what_is_wrong_with_a_connection_is_named(options, wrong):
    assert [text for _, text in problems(options)] == [wrong]


@pytest.mark.parametrize("name", ["contacts", "contact", "Contacts", "CONTACT", "campaign_members"])
def test_a_name_that_is_nearly_an_objects_is_refused_with_the_object(name):
    near = "CampaignMember" if "members" in name else "Contact"
    assert resource_problems(name) == [f"salesforce has no resource {name!r}: did you mean {near}?"]


@pytest.mark.parametrize("name", ["Case", "Invoice__c", "contact__c", "ns__Thing__c", "OpportunityLineItem"])
def test_any_objects_api_name_is_taken(name):
    assert resource_problems(name) == []


@pytest.mark.parametrize("name", ["my object", "Widget;x", "3rd", "quotes"])
def test_what_is_no_api_name_is_refused(name):
    assert "is no sObject's name" in resource_problems(name)[0]


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"fields": ["Email", "Name, Id"]}, "'Name, Id' is no field's name"),
        ({"where": "  "}, "where is empty"),
        ({"bulk_from": 0}, "bulk_from is below 1"),
        ({"via": "soap"}, "'soap' is not one of auto, rest, bulk"),
        ({"sweep": "daily"}, "'daily' is not a duration"),
        ({"deleted_sweep": "never"}, "'never' is not a duration"),
        ({"properties": ["Email"]}, "unknown option 'properties'"),
    ],
)
def test_what_is_wrong_with_a_resource_is_named(options, wrong):
    found = resource_problems("Contact", options)
    assert len(found) == 1 and wrong in found[0]


# ---- login ----------------------------------------------------------------------------------------------


def opened(options, root: Path = Path()) -> Connector:
    assert DECLARATION is not None and DECLARATION.open is not None
    return DECLARATION.open(options, Context("crm", Budget(), utc_now, root=root))


def granted(url: str, token: str = "00D5e0000000001!t") -> Step:
    body = {"access_token": token, "instance_url": url, "id": f"{url}/id/00D5e0000000001AAA/005x"}
    return 200, JSON, json.dumps(body).encode()


@pytest.fixture(scope="module")
def pem() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def part(jwt: str, at: int):
    text = jwt.split(".")[at]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_a_jwt_says_who_for_whom_to_whom_and_until_when(pem, tmp_path):
    (tmp_path / "key.pem").write_text(pem)
    with vendor(granted("http://127.0.0.1:9/org")) as seen:
        options = {
            "client_id": "key",
            "username": "u@x.example",
            "private_key_file": "key.pem",
            "login_url": seen.url,
            "audience": "https://test.salesforce.com/",
        }
        connector = opened(options, tmp_path)
        assert connector.account() == "00D5e0000000001AAA"
        connector.close()
    method, path, _, body = seen.asked[0]
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert (method, path) == ("POST", "/services/oauth2/token")
    assert set(form) == {"grant_type", "assertion"}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert part(form["assertion"], 0) == {"alg": "RS256", "typ": "JWT"}
    claims = part(form["assertion"], 1)
    ends = datetime.fromtimestamp(claims.pop("exp"), UTC) - utc_now()
    assert timedelta(minutes=2) < ends <= timedelta(minutes=3)
    assert claims == {"iss": "key", "sub": "u@x.example", "aud": "https://test.salesforce.com"}


def test_client_credentials_go_as_basic(tmp_path):
    with vendor(granted("http://127.0.0.1:9/org")) as seen:
        connector = opened({**CLIENT, "login_url": seen.url})
        assert connector.account() == "00D5e0000000001AAA"
        connector.close()
    _, _, headers, body = seen.asked[0]
    assert body == b"grant_type=client_credentials"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"key:s3cret-value"


def test_calls_go_to_the_instance_that_the_login_names_unless_base_url_is_set():
    with vendor(
        (200, JSON, b'{"totalSize": 1, "done": true, "records": [{"Id": "00D5e0000000002AAA"}]}')
    ) as org:
        body = {"access_token": "00D!token-of-the-org", "instance_url": org.url}
        with vendor((200, JSON, json.dumps(body).encode())) as login:
            connector = opened({**CLIENT, "login_url": login.url})
            assert connector.account() == "00D5e0000000002AAA"
            connector.close()
            other = opened({**CLIENT, "login_url": login.url, "base_url": "http://127.0.0.1:9/elsewhere"})
            with pytest.raises(Unavailable, match=r"cannot reach http://127\.0\.0\.1:9"):
                other.account()
            other.close()
    _, path, headers, _ = org.asked[0]
    assert path.startswith("/services/data/v67.0/query?q=SELECT")
    assert headers["Authorization"] == "Bearer 00D!token-of-the-org"
    assert len(org.asked) == 1


def test_a_refused_login_tells_salesforces_words_and_no_secret():
    refusal = {"error": "invalid_grant", "error_description": "no user for s3cret-value"}
    with vendor((400, JSON, json.dumps(refusal).encode())) as seen:
        connector = opened({**CLIENT, "login_url": seen.url})
        with pytest.raises(AuthError, match=r"refuses the login \(400: no user for \*\*\*\)") as caught:
            connector.account()
        connector.close()
    assert "s3cret" not in str(caught.value) and "connected app" in caught.value.fix
    assert len(seen.asked) == 1


def test_a_key_that_is_missing_or_none_is_named(tmp_path):
    (tmp_path / "no.pem").write_text("not a key")
    for file, words in (
        ("gone.pem", r"cannot read .*gone\.pem \(No such file"),
        ("no.pem", "no RSA private key"),
    ):
        connector = opened({"client_id": "key", "username": "u", "private_key_file": file}, tmp_path)
        with pytest.raises(AuthError, match=words) as caught:
            connector.account()
        assert "PEM key" in caught.value.fix
        connector.close()


def test_a_login_that_names_no_instance_asks_for_one():
    with vendor((200, JSON, b'{"access_token": "00D!t"}')) as seen:
        connector = opened({**CLIENT, "login_url": seen.url})
        with pytest.raises(FatalError, match="named no instance_url"):
            connector.account()
        connector.close()


# ---- answers --------------------------------------------------------------------------------------------


def answer(document, status=400):
    return Answer(status, {}, b"", document)


def test_every_error_of_the_array_is_told():
    found = [
        {"errorCode": "INVALID_FIELD", "message": "\nSELECT X\n  ^\nno X"},
        {"errorCode": "B", "message": "b"},
    ]
    assert message(answer(found)) == "INVALID_FIELD: SELECT X ^ no X; B: b"
    assert message(answer(None)) == message(answer("text")) == ""


def test_the_days_limit_is_told_from_too_many_at_one_time():
    def limited(text):
        return answer([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": text}], 403)

    assert kind(limited("TotalRequests Limit exceeded.")) == "spent"
    assert kind(limited("ConcurrentPerOrgLongTxn Limit exceeded.")) == "limited"
    assert kind(answer([{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}], 403)) is None


def test_the_usage_header_is_read_as_quotas():
    header = "api-usage=25/5000; per-app-api-usage=17/250(appName=sample-app)"
    found = [(quota.name, quota.limit, quota.remaining) for quota in quotas({"sforce-limit-info": header})]
    assert found == [("daily API requests", 5000, 4975), ("daily API requests of sample-app", 250, 233)]
    assert quotas({}) == []


def test_a_csv_has_the_values_that_rest_has():
    kinds = {"N": "double", "B": "bool", "T": "timestamp", "I": "bigint"}
    content = b'"Id","N","B","T","I","S"\n"1","12.50","false","2026-01-02T00:00:00.000Z","7","a ""b"",\nc"\n"2","","","","",""\n'
    assert bulk.rows(content, kinds) == [
        {"Id": "1", "N": 12.5, "B": False, "T": "2026-01-02T00:00:00.000+0000", "I": 7, "S": 'a "b",\nc'},
        {"Id": "2", "N": None, "B": None, "T": None, "I": None, "S": None},
    ]
    assert bulk.rows(b'"Id","S"\n"1","cut of', {}) == []
    assert bulk.rows(b'"Id","S"\n"1"', {}) == []


@pytest.mark.parametrize(
    ("field", "kind_of_it"),
    [
        ({"type": "currency", "scale": 2}, "decimal"),
        ({"type": "currency", "scale": 12}, "double"),
        ({"type": "percent"}, "double"),
        ({"type": "int"}, "bigint"),
        ({"type": "datetime"}, "timestamp"),
        ({"type": "date"}, "date"),
        ({"type": "time"}, "text"),
        ({"type": "reference"}, "text"),
        ({"type": "something new"}, "text"),
    ],
)
def test_types_are_the_descriptions(field, kind_of_it):
    assert column({"name": "X", **field}).type == kind_of_it


# ---- the cursor -----------------------------------------------------------------------------------------

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def stamp(seconds: int) -> str:
    return (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def test_what_was_handed_on_is_no_news_and_the_position_stays():
    recent = Recent(timedelta(minutes=10), NOW)
    for number in range(5):
        assert recent.version(str(number), stamp(-1000 + number * 201), "a")[1]
    top, seen = recent.position()
    assert set(seen) == {"2", "3", "4"}, "only what the overlap will show again"
    again = Recent(timedelta(minutes=10), NOW + timedelta(hours=1), top, json.loads(json.dumps(seen)))
    assert [again.version(key, seen[key][0], "a")[1] for key in seen] == [False] * 3
    assert again.position() == (top, seen)


def test_another_content_under_the_same_stamp_is_later():
    recent = Recent(timedelta(minutes=10), NOW)
    versions = [recent.version("1", stamp(-5), content)[0] for content in ("a", "b", GONE, "b")]
    assert versions == sorted(set(versions))
    assert versions[0] == "2026-06-01T11:59:55.000000Z"
    assert recent.version("1", stamp(-4), "c")[0] == "2026-06-01T11:59:56.000000Z"


def test_a_stamp_ahead_of_now_is_remembered_but_is_no_cursor():
    recent = Recent(timedelta(minutes=10), NOW)
    recent.version("1", stamp(-60), "a")
    recent.version("2", stamp(10**7), "a")
    top, seen = recent.position()
    assert top == "2026-06-01T11:59:00.000000Z" and set(seen) == {"1", "2"}


def test_no_more_than_so_many_rows_are_remembered():
    recent = Recent(timedelta(minutes=10), NOW)
    for number in range(4 * REMEMBERED + 5):
        recent.version(str(number), stamp(-1), "a")
    assert len(recent.position()[1]) == REMEMBERED
