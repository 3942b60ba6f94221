from __future__ import annotations

import pytest

from tailrace.connectors.sdk.base import Option
from tailrace.connectors.sdk.options import check_connection, check_resource, object_type, validate
from tailrace.connectors.sdk.registry import declaration, known

DECLARED = (
    Option("path", required=True, description="where it is"),
    Option("count", "integer", default=4),
    Option("share", "number"),
    Option("strict", "bool", default=False),
    Option("names", "texts"),
    Option("limit", "mapping", choices=("off",)),
    Option("every", "duration", default="24h", choices=("off",)),
    Option("mode", choices=("fast", "safe"), default="safe"),
)


class Secret:
    def reveal(self) -> str:
        return "x"


def test_defaults_are_filled_and_texts_converted():
    filled, problems = validate(
        {"path": "a", "count": "7", "strict": "true", "every": "90s", "names": ["b"]}, DECLARED
    )
    assert problems == []
    assert filled == {
        "path": "a",
        "count": 7,
        "share": None,
        "strict": True,
        "names": ("b",),
        "limit": None,
        "every": 90.0,
        "mode": "safe",
    }


def test_every_problem_is_listed_with_its_place_and_fix():
    given = {
        "pathh": "a",
        "count": 1.5,
        "share": "much",
        "strict": "no",
        "names": "b",
        "limit": "on",
        "every": "soon",
        "mode": "fats",
    }
    problems = validate(given, DECLARED)[1]
    assert [path for path, _, _ in problems] == [
        ("pathh",),
        ("path",),
        ("count",),
        ("share",),
        ("strict",),
        ("names",),
        ("limit",),
        ("every",),
        ("mode",),
    ]
    assert problems[0][2] == "did you mean path?"
    assert "fast, safe" in problems[-1][1]


def test_words_stand_in_for_a_mapping_or_a_duration():
    assert validate({"path": "a", "limit": "off", "every": "off"}, DECLARED)[0]["limit"] == "off"


def test_secrets_are_texts_only():
    filled, problems = validate({"path": Secret(), "count": Secret()}, DECLARED)
    assert isinstance(filled["path"], Secret)
    assert [path for path, _, _ in problems] == [("count",)]


def test_a_text_named_twice_is_refused():
    assert validate({"path": "a", "names": ["b", "b"]}, DECLARED)[1][0][1] == "option 'names': named twice: b"


@pytest.mark.parametrize("name", known())
def test_declarations_are_sound(name):
    found = declaration(name)
    assert found is not None
    assert found.name == name
    assert found.open is not None
    for options in (found.options, *(resource.options for resource in found.resources)):
        names = [option.name for option in options]
        assert len(names) == len(set(names))
        assert all(option.description for option in options)
        assert validate({}, [option for option in options if not option.required])[1] == []


