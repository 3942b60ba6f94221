"""The GA4 export as files and as rows: options, keys, parameters, what the page's SQL says, real events both ways."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.recordings import REAL, needs_recordings
from tests.unit.connectors.ga4_lake import Lake, close_all, connect

from tailrace.connectors.ga4_export.keys import EventKeys, digest_of
from tailrace.connectors.sdk.options import check_connection, check_resource
from tailrace.connectors.sdk.registry import declaration
from tailrace.errors import FatalError
from tailrace.sandbox.server import Sandbox

PAGE = Path(__file__).resolve().parents[3] / "docs" / "connectors" / "ga4_export.md"
BIGQUERY = {"project": "tailrace-sandbox", "dataset": "analytics_320000001", "access_token": "t"}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_all()


def problems_of(options: dict[str, Any]) -> list[str]:
    found = declaration("ga4_export")
    assert found is not None
    return [
        f"{'.'.join(map(str, path))}: {what}. {fix}"
        for path, what, fix in check_connection(found, options)[1]
    ]


def resource_problems(options: dict[str, Any]) -> list[str]:
    found = declaration("ga4_export")
    assert found is not None
    return [
        f"{'.'.join(map(str, path))}: {what}" for path, what, _ in check_resource(found, "events", options)[1]
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, ": nothing to read from"),
        ({"project": "p", "access_token": "t"}, ": nothing to read from"),
        ({"project": "p", "dataset": "d"}, ": no single way to log in"),
        ({**BIGQUERY, "service_account_file": "k.json"}, ": no single way to log in"),
        ({**BIGQUERY, "path": "x"}, "project: both path and project are given"),
        ({**BIGQUERY, "dataset": "p.analytics_1"}, "dataset: 'p.analytics_1' is no dataset"),
        ({**BIGQUERY, "project": "a/b"}, "project: 'a/b' is no project id"),
        ({**BIGQUERY, "api_version": "2"}, "api_version: '2' is no API version"),
        ({**BIGQUERY, "restate": -1}, "restate: restate is below 0"),
        ({**BIGQUERY, "start_date": "yesterday"}, "start_date: 'yesterday' is no date"),
        ({**BIGQUERY, "intraday": "perhaps"}, "intraday: option 'intraday'"),
        ({"path": "x", "datset": "d"}, "datset: unknown option"),
    ],
)
def test_bad_connections_are_named(options: dict[str, Any], said: str) -> None:
    assert any(text.startswith(said) for text in problems_of(options)), problems_of(options)


def test_good_connections_have_no_problem() -> None:
    assert problems_of(BIGQUERY) == problems_of({"path": "exports"}) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"params": ["a b"]}, "params.0: 'a b' is no event parameter"),
        ({"params": ["x", "seats:int"]}, "params.1: 'int' is no type of a parameter"),
        ({"params": ["Page", "page"]}, "params.1: 'Page' and 'page' would be one column of events"),
        ({"params": ["page", "page:text"]}, "params.1: 'page' and 'page:text' would be one column of events"),
        ({"limit": 0}, "limit: limit is out of range"),
        ({"start_date": "2026-13-01"}, "start_date: '2026-13-01' is no date"),
    ],
)
def test_bad_resources_are_named(options: dict[str, Any], said: str) -> None:
    assert resource_problems(options) == [said]


def test_keys_tell_equal_rows_apart_and_grow() -> None:
    keys, digests = EventKeys(), [digest_of(str(number % 4000).encode()) for number in range(9000)]
    given = [keys.name(digest) for digest in digests]
    assert len(set(given)) == keys.count == 9000
    assert Counter(key[17:] for key in given) == {"": 4000, "1": 4000, "2": 1000}
    other = EventKeys()
    assert [other.name(digest) for digest in reversed(digests)] != given
    assert set(keys.without(other)) == set()
    fewer = EventKeys()
    for digest in digests[:8999]:
        fewer.name(digest)
    assert list(keys.without(fewer)) == [given[-1]]
    assert list(fewer.without(keys)) == []


def event(number: int, day: str = "20261101", **more: Any) -> dict[str, Any]:
    return {
        "event_date": day,
        "event_timestamp": str(
            1_793_500_000_000_000 + number
        ),  # int64 travel as texts in BigQuery's JSON files
        "event_name": "page_view",
        "user_pseudo_id": f"{number}.1",
        "event_params": [
            {"key": "ga_session_id", "value": {"int_value": str(number)}},
            {"key": "page_location", "value": {"string_value": f"https://x.example/{number}"}},
            {"key": "value", "value": {"double_value": number / 2}},
            {"key": "old", "value": {"float_value": 0.25}},
        ],
        **more,
    }


def write(path: Path, *events: dict[str, Any]) -> Path:
    text = "".join(json.dumps(found) + "\n" for found in events).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def files(folder: Path, options: dict[str, Any] | None = None, **connection: Any) -> Lake:
    return Lake(
        connect("ga4_export", {"path": str(folder), **connection}), "ga4_export", "events", options or {}
    )


def test_files_of_every_kind_are_the_same_rows(tmp_path: Path) -> None:
    landed = {}
    for name in ("events_20261101.jsonl", "events_20261101.ndjson", "events_20261101.json.gz"):
        folder = tmp_path / name
        folder.mkdir()
        write(folder / name, *(event(number) for number in range(5)))
        landed[name] = files(folder, {"limit": 2})
    parquet = tmp_path / "parquet"
    parquet.mkdir()
    rows = [{**event(number), "event_timestamp": 1_793_500_000_000_000 + number} for number in range(5)]
    for row in rows:
        row["event_params"][0]["value"] = {"int_value": int(row["event_params"][0]["value"]["int_value"])}
    pq.write_table(pa.Table.from_pylist(rows), parquet / "events_20261101.parquet")
    landed["parquet"] = files(parquet)
    found = {}
    for name, lake in landed.items():
        assert lake.run().rows_out == 5
        columns = "table_suffix, event_key, event_timestamp, event_name, event_params"
        found[name] = sorted(lake.rows(columns), key=lambda row: row["event_key"])
    assert all(rows == found["parquet"] for rows in found.values())
    assert found["parquet"][0]["event_timestamp"] >= 1_793_500_000_000_000


def test_parts_of_an_extract_are_one_table(tmp_path: Path) -> None:
    write(tmp_path / "events_20261101-000000000000.jsonl", event(1), event(2))
    write(tmp_path / "events_20261101-000000000001.jsonl", event(2), event(3))
    write(tmp_path / "users_20261101.jsonl", {"user": "not read"})
    lake = files(tmp_path)
    assert lake.run().rows_out == 4
    assert sorted(len(row["event_key"]) for row in lake.rows()) == [16, 16, 16, 18]
    assert lake.run().rows_in == 0


def test_params_are_typed_columns(tmp_path: Path) -> None:
    write(tmp_path / "events_20261101.jsonl", event(3), event(4, event_params=None))
    params = ["ga_session_id", "page_location", "value:double", "old:double", "absent"]
    lake = files(tmp_path, {"params": params})
    lake.run()
    names = "param_ga_session_id, param_page_location, param_value, param_old, param_absent"
    rows = [tuple(row.values()) for row in lake.rows(names + ", event_timestamp")]
    assert sorted(row[:5] for row in rows if row[0] is not None) == [
        (3, "https://x.example/3", 1.5, 0.25, None)
    ]
    assert [row[:5] for row in rows if row[0] is None] == [(None,) * 5]


def test_other_params_begin_again(tmp_path: Path) -> None:
    write(tmp_path / "events_20261101.jsonl", event(1))
    lake = files(tmp_path)
    lake.run()
    lake.options = {"params": ["page_location"]}
    lake.run()
    assert lake.rows("param_page_location") == [{"param_page_location": "https://x.example/1"}]


def test_a_changed_file_replaces_its_rows_and_no_others(tmp_path: Path) -> None:
    for day in range(1, 8):
        write(tmp_path / f"events_2026110{day}.jsonl", event(1, f"2026110{day}"), event(2, f"2026110{day}"))
    lake = files(tmp_path)
    assert lake.run().rows_out == 14
    for day in (1, 6):  # the first is no longer among the newest four: it is looked at no more
        path = write(
            tmp_path / f"events_2026110{day}.jsonl", event(2, f"2026110{day}"), event(3, f"2026110{day}")
        )
        os.utime(path, ns=(10**18, 10**18))
    again = lake.run()
    assert (again.rows_in, again.rows_out) == (2, 2)
    users = sorted((row["table_suffix"], row["user_pseudo_id"]) for row in lake.rows())
    assert [user for suffix, user in users if suffix == "20261106"] == ["2.1", "3.1"]
    assert [user for suffix, user in users if suffix == "20261101"] == ["1.1", "2.1"]
    assert lake.run().rows_in == 0


def test_a_column_of_late_lines_is_not_lost(tmp_path: Path) -> None:
    events = [event(number) for number in range(1100)]
    events[3]["seen_early"] = {"a": 1}
    events[1050]["seen_late"] = {"b": [1, None]}
    write(tmp_path / "events_20261101.jsonl", *events)
    lake = files(tmp_path)
    lake.run()
    early = [row for row in lake.rows("seen_early, other_columns") if row["seen_early"]]
    late = [row for row in lake.rows("seen_early, other_columns") if row["other_columns"]]
    assert json.loads(early[0]["seen_early"]) == {"a": 1}
    assert [json.loads(row["other_columns"]) for row in late] == [{"seen_late": {"b": [1, None]}}]


def test_start_date_and_glob_choose_files(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        (tmp_path / f"d{day}").mkdir()
        write(tmp_path / f"d{day}" / f"events_2026110{day}.jsonl", event(1, f"2026110{day}"))
    lake = files(tmp_path / "d*" / "events_*.jsonl", start_date="2026-11-02")
    lake.run()
    assert sorted(row["table_suffix"] for row in lake.rows()) == ["20261102", "20261103"]


def test_relative_paths_start_at_the_project(tmp_path: Path) -> None:
    from tests.unit.connectors.ga4_lake import utc_now
    from tests.unit.connectors.scripted import Budget

    from tailrace.connectors.sdk.base import Context

    found = declaration("ga4_export")
    assert found is not None and found.open is not None
    (tmp_path / "exports").mkdir()
    connector = found.open({"path": "exports"}, Context("files", Budget(), utc_now, root=tmp_path))
    assert connector.account() == str(tmp_path / "exports")
    assert [finding.level for finding in connector.examine()] == ["warning"]  # type: ignore[attr-defined]
    with pytest.raises(FatalError, match="takes nothing back"):
        connector.destination()


def test_the_pages_sql_unnests_parameters(tmp_path: Path) -> None:
    write(tmp_path / "events_20261101.jsonl", event(6), event(7, event_params=[]))
    lake = files(tmp_path)
    lake.run()
    sql = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
    found = {
        row["param"]: (row["string_value"], row["int_value"], row["double_value"])
        for row in lake.warehouse.arrow(sql).to_pylist()
    }
    assert found == {
        "ga_session_id": (None, 6, None),
        "page_location": ("https://x.example/6", None, None),
        "value": (None, None, 3.0),
        "old": (None, None, 0.25),
    }


# ---- real events ---------------------------------------------------------------------------------------


def real_events() -> list[dict[str, Any]]:
    """All 610 recorded lines, those of both samplings and exact repetitions among them."""
    lines = [
        mended(json.loads(line, parse_constant=lambda _: None))
        for path in sorted((REAL / "ga4-export").glob("*.ndjson"))
        for line in path.read_text("utf-8").splitlines()
    ]
    return sorted(lines, key=lambda found: str(found["event_date"]))


def mended(found: dict[str, Any]) -> dict[str, Any]:
    """Back to BigQuery's types: on its way here a NULL record had become the text null, some whole numbers floats."""
    touched = found["user_first_touch_timestamp"]
    record = None if found["ecommerce"] == "null" else found["ecommerce"]
    return {
        **found,
        "ecommerce": record,
        "user_first_touch_timestamp": None if touched is None else int(touched),
    }


