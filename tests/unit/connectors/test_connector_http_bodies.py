"""What travels: bytes as they were handed in, and nothing that an earlier answer left behind."""

from __future__ import annotations

from tests.unit.connectors.scripted import JSON, Budget, utc_now, vendor

from tailrace.connectors.sdk.auth import Bearer
from tailrace.connectors.sdk.base import Context
from tailrace.connectors.sdk.http import Http


class Told(Budget):
    """A budget that also remembers which places were given back."""

    def __init__(self):
        super().__init__()
        self.ended = []

    def done(self, bucket=""):
        self.ended.append(bucket)


def http(url, budget=None):
    return Http(url, Bearer("secret-token"), Context("crm", budget or Budget(), utc_now), first_wait=0.0)


def test_a_document_that_is_encoded_already_goes_as_it_is():
    with vendor((200, JSON, b"{}")) as crm:
        http(crm.url).request("POST", "/x", content='{"a":"😀\\u0000"}'.encode())
    [(method, path, headers, body)] = crm.asked
    assert (method, path, body) == ("POST", "/x", '{"a":"😀\\u0000"}'.encode())
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer secret-token"
    assert headers["User-Agent"] == "tailrace"


def test_cookies_of_an_answer_are_not_sent_back():
    with vendor((200, {**JSON, "Set-Cookie": "session=1; Path=/"}, b"{}")) as crm:
        client = http(crm.url)
        client.request("GET", "/x")
        client.request("GET", "/x", params={"a": "1"})
    assert [headers.get("Cookie") for _, _, headers, _ in crm.asked] == [None, None]
    assert [path for _, path, _, _ in crm.asked] == ["/x", "/x?a=1"]


def test_redirects_are_not_followed():
    with vendor((302, {"Location": "/elsewhere"}, b"")) as crm:
        assert http(crm.url).request("GET", "/x", accept=(302,)).status == 302
    assert len(crm.asked) == 1


def test_every_place_is_given_back_however_the_request_ended():
    budget = Told()
    with vendor(None, (500, JSON, b"{}"), (200, JSON, b"{}")) as crm:
        http(crm.url, budget).request("GET", "/x", bucket="search")
    assert budget.acquired == budget.ended == ["search"] * 3