LOGINS = {
    "hubspot": {"access_token": "a"},
    "google_ads": {"access_token": "a", "developer_token": "b"},
    "ga4": {"access_token": "a", "property_id": "1"},
    "ga4_export": {"access_token": "a", "project": "p", "dataset": "analytics_1"},
    "linkedin_ads": {"access_token": "a"},
    "mailchimp": {"api_key": "a-us3"},
    "meta_ads": {"access_token": "a"},
    "salesforce": {"access_token": "a", "instance_url": "https://acme.my.salesforce.com"},
    "google_data_manager": {"access_token": "a", "operating_account": "1234567890"},
    "slack": {"webhook_url": "https://hooks.slack.com/services/T0/B0/x"},
    "webhook": {
        "url": "https://example.com/hook",
        "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    },
}
URLS = {"slack": "webhook_url", "webhook": "url"}
"""What the vendor's address is called, where it is not `base_url`."""


@pytest.mark.parametrize("name", [name for name in known() if not declaration(name).inline])
def test_a_login_is_enough_and_none_is_not(name):
    found = declaration(name)
    assert found is not None
    assert check_connection(found, LOGINS[name])[1] == []
    assert check_connection(found, {})[1] != []
    wrong = {
        **LOGINS[name],
        URLS.get(name, "base_url"): "hubapi.com",
        "rate_limit": {"request": 1, "seconds": "x"},
        "in_flight": 0,
    }
    paths = {path for path, _, _ in check_connection(found, wrong)[1]}
    assert {
        (URLS.get(name, "base_url"),),
        ("in_flight",),
        ("rate_limit",),
        ("rate_limit", "request"),
        ("rate_limit", "seconds"),
    } <= paths


@pytest.mark.parametrize(
    ("vendor", "options", "path"),
    [
        ("hubspot", {"access_token": "a", "refresh_token": "b"}, ("refresh_token",)),
        ("hubspot", {"client_id": "a", "client_secret": "b"}, ()),
        ("hubspot", {"access_token": "a", "api_version": "2026-9"}, ("api_version",)),
        ("google_ads", {**LOGINS["google_ads"], "customer_ids": ["123-456-7890", "x"]}, ("customer_ids", 1)),
        ("google_ads", {**LOGINS["google_ads"], "api_version": "26"}, ("api_version",)),
        ("google_ads", {**LOGINS["google_ads"], "start_date": "2026-02-30"}, ("start_date",)),
        ("ga4", {**LOGINS["ga4"], "property_id": "G-ABC"}, ("property_id",)),
        ("ga4", {**LOGINS["ga4"], "service_account_file": "k.json"}, ()),
    ],
)
def test_vendors_judge_their_own_options(vendor, options, path):
    found = declaration(vendor)
    assert found is not None
    assert [problem[0] for problem in check_connection(found, options)[1]] == [path]


@pytest.mark.parametrize(
    ("vendor", "resource", "options", "path"),
    [
        ("hubspot", "contcts", {}, ()),
        ("hubspot", "contacts", {"propertys": ["email"]}, ("propertys",)),
        ("hubspot", "deals_contacts", {"batch": 0}, ("batch",)),
        ("hubspot", "bad name", {}, ()),
        ("google_ads", "campaign", {}, ()),
        ("google_ads", "campaign_stats", {"metrics": ["Cost (micros)"]}, ("metrics", 0)),
        ("google_ads", "campaign_stats", {"restate": -1}, ("restate",)),
        ("ga4", "pages", {}, ("dimensions",)),
        ("ga4", "pages", {"dimensions": list("abcdefghi"), "metrics": ["m"]}, ("dimensions",)),
        ("ga4", "pages", {"dimensions": ["a"], "metrics": ["a"]}, ("metrics",)),
        ("ga4", "sessions", {"limit": 250_001}, ("limit",)),
    ],
)
def test_vendors_judge_their_resources(vendor, resource, options, path):
    found = declaration(vendor)
    assert found is not None
    assert [problem[0] for problem in check_resource(found, resource, options)[1]][:1] == [path]


@pytest.mark.parametrize(
    ("vendor", "resource", "options"),
    [
        ("hubspot", "2-123", {}),
        ("hubspot", "pets", {"sweep": "off"}),
        ("ga4", "pages", {"dimensions": ["pagePath"], "metrics": ["screenPageViews"]}),
        ("google_ads", "campaign_stats", {"metrics": ["metrics.clicks"]}),
    ],
)
def test_other_names_are_taken_where_the_vendor_takes_them(vendor, resource, options):
    found = declaration(vendor)
    assert found is not None
    assert check_resource(found, resource, options)[1] == []


def test_custom_objects_can_be_written():
    found = declaration("hubspot")
    assert found is not None
    contacts, custom = object_type(found, "contacts"), object_type(found, "2-123")
    assert contacts is not None and not contacts.any_name
    assert custom is not None and custom.any_name
    assert object_type(found, "contact") is None
    ads = declaration("google_ads")
    assert ads is not None and object_type(ads, "campaigns") is None
