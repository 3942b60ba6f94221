"""The examples on the pages of the open sources run as they stand there."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.connectors.scripted import JSON, vendor
from tests.unit.connectors.site import Site

PAGES = Path(__file__).resolve().parents[3] / "docs" / "connectors"


def block(page: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (PAGES / f"{page}.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(tmp_path)


def landed(site: Site) -> dict[str, int]:
    steps = site.land()
    assert {step.error for step in steps.values()} == {None}
    return {name: step.rows_in for name, step in steps.items()}


def test_filesystem(site):
    site.write("pipelines/files.yml", block("filesystem", "yaml"))
    site.write("data/visits.csv", "zip;pages\n01067;3\n")
    pq.write_table(pa.table({"id": [1, 2]}), site.root / "data/events-2024.parquet")
    assert landed(site) == {"raw.events": 2, "raw.visits": 1}
    assert site.query("SELECT zip, pages FROM raw.visits") == [("01067", 3)]


def test_python(site, monkeypatch):
    monkeypatch.setenv("WEATHER_KEY", "k")
    code = block("python", "python")
    site.write(code.splitlines()[0].removeprefix("# "), code)
    site.write("pipelines/weather.yml", block("python", "yaml"))
    assert landed(site) == {"weather.observations": 1}
    assert site.query("SELECT country, celsius FROM weather.observations") == [("DE", 7.5)]
    assert landed(site) == {"weather.observations": 0}


def test_rest_api(site, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "t")
    page = {"data": [{"id": 7, "updated_at": "2024-02-01T00:00:00Z"}], "next": None}
    with vendor((200, JSON, json.dumps(page).encode())) as api:
        text = block("rest_api", "yaml").replace("https://api.example.com/v1/", f"{api.url}/v1/")
        site.write("pipelines/shop.yml", text)
        assert landed(site) == {"shop.orders": 1}
        assert api.asked[0][1] == "/v1/orders?since=2024-01-01T00%3A00%3A00Z"
        assert api.asked[0][2]["Authorization"] == "Bearer t"


def test_sql_database(site, monkeypatch):
    monkeypatch.setenv("ERP_URL", "sqlite:///erp.db")
    with sqlite3.connect(site.root / "erp.db") as db:
        db.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, updated_at DATETIME)")
        db.execute("INSERT INTO customers VALUES (1, '2024-01-01 00:00:00')")
        db.execute("CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT, size INTEGER)")
    db.close()
    text = block("sql_database", "yaml")
    assert "schema: public" in text
    site.write("pipelines/erp.yml", text.replace("schema: public", "schema: main"))  # SQLite's only one
    assert landed(site) == {"erp.customers": 1, "erp.countries": 0}
    assert list(site.columns("erp.countries")) == ["code", "name"]
