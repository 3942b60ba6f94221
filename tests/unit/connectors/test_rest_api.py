"""dlt's rest_api against a local server: paging, increments, children, and an API that is down, closed, or goes in circles."""

from __future__ import annotations

import json
import threading
import typing
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.connectors.site import Site

from tailrace.connectors.rest_api import shape


@dataclass
class Shop:
    """Orders in pages of two, the lines of each, and whatever a test makes of it."""

    url: str = ""
    orders: list[dict] = field(default_factory=list)
    status: int = 200
    circles: bool = False
    body: bytes | None = None
    token: str = "canary-7d31"
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.status != 200 or self.body is not None:
            return self.status, self.body or b'{"error": "no"}'
        if authorization != f"Bearer {self.token}":
            return 401, b'{"error": "who are you?"}'
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.endswith("/lines"):
            order = int(parts.path.split("/")[2])
            return 200, json.dumps([{"line": f"{order}-{n}", "of": order} for n in range(2)]).encode()
        found = [row for row in self.orders if row["at"] >= query.get("since", "")]
        page = int(query.get("page", 0))
        last = page * 2 + 2 >= len(found)
        link = f"{self.url}/orders?page={0 if self.circles else page + 1}&since={query.get('since', '')}"
        document = {
            "data": found[page * 2 : page * 2 + 2],
            "next": None if last and not self.circles else link,
        }
        return 200, json.dumps(document).encode()


@contextmanager
def serving():
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = shop.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    shop.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()


CONFIG = """pipeline: shop
source: rest_api
config:
  client:
    base_url: "{{ env_var('SHOP_URL') }}/"
    auth: {type: bearer, token: "{{ env_var('SHOP_TOKEN') }}"}
    paginator: {type: json_link, next_url_path: next}
  resource_defaults: {primary_key: id, write_disposition: merge}
  resources:
    - name: orders
      endpoint:
        path: orders
        params: {since: "{incremental.start_value}"}
        data_selector: data
        incremental: {cursor_path: at, initial_value: "2024-01-01"}
    - name: lines
      primary_key: line
      selected: false
      endpoint: {path: "orders/{resources.orders.id}/lines", paginator: single_page, params: {}}
      include_from_parent: [id]
"""


@pytest.fixture
def shop(monkeypatch):
    """One attempt at each request: what is tried is what comes after dlt's own patience."""
    with serving() as shop:
        monkeypatch.setenv("SHOP_URL", shop.url)
        monkeypatch.setenv("SHOP_TOKEN", shop.token)
        monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
        shop.orders = [order(n, n) for n in (1, 2, 3)]
        yield shop


@pytest.fixture
def site(tmp_path) -> Site:
    site = Site(tmp_path)
    site.write("pipelines/shop.yml", CONFIG)
    return site


def order(key: int, day: int, **more) -> dict:
    return {"id": key, "at": f"2024-02-{day:02d}", "total": 1.5 * key, "who": {"name": f"n{key}"}, **more}


def test_pages_land_and_an_increment_goes_on(site, shop):
    assert site.one().rows_in == 3
    assert site.query("SELECT id, total, who FROM shop.orders ORDER BY id")[0] == (1, 1.5, '{"name":"n1"}')
    before = site.position()
    assert site.one().rows_in == 0
    assert site.position() == before
    shop.orders += [order(4, 9), order(2, 10, total=99.0)]
    assert site.one().rows_in == 2
    assert "since=2024-02-03" in shop.asked[-1]
    assert site.query("SELECT id, total FROM shop.orders ORDER BY id")[1] == (2, 99.0)
    assert "canary" not in site.position()


def test_children_ask_for_their_parents(site, shop):
    site.write("pipelines/shop.yml", CONFIG + "resources: {lines: {}, orders: {write: replace}}\n")
    landed = site.land()
    assert landed["shop.lines"].rows_in == 6
    assert site.query('SELECT line, "_orders_id" FROM shop.lines ORDER BY line LIMIT 2') == [
        ("1-0", 1),
        ("1-1", 1),
    ]


def test_a_resource_that_is_not_selected_is_not_landed_by_itself(site, shop):
    assert set(site.land()) == {"shop.orders"}


def test_the_names_are_known_without_asking(site, shop):
    assert [resource.name for resource in site.resolved().project.pipelines[0].resources] == ["orders"]
    assert shop.asked == []


STORMS = {
    401: "401 Unauthorized from {url}/orders: the API refuses the credentials. check `auth:`",
    403: "the API refuses the credentials",
    404: "404 Not Found from {url}/orders",
    429: "too many requests. run again later: nothing was skipped",
    503: "503 Service Unavailable from {url}/orders. run again later",
}


@pytest.mark.parametrize("status", STORMS)
def test_an_api_that_refuses_is_named_and_the_next_run_goes_on(site, shop, status):
    site.one()
    before = site.position()
    shop.orders.append(order(4, 9))
    shop.status = status
    said = site.error()
    assert STORMS[status].format(url=shop.url) in said
    assert "canary" not in said
    assert site.position() == before
    shop.status = 200
    assert site.one().rows_in == 1


