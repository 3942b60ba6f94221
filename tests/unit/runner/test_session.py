"""Which connections are one account."""

from __future__ import annotations

from tailrace.project.secrets import Secret
from tailrace.project.spec import Connection, Marks
from tailrace.runner.session import account_key


def key(kind: str = "hubspot", token: str = "t", **options) -> str:
    given = {"access_token": Secret(token), "base_url": "http://127.0.0.1:8080/hubspot", **options}
    return account_key(Connection("any", kind, given, Marks("profiles.yml")))


def test_the_same_credentials_at_the_same_host_are_one_account():
    assert key() == key(in_flight=9, api_version="v3")
    assert key().startswith("hubspot:")


def test_other_credentials_hosts_vendors_and_properties_are_others():
    found = {key(), key(token="u"), key(base_url="http://127.0.0.1:1"), key(kind="ga4"), key(property_id="2")}
    assert len(found) == 5
