"""The emulator tells the truth where it used to lie, and what it still cannot tell is told by reading the SQL."""

from __future__ import annotations

import io
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.emulator import PROJECT
from tests.emulator.strict import refused, unknown_functions

COLUMNS = {"id": "INT64", "day": "DATE", "at": "TIMESTAMP", "local": "DATETIME", "text": "STRING", "share": "FLOAT64", "amount": "NUMERIC"}  # fmt: skip
SCHEMA = {PROJECT: {"d": {"t": COLUMNS}}}


@pytest.fixture(scope="module")
def client(bigquery):
    bigquery.create_dataset("truth", exists_ok=True)
    yield bigquery
    bigquery.delete_dataset("truth", delete_contents=True)


def rows(client, sql, **config):
    from google.cloud.bigquery import QueryJobConfig

    return [tuple(row.values()) for row in client.query_and_wait(sql, job_config=QueryJobConfig(**config))]


def test_a_failed_query_raises(client):
    from google.api_core.exceptions import BadRequest

    with pytest.raises(BadRequest, match=r"truth\.nothing"):
        rows(client, "SELECT 1 FROM truth.nothing")


def test_names_without_a_dataset_are_found_in_the_default_one(client):
    rows(client, "CREATE OR REPLACE TABLE truth.plain AS SELECT 1 AS a")
    assert rows(client, "SELECT a FROM plain", default_dataset=f"{PROJECT}.truth") == [(1,)]


def test_columns_added_together_are_there_and_known(client):
    rows(client, "CREATE OR REPLACE TABLE truth.wider AS SELECT 1 AS a")
    rows(client, "ALTER TABLE truth.wider ADD COLUMN b STRING, ADD COLUMN c TIMESTAMP")
    assert rows(client, "SELECT a, b, c FROM truth.wider") == [(1, None, None)]
    assert [field.name for field in client.get_table("truth.wider").schema] == ["a", "b", "c"]


def test_parquet_is_loaded_by_name(client):
    from google.cloud.bigquery import LoadJobConfig

    rows(client, "CREATE OR REPLACE TABLE truth.named (a INT64, b INT64)")
    file = io.BytesIO()
    pq.write_table(pa.table({"b": [2], "a": [1]}), file)
    file.seek(0)
    config = LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND")
    client.load_table_from_file(file, "truth.named", job_config=config).result()
    assert rows(client, "SELECT a, b FROM truth.named") == [(1, 2)]


def test_arrays_keep_their_type(client):
    from google.cloud.bigquery import ArrayQueryParameter

    days = ArrayQueryParameter("days", "DATE", [date(2026, 1, 5)])
    assert rows(client, "SELECT DATE '2026-01-05' IN UNNEST(@days)", query_parameters=[days]) == [(True,)]


def test_a_backslash_escapes_in_like(client):
    told = rows(
        client,
        r"SELECT 'a%b' LIKE r'a\%b', 'axb' LIKE r'a\%b', 'a_b' NOT LIKE r'a\_b', 'a' LIKE ANY ('a', 'b')",
    )
    assert told == [(True, False, False, True)]


@pytest.mark.parametrize(
    ("condition", "parameters", "families"),
    [
        ("day > @p", {"p": "DATE"}, None),
        ("day > @p", {"p": "DATETIME"}, None),
        ("day > @p", {"p": "TIMESTAMP"}, ["DATE", "TIMESTAMP"]),
        ("at > @p", {"p": "DATETIME"}, ["DATETIME", "TIMESTAMP"]),
        ("at > TIMESTAMP '2026-01-05 00:00:00+00:00'", {}, None),
        ("local = at", {}, ["DATETIME", "TIMESTAMP"]),
        ("day IN UNNEST(@p)", {"p": "ARRAY<STRING>"}, ["DATE", "text"]),
        ("day IN (DATE '2026-01-05')", {}, None),
        ("id = '1'", {}, ["number", "text"]),
        ("day > '2026-01-05' AND at IN ('2026-01-05')", {}, None),
        (f"id IN (SELECT text FROM `{PROJECT}.d.t`)", {}, ["number", "text"]),
        (f"id IN (SELECT id FROM `{PROJECT}.d.t`)", {}, None),
        ("amount > @p AND share <= @p AND id = @p", {"p": "FLOAT64"}, None),
        ("text LIKE @p AND REGEXP_CONTAINS(text, @p)", {"p": "STRING"}, None),
        ("REGEXP_CONTAINS(id, @p)", {"p": "STRING"}, ["number", "text"]),
    ],
)  # fmt: skip
def test_what_bigquery_has_no_operator_for_is_seen(condition, parameters, families):
    found = refused(f"SELECT * FROM (SELECT * FROM `{PROJECT}.d.t`) WHERE {condition}", parameters, SCHEMA)
    if families is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(str(families))


def test_functions_that_only_duckdb_has_are_seen():
    sql = "SELECT SAFE.PARSE_DATE('%F', t), date_part('day', d), COUNTIF(a), epoch_us(b), EXTRACT(DAY FROM d) FROM x"
    assert unknown_functions(sql) == ["DATE_PART", "EPOCH_US"]


def test_what_the_emulator_translates_wrongly_is_mended(client):
    weeks = "DATE_TRUNC(DATE '2024-01-03', ISOWEEK), TIMESTAMP_TRUNC(TIMESTAMP '2024-01-03', ISOWEEK)"
    [(day, instant)] = rows(client, f"SELECT {weeks}")
    assert (str(day), str(instant)) == ("2024-01-01", "2024-01-01 00:00:00+00:00")
    rows(client, "CREATE OR REPLACE TABLE truth.days AS SELECT DATE '2024-02-03' AS day")
    assert rows(client, "SELECT DATE_TRUNC(day, MONTH) FROM truth.days") == [(date(2024, 2, 1),)]
    assert rows(client, "SELECT 1 AS a, 2 AS b FULL OUTER UNION ALL BY NAME SELECT 3 AS b ORDER BY b") == [
        (1, 2),
        (None, 3),
    ]