def test_a_wrong_token_is_named_and_not_shown(site, shop, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "canary-wrong-token")
    said = site.error()
    assert "refuses the credentials" in said and "canary" not in said


def test_an_api_that_is_down_is_named(site, shop, monkeypatch):
    monkeypatch.setenv("SHOP_URL", "http://127.0.0.1:9")
    assert "shop: http://127.0.0.1:9 is not reached. check base_url" in site.error()


def test_an_answer_that_is_no_json_is_named(site, shop):
    shop.body = b"<html>"
    assert "the answer is no JSON" in site.error()


def test_a_number_that_json_lacks_is_named(site, shop):
    shop.body = b'{"data": [{"id": 1, "at": "2024-01-02", "v": NaN}], "next": null}'
    assert "the answer is no JSON: it has NaN for a number" in site.error()


def test_half_a_surrogate_pair_lands_by_its_number(site, shop):
    shop.body = (
        b'{"data": [{"id": 1, "at": "2024-01-02", "v": "a\\ud800", "w": {"x": ["\\udc00"]}}], "next": null}'
    )
    site.one()
    assert site.query("SELECT v, w FROM shop.orders") == [("a\\ud800", '{"x":["\\\\udc00"]}')]


def test_a_paginator_that_goes_in_circles_is_stopped(site, shop):
    shop.circles = True
    assert "orders: the same page came 10 times. the paginator goes in circles" in site.error()
    assert len(shop.asked) == 10
    shop.circles = False
    assert site.one().rows_in == 3


def test_what_dlt_alone_finds_bears_its_place(site, shop):
    site.write(
        "pipelines/shop.yml", CONFIG.replace("path: orders\n", "path: orders\n        method: PATCHY\n")
    )
    assert site.check() == []
    said = site.error()
    assert said.startswith("pipelines/shop.yml:1") and "method" in said
    assert shop.asked == []
    site.write("pipelines/shop.yml", CONFIG.replace("{resources.orders.id}", "all"))
    said = site.error()
    assert said.startswith("pipelines/shop.yml:9:3: ") and "include_from_parent" in said


BAD = {
    ("base_url: ", "base_ulr: "): ("pipelines/shop.yml:5:5", "client has no key base_ulr. did you mean base_url?"),
    ("type: bearer", "type: baerer"): ("pipelines/shop.yml:6", "auth cannot be baerer. did you mean bearer?"),
    ("type: json_link", "type: jsonlink"): ("pipelines/shop.yml:7", "paginator cannot be jsonlink. did you mean json_link?"),
    ("data_selector", "data_selektor"): ("pipelines/shop.yml:14:9", "endpoint has no key data_selektor"),
    ("cursor_path: at, ", "cursor: at, "): ("pipelines/shop.yml:15", "incremental has no key cursor"),
    ("name: lines", "name: orders"): ("pipelines/shop.yml:16", "orders is already a resource"),
    ("selected: false", "max_table_nesting: 1"): ("pipelines/shop.yml:18", "Nested values are json columns here"),
    ("  resources:\n", "  resourcs:\n"): ("pipelines/shop.yml", "config has no key resourcs. did you mean resources?"),
    ("source: rest_api", "source: rest_api\nresources: {order: {}}"): ("shop.yml:3:13", "config has no resource order. did you mean orders?"),
    ("primary_key: id, ", ""): ("pipelines/shop.yml", "orders: merge needs a primary_key"),
    ("config:\n", "cnofig:\n"): ("shop.yml", "unknown option 'cnofig'. did you mean config?"),
    ("name: orders", "name: orders/all"): ("shop.yml", "'orders/all' cannot name a table here"),
}  # fmt: skip


@pytest.mark.parametrize("change", BAD)
def test_a_bad_config_is_told_offline(site, shop, change):
    assert change[0] in CONFIG
    site.write("pipelines/shop.yml", CONFIG.replace(*change))
    place, what = BAD[change]
    assert any(place in said and what in said for said in site.check()), site.check()
    assert shop.asked == []


def keys(*kinds: type) -> set[str]:
    return {key for kind in kinds for key in typing.get_type_hints(kind)}


def test_the_shape_is_dlts_own():
    from dlt.sources.rest_api import typing as dlt_typing

    python_only = {"session", "processing_steps"}
    assert set(shape.CONFIG) == keys(dlt_typing.RESTAPIConfig)
    assert set(shape.CLIENT) == keys(dlt_typing.ClientConfig) - python_only
    assert set(shape.ENDPOINT) == keys(dlt_typing.Endpoint)
    assert set(shape.INCREMENTAL) == keys(dlt_typing.IncrementalConfig) - {"convert"}
    assert set(shape.PAGINATORS) == set(typing.get_args(dlt_typing.PaginatorType))
    assert set(shape.AUTHS) == set(typing.get_args(dlt_typing.AuthType))
    known = keys(dlt_typing.EndpointResource)
    assert set(shape.RESOURCE) <= known
    assert set(shape.ELSEWHERE) - {"session"} <= known
