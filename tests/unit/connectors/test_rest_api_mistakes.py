"""What a rest_api pipeline says that cannot work: each mistake in words, with its place, offline where the file tells."""

from __future__ import annotations

import json

import pytest
from tests.unit.connectors.site import Site
from tests.unit.connectors.test_rest_api import CONFIG, serving

from tailrace.connectors.rest_api.placeholders import VALUES
from tailrace.connectors.sdk.dlt_errors import WORDS, shortened
from tailrace.runner.doctor.inline import inline_findings

PLAIN = """pipeline: shop
source: rest_api
config:
  client: {base_url: "{{ env_var('SHOP_URL') }}/", paginator: single_page}
  resources:
    - name: orders
      endpoint: {path: orders, data_selector: SELECTOR}
"""


@pytest.fixture
def shop(monkeypatch):
    with serving() as shop:
        monkeypatch.setenv("SHOP_URL", shop.url)
        monkeypatch.setenv("SHOP_TOKEN", shop.token)
        monkeypatch.setenv("RUNTIME__REQUEST_MAX_ATTEMPTS", "1")
        shop.orders = [{"id": 1, "at": "2024-02-01"}]
        yield shop


@pytest.fixture
def site(tmp_path) -> Site:
    site = Site(tmp_path)
    site.write("pipelines/shop.yml", CONFIG)
    return site


def doctor(site: Site) -> list[tuple[str, str, str]]:
    with site.session() as session:
        (pipeline,) = session.project.pipelines
        return [(one.level, one.subject, one.text) for one in inline_findings(session, pipeline)]


ABSENT = {
    "items": ("items: the answer has no items, but data, next", {"data": [], "next": None}),
    "dota": ("no dota, but data, next. did you mean data?", {"data": [1], "next": None}),
    "$.data.rows": ("the answer has no rows, but total", {"data": {"total": 0}}),
    '"data[*].x.rows"': ("the answer has no data, but error", {"error": "no"}),
    "data.rows": ("the answer has no rows, but is a list", {"data": [{"rows": 1}]}),
}


@pytest.mark.parametrize("selector", ABSENT)
def test_a_selector_that_finds_nothing_is_told(site, shop, selector):
    what, body = ABSENT[selector]
    shop.body = json.dumps(body).encode()
    site.write("pipelines/shop.yml", PLAIN.replace("SELECTOR", selector))
    said = site.error()
    assert said.startswith("pipelines/shop.yml:7:47: data_selector ") and what in said


EMPTY = {
    "data": {"data": []},
    "data.rows": {"data": {"rows": None}},
    '"data[*]"': {"data": []},
    '"$.data[*].rows"': {"data": [{}]},
    '"$..rows"': {"other": 1},
    "rows": {},
}


@pytest.mark.parametrize("selector", EMPTY)
def test_an_empty_list_is_no_missing_one(site, shop, selector):
    shop.body = json.dumps(EMPTY[selector]).encode()
    site.write("pipelines/shop.yml", PLAIN.replace("SELECTOR", selector))
    assert site.one().rows_in == 0


def test_a_parents_and_the_defaults_selector_are_held_too(site, shop):
    text = CONFIG.replace("data_selector: data", "data_selector: dota") + "resources: {lines: {}}\n"
    site.write("pipelines/shop.yml", text)
    assert site.error().startswith("pipelines/shop.yml:14:24: data_selector dota: the answer has no dota")
    text = CONFIG.replace(
        "write_disposition: merge}", "write_disposition: merge, endpoint: {data_selector: x}}"
    )
    site.write("pipelines/shop.yml", text.replace("        data_selector: data\n", ""))
    assert site.error().startswith("pipelines/shop.yml:8:92: data_selector x: the answer has no x")


def test_a_selector_that_is_no_path_is_told(site, shop):
    site.write("pipelines/shop.yml", PLAIN.replace("SELECTOR", "'data['"))
    assert "yml:7:47: data_selector 'data[' is no JSONPath" in site.error()
    assert shop.asked == []


WRONG = {
    ("incremental.start_value", "incremental.strat_value"): "yml:13:25: incremental has no strat_value. did you mean start_value?",
    ("resources.orders.id", "resources.ordres.id"): "yml:19:24: there is no resource ordres. did you mean orders?",
    ("resources.orders.id", "resources.orders"): "yml:19:24: {resources.orders} names no field",
    ("resources.orders.id", "order"): "yml:19:24: {order} names nothing. Give it under `params:`",
    ("resources.orders.id", "resource.orders.id"): "{resource.orders.id} names nothing. did you mean resources?",
    ("resources.orders.id", "resources.lines.line"): "lines takes values from itself",
    ("resources.orders.id}", "incremental.last_value}"): "yml:19:24: {incremental.last_value}: the endpoint has no incremental",
    ("resources.orders.id}", "resources.orders.id"): "path: expected '}' before end of string",
    ("path: orders\n", "path: orders\n        json: {a: '{x}'}\n"): "yml:13:19: {x} names nothing. A brace that is meant",
    ("params: {}", "params: {of: '{resources.more.id}'}"): "lines takes values from orders and more",
}  # fmt: skip


@pytest.mark.parametrize("change", WRONG)
def test_a_placeholder_that_names_nothing_is_told_offline(site, shop, change):
    assert change[0] in CONFIG
    site.write("pipelines/shop.yml", CONFIG.replace(*change) + "    - more\n")
    assert any(WRONG[change] in said for said in site.check()), site.check()
    assert shop.asked == []


def test_a_field_that_no_parent_has_is_told_with_its_place(site, shop):
    text = CONFIG.replace("resources.orders.id", "resources.orders.idd") + "resources: {lines: {}}\n"
    site.write("pipelines/shop.yml", text)
    assert site.check() == []
    said = site.error()
    assert said == "pipelines/shop.yml:19:24: the rows of orders have no idd. did you mean id?"


def test_the_values_of_an_increment_are_dlts():
    from dlt.sources import incremental

    assert set(VALUES) <= set(dir(incremental("at")))


def test_a_long_message_ends_with_a_word():
    assert shortened("One. Two") == "One. Two"
    assert shortened("a " * WORDS).endswith("a ...")
    assert shortened(f"First one. {'b' * WORDS}") == "First one"


def test_doctor_connects_to_base_url(site, shop, monkeypatch):
    host = shop.url.removeprefix("http://")
    assert doctor(site) == [
        ("ok", "pipeline shop base_url", f"{host} takes connections"),
        ("ok", "pipeline shop", "rest_api opens, and has orders"),
    ]
    assert shop.asked == []
    monkeypatch.setenv("SHOP_URL", "http://127.0.0.1:9")
    ((level, subject, text),) = doctor(site)
    assert (level, subject) == ("error", "pipeline shop base_url") and "127.0.0.1:9 is not reached" in text


def test_doctor_looks_at_each_resource(site, shop):
    site.write("pipelines/shop.yml", PLAIN.replace("SELECTOR", "'data['"))
    assert [found[:2] for found in doctor(site) if found[0] == "error"] == [("error", "pipeline shop orders")]
    assert not [found for found in doctor(site) if found[1] == "pipeline shop"]