def bare(value: Any) -> Any:
    """Without what is NULL."""
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items() if bare(item) not in (None, {}, [])}
    return [bare(item) for item in value] if isinstance(value, list) else value


def as_landed(found: dict[str, Any], columns: set[str]) -> str:
    """One event by all of its columns, ids and numbers as their texts."""
    plain = bare({name: value for name, value in found.items() if name in columns})
    return json.dumps(
        {k: v if isinstance(v, dict | list) else str(v) for k, v in plain.items()}, sort_keys=True
    )


def from_row(row: dict[str, Any], columns: set[str]) -> str:
    nested = ("[", "{")
    plain = {
        name: json.loads(value) if isinstance(value, str) and value.startswith(nested) else value
        for name, value in row.items()
        if name in columns and value is not None
    }
    return as_landed(plain, columns)


@needs_recordings
@pytest.mark.parametrize("way", ["files", "bigquery"])
def test_real_events_are_landed_row_by_row(tmp_path: Path, way: str) -> None:
    events = real_events()
    by_day: dict[str, list[dict[str, Any]]] = {}
    for found in events:
        by_day.setdefault(str(found["event_date"]), []).append(found)
    for day, rows in by_day.items():
        if way == "files":
            write(tmp_path / f"events_{day}.jsonl.gz", *rows)
        else:
            (tmp_path / "ga4_export").mkdir(exist_ok=True)
            write(tmp_path / "ga4_export" / "events.jsonl", *events)
    if way == "files":
        lake = files(tmp_path)
        assert_real(lake, events)
        return
    with Sandbox.start(contacts=0, data=tmp_path, limits=False) as sandbox:
        options = {**BIGQUERY, "access_token": "sandbox", "base_url": sandbox.base_url("ga4_export")}
        assert_real(Lake(connect("ga4_export", options), "ga4_export", "events", {}), events)


def assert_real(lake: Lake, events: list[dict[str, Any]]) -> None:
    """Never shows a value: they are other people's."""
    __tracebackhide__ = True
    lake.run()
    columns = {name for found in events for name in found}
    landed = Counter(from_row(row, columns) for row in lake.rows())
    wanted = Counter(as_landed(found, columns) for found in events)
    if landed != wanted:
        pytest.fail(f"{sum((wanted - landed).values())} of {len(events)} events differ", pytrace=False)
    sql = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
    unnested = Counter(
        (row["param"], row["string_value"], row["int_value"], row["double_value"])
        for row in lake.warehouse.arrow(sql).to_pylist()
    )
    params = Counter(
        (
            p["key"],
            v.get("string_value"),
            v.get("int_value"),
            v.get("double_value") if v.get("float_value") is None else v.get("float_value"),
        )
        for found in events
        for p in found["event_params"]
        for v in [p["value"] or {}]
    )
    assert sum(params.values()) > 1000
    if unnested != params:
        pytest.fail(f"{sum((params - unnested).values())} parameters differ", pytrace=False)
    assert lake.run().rows_in == 0
