"""A suggested suite passes on the rows that it was made from, judged by Great Expectations: odd tables, names and values too."""

from __future__ import annotations

import pytest
from tests.unit.validate.suggest.proposing import MODEL, about, not_passed, proposed, read_back, table

NAMES = [
    "we ird", 'quo"te', "it's", "select", "no", "on", "12:30", "null", "a: b", "x #y", "{batch}", "%s", ":param", "naïve", "日本", "🙂", "back\\slash",
    "line\nbreak", "Mixed Case", "__x", "1st", "a.b", "-", "[x]", "true", "tab\there", "~", "*", "{{ x }}",
]  # fmt: skip

TABLES = {
    "no rows": "SELECT 1 AS id, 'a' AS grade, [1] AS parts WHERE false",
    "one row": "SELECT 1 AS id, 'a' AS grade, 97.5 AS score, DATE '2026-01-01' AS day, true AS ok",
    "all NULL": "SELECT CAST(NULL AS INTEGER) AS id, CAST(NULL AS VARCHAR) AS email, CAST(NULL AS DATE) AS day FROM range(50)",
    "nested": """SELECT range AS id, [range, 2] AS list, {'a': range, 'b': [1]} AS struct, MAP {'k': range} AS map, '{"a": 1}'::JSON AS json,
      'x'::BLOB AS blob, INTERVAL (range) DAY AS pause, TIME '12:30' AS at, CAST(uuid() AS UUID) AS ref, CAST('a' AS ENUM ('a', 'b')) AS kind,
      CAST(CAST(range AS INTEGER) AS UNION(n INTEGER, t VARCHAR)) AS either, [1, 2, 3]::INTEGER[3] AS fixed FROM range(60)""",
    "numbers": """SELECT range AS id, CAST(range AS HUGEINT) * 10::HUGEINT ** 30 AS huge, CAST('9' || repeat('1', 37) AS DECIMAL(38, 0)) AS wide,
      CAST(range AS DECIMAL(38, 18)) / 7 AS fine, CASE range % 5 WHEN 0 THEN 'nan' WHEN 1 THEN 'inf' ELSE '1.5' END::DOUBLE AS amount,
      1.7e308 AS most, 5e-324 * range AS least, -range AS below, CAST(range AS FLOAT) / 3 AS cost, CAST(range AS UBIGINT) AS clicks FROM range(60)""",
    "times": """SELECT range AS id, TIMESTAMP '2026-01-01' + INTERVAL (range) HOUR AS created_at, TIMESTAMPTZ '2026-01-01 00:00:00+02' AS at_zone,
      CAST(TIMESTAMP '2026-01-01' AS TIMESTAMP_NS) AS nano, CAST(TIMESTAMP '2026-01-01' AS TIMESTAMP_S) AS second, DATE 'infinity' AS never,
      DATE '20000-01-01' AS far, DATE '0001-01-01 (BC)' AS bc, TIMESTAMP 'infinity' AS eternal FROM range(60)""",
    "texts": """SELECT 'key-' || range AS id, ['ä', 'Ω', '日本', '🙂', 'it''s', 'a\\b', '"q"', '', 'null', 'no', '12:30', ' x '][1 + range % 12] AS status,
      chr(10) || 'line' AS note, ['a\x85b', 'c'][1 + range % 2] AS odd, repeat('x', 70000) AS long, ['{{ x }}', '1'][1 + range % 2] AS t,
      ['1', '2.5', '1e3'][1 + range % 3] AS grade FROM range(240)""",
    "names": f"SELECT {', '.join(f'range % 7 AS {chr(34)}{name.replace(chr(34), chr(34) * 2)}{chr(34)}' for name in NAMES)} FROM range(90)",
    "texts under odd names": f"SELECT {', '.join(f'[chr(97), chr(98)][1 + range % 2] AS {chr(34)}{name.replace(chr(34), chr(34) * 2)}{chr(34)}' for name in NAMES)} FROM range(90)",
    "300 columns": f"SELECT range AS id, {', '.join(f'range % {n + 2} AS c{n}' for n in range(300))} FROM range(400)",
    "duplicates": "SELECT 1 AS id, 'a@b.co' AS email FROM range(50)",
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_passes_on_its_own_rows(warehouse, name):
    found = proposed(warehouse, TABLES[name])
    assert found.proposals
    assert not_passed(warehouse, read_back(found)) == []


@pytest.mark.parametrize(
    "name", [name for name in TABLES if name not in ("no rows", "all NULL", "duplicates", "300 columns")]
)
def test_passes_where_all_of_it_is_sent_and_rows_have_a_key(warehouse, name):
    rows = f"SELECT row_number() OVER () AS lead_id, * FROM ({TABLES[name]})"
    table(warehouse, rows)
    columns = {column.lower() for column in warehouse.columns(MODEL)}
    found = proposed(warehouse, key="lead_id", sent=columns)
    assert found.key == "lead_id"
    assert about(found, "expect_column_values_to_not_be_null")
    assert not_passed(warehouse, read_back(found)) == []


def test_a_view_is_looked_at_like_a_table(warehouse):
    warehouse.execute("CREATE TABLE made AS SELECT range AS id, range % 98 AS score FROM range(500)")
    table(warehouse, "SELECT * FROM made", kind="VIEW")
    found = proposed(warehouse)
    assert (found.rows, found.key) == (500, "id")
    assert not_passed(warehouse, read_back(found)) == []


def test_planted_faults_are_found_by_what_was_suggested_before(warehouse):
    rows = """SELECT range AS id, range % 98 AS score, 'u' || range || '@example.com' AS email, ['A', 'B'][1 + range % 2] AS grade,
      range % 50 AS clicks, 60 + range % 50 AS impressions FROM range(1000)"""
    suite = read_back(proposed(warehouse, rows, key="id", sent=["id", "score", "email"]))
    assert not_passed(warehouse, suite) == []
    table(warehouse, f"""SELECT id, CASE WHEN id = 3 THEN 120 WHEN id = 4 THEN NULL ELSE score END AS score,
      CASE WHEN id = 5 THEN 'nobody' ELSE email END AS email, CASE WHEN id = 6 THEN 'Z' ELSE grade END AS grade,
      CASE WHEN id = 7 THEN 999 ELSE clicks END AS clicks, impressions FROM ({rows})""")  # fmt: skip
    decisions = {(kind, decision) for kind, decision, _ in not_passed(warehouse, suite)}
    assert decisions == {
        ("expect_column_values_to_be_between", "quarantine"), ("expect_column_values_to_not_be_null", "quarantine"),
        ("expect_column_values_to_match_regex", "quarantine"), ("expect_column_values_to_be_in_set", "warn"),
        ("expect_column_pair_values_a_to_be_greater_than_b", "warn"), ("expect_column_values_to_be_between", "warn"),
    }  # fmt: skip
    table(warehouse, f"{rows} UNION ALL SELECT 5, 1, 'u5@example.com', 'A', 1, 61")
    assert ("expect_column_values_to_be_unique", "block") in {
        (k, d) for k, d, _ in not_passed(warehouse, suite)
    }
