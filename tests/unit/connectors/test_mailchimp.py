"""What may stand in a Mailchimp connection and its resources, and where the connection goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conformance.vendors import FreeLimiter

from tailrace.connectors.mailchimp import DECLARATION
from tailrace.connectors.mailchimp.connection import meant, said
from tailrace.connectors.mailchimp.walk import iso, moment
from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.http import Answer, parse
from tailrace.connectors.sdk.options import check_connection, check_resource
from tailrace.errors import FatalError

KEY = "0123456789abcdef-us3"


def open_with(**options: Any) -> Any:
    assert DECLARATION.open is not None
    return DECLARATION.open(options, Context("mail", FreeLimiter(), lambda: datetime.now(UTC)))


def problems(**options: Any) -> list[tuple[Any, str]]:
    return [(path, what) for path, what, _ in check_connection(DECLARATION, options)[1]]


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"api_key": KEY}, "https://us3.api.mailchimp.com"),
        ({"api_key": KEY, "server": "us21"}, "https://us21.api.mailchimp.com"),
        ({"access_token": "t", "server": "us7"}, "https://us7.api.mailchimp.com"),
        ({"api_key": "plain", "base_url": "http://127.0.0.1:1/mailchimp/"}, "http://127.0.0.1:1/mailchimp"),
        ({"api_key": KEY, "base_url": "https://proxy.example/{dc}"}, "https://proxy.example/us3"),
    ],
)
def test_the_data_centre_is_the_servers_or_the_keys(options: dict[str, Any], url: str) -> None:
    connector = open_with(**options)
    assert connector._api.http.base_url == url
    connector.close()


def test_a_key_without_data_centre_needs_a_server() -> None:
    with pytest.raises(
        FatalError, match=r"mail: the api_key names no data centre\. write server: us3"
    ) as caught:
        open_with(api_key="0123456789abcdef")
    assert "0123456789abcdef" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "path", "what"),
    [
        ({}, (), "no complete credentials"),
        ({"api_key": KEY, "access_token": "t"}, ("access_token",), "both api_key and access_token are given"),
        ({"access_token": "t"}, ("server",), "an access_token names no data centre"),
        ({"api_key": KEY, "server": "https://us3"}, ("server",), "'https://us3' is no data centre"),
        ({"api_key": KEY, "server": "3"}, ("server",), "'3' is no data centre"),
        ({"api_key": KEY, "api_version": "v3"}, ("api_version",), "'v3' is no API version"),
        (
            {"api_key": KEY, "in_flight": 11},
            ("in_flight",),
            "in_flight is above 10, what Mailchimp takes of one key",
        ),
        ({"api_key": KEY, "in_flight": 0}, ("in_flight",), "in_flight is below 1"),
        ({"api_key": KEY, "base_url": "mailchimp"}, ("base_url",), "'mailchimp' is no URL"),
        (
            {"api_key": KEY, "rate_limit": {"requests": 3}},
            ("rate_limit",),
            "rate_limit lacks requests or seconds",
        ),
        ({"api_key": KEY, "overlap": "soon"}, ("overlap",), "option 'overlap': 'soon' is not a duration"),
        ({"api_key": KEY, "api_keys": KEY}, ("api_keys",), "unknown option 'api_keys'"),
    ],
)
def test_bad_connections(options: dict[str, Any], path: Any, what: str) -> None:
    assert (path, what) in problems(**options)


@pytest.mark.parametrize(
    ("name", "options", "path"),
    [
        ("members", {"lists": []}, ("lists",)),
        ("members", {"lists": ["a36b032126", "../x"]}, ("lists", 1)),
        ("members", {"lists": "a36b032126"}, ("lists",)),
        ("members", {"sweep": "never"}, ("sweep",)),
        ("segments", {"sweep": "24h"}, ("sweep",)),
        ("activity", {"recent": "x"}, ("recent",)),
        ("campaigns", {"lists": ["a36b032126"]}, ("lists",)),
        ("member", {}, ()),
    ],
)
def test_bad_resources(name: str, options: dict[str, Any], path: Any) -> None:
    assert path in [place for place, _, _ in check_resource(DECLARATION, name, options)[1]]


@pytest.mark.parametrize("name", [resource.name for resource in DECLARATION.resources])
def test_every_resource_is_right_without_options(name: str) -> None:
    assert check_resource(DECLARATION, name, {})[1] == []


def test_only_credentials_are_secret() -> None:
    assert [option.name for option in DECLARATION.options if option.secret] == ["api_key", "access_token"]
    named = {permission.name for permission in DECLARATION.permissions}
    assert {one for resource in DECLARATION.resources for one in resource.permissions} == named


def answer(status: int, content: bytes) -> Answer:
    return Answer(status, {}, content, parse(content)[0])


def test_a_problem_is_told_with_its_fields() -> None:
    body = b'{"title": "Invalid Resource", "detail": "Wrong.", "errors": [{"field": "LTV", "message": "Please enter a number"}]}'
    assert said(answer(400, body)) == "Invalid Resource: Wrong (LTV: Please enter a number)"
    assert said(answer(502, b"<html>")) == said(answer(500, b"[]")) == ""
    assert said(answer(400, b'{"title": "X", "errors": ["odd", {"message": "m"}]}')) == "X (?: m)"


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (403, b"", "limited"),
        (403, b"<html>Forbidden</html>", "limited"),
        (403, b'{"title": "x"}', None),
        (401, b"", None),
        (404, b"", None),
    ],
)
def test_a_bare_403_is_a_limit(status: int, content: bytes, kind: str | None) -> None:
    assert meant(answer(status, content)) == kind


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2021-11-23T22:51:57+00:00", "2021-11-23T22:51:57+00:00"),
        ("2021-11-23T22:51:57Z", "2021-11-23T22:51:57+00:00"),
        ("2021-11-23T22:51:57", "2021-11-23T22:51:57+00:00"),
        ("2021-11-24T00:51:57.900+02:00", "2021-11-23T22:51:57+00:00"),
    ],
)
def test_times(text: str, utc: str) -> None:
    assert iso(moment(text)) == utc
