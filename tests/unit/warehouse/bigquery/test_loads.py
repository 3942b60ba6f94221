"""Load jobs: what goes out is what Google's service takes, and rows come back as they were."""

from __future__ import annotations

import io
import json
import secrets
from datetime import datetime
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import Forbidden

from tailrace.events import Notice, listening
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery import types
from tailrace.warehouse.bigquery.jobs import Jobs
from tailrace.warehouse.bigquery.uploads import Uploads
from tailrace.warehouse.bigquery.whole_table import load_file

MOMENT = datetime(2026, 11, 22, 3, 4, 5)
ROWS = pa.table(
    {
        "tags": pa.array([["a", "b"], []], pa.list_(pa.string())),
        "seen": pa.array([[MOMENT], []], pa.list_(pa.timestamp("us"))),
        "nothing": pa.nulls(2),
        "at": pa.array([MOMENT, None], pa.timestamp("us")),
    }
)


@pytest.fixture
def sent():
    """Stands for Google's client: keeps each load job's file and configuration."""
    kept = []

    def load_table_from_file(body, _name, **options):
        kept.append((body.read(), options["job_config"].to_api_repr()["load"]))
        return SimpleNamespace(result=lambda **_: None)

    client = SimpleNamespace(load_table_from_file=load_table_from_file, close=lambda: None)
    jobs = Jobs(client, {"project": "acme", "location": "EU"})
    yield jobs, kept
    jobs.close()


def test_lists_are_inferred_and_nothing_goes_out_as_a_number(sent):
    jobs, kept = sent
    jobs.load(ROWS, TableRef("tailrace_stage", "up"), replace=True)
    ((body, config),) = kept
    assert config["parquetOptions"] == {"enableListInference": True}
    assert [(one["name"], one["type"], one.get("mode")) for one in config["schema"]["fields"]] == [
        ("tags", "STRING", "REPEATED"),
        ("seen", "TIMESTAMP", "REPEATED"),
        ("nothing", "STRING", "NULLABLE"),
        ("at", "TIMESTAMP", "NULLABLE"),
    ]
    file = pq.ParquetFile(io.BytesIO(body))
    logical = {
        column.path: json.loads(column.logical_type.to_json()) for column in map(file.schema.column, range(4))
    }
    assert {path: one["Type"] for path, one in logical.items()} == {
        "tags.list.element": "String",
        "seen.list.element": "Timestamp",
        "nothing": "String",
        "at": "Timestamp",
    }
    assert all(one["isAdjustedToUTC"] for one in logical.values() if one["Type"] == "Timestamp")


def test_lists_of_a_whole_table_are_inferred(sent, tmp_path):
    jobs, kept = sent
    pq.write_table(ROWS.select(["tags"]), tmp_path / "rows.parquet")
    load_file(jobs, tmp_path / "rows.parquet", TableRef("crm", "contacts"), {"tags": "VARCHAR[]"})
    assert kept[0][1]["parquetOptions"] == {"enableListInference": True}


def test_instants_in_lists_lose_their_zone_on_the_way_back():
    assert types.unzoned(types.loadable(ROWS)).schema.field("seen").type == pa.list_(pa.timestamp("us"))


def test_lists_and_columns_of_nothing_come_back(bigquery):
    jobs, ref = (
        Jobs(bigquery, {"project": bigquery.project, "location": "US"}),
        TableRef(f"d_{secrets.token_hex(3)}", "t"),
    )
    jobs.ensure_dataset(ref.schema)
    jobs.load(ROWS, ref, replace=True)
    found = jobs.rows(f"SELECT tags, nothing, `at` FROM `{ref.schema}`.`{ref.name}` ORDER BY `at` NULLS LAST")
    assert found == [(["a", "b"], None, MOMENT), ([], None, None)]
    (page,) = jobs.read(ref)
    assert page.schema.field("seen").type == pa.list_(pa.timestamp("us"))


def test_a_staged_table_that_google_does_not_delete_is_told_and_ends_nothing(bigquery, monkeypatch):
    jobs, heard = Jobs(bigquery, {"project": bigquery.project, "location": "US"}), []
    uploads = Uploads(jobs, secrets.token_hex(3))
    uploads.relation(pa.table({"a": range(10_000)}))

    def refuse(*_args, **_options):
        raise Forbidden("Access Denied: Table")

    with listening(heard.append):
        monkeypatch.setattr(jobs.client, "delete_table", refuse)
        uploads.clear()
        monkeypatch.undo()
        uploads.clear()  # it is no longer its own
    (notice,) = [event for event in heard if isinstance(event, Notice)]
    assert (
        notice.level == "warning"
        and "stays until it expires: " in notice.text
        and "Access Denied" in notice.text
    )
