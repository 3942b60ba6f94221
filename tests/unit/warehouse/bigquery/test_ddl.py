"""How a new table is described to BigQuery's catalogue."""

from __future__ import annotations

from tailrace.warehouse.bigquery.ddl import described


def test_days_and_keys_are_told():
    columns = {
        "id": "VARCHAR",
        "n": "BIGINT",
        "d": "DECIMAL(38, 9)",
        "_seen_at": "TIMESTAMP",
        "tags": "VARCHAR[]",
    }
    told = described("p.d.t", columns, "_seen_at", ("id", "n")).to_api_repr()
    assert told["timePartitioning"] == {"type": "DAY", "field": "_seen_at"}
    assert told["clustering"] == {"fields": ["id", "n"]}
    kinds = [(one["name"], one["type"], one.get("mode")) for one in told["schema"]["fields"]]
    assert kinds == [
        ("id", "STRING", "NULLABLE"),
        ("n", "INT64", "NULLABLE"),
        ("d", "NUMERIC", "NULLABLE"),
        ("_seen_at", "TIMESTAMP", "NULLABLE"),
        ("tags", "STRING", "REPEATED"),
    ]


def test_what_cannot_sort_rows_is_passed_over():
    columns = dict.fromkeys("abcdef", "BIGINT") | {"x": "DOUBLE"}
    assert described("p.d.t", columns, "", ("x", *"abcdef")).clustering_fields == list("abcd")
    assert described("p.d.t", columns, "", ("x",)).clustering_fields is None
