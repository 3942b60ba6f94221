"""Recorded vendor data: every suite passes on the rows it was made from, and blocks nothing of what came next."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from tests.recordings import REAL, entries, hubspot_rounds, needs_recordings
from tests.unit.validate.suggest.proposing import not_passed, proposed, read_back

pytestmark = needs_recordings


def rows_of(folder: str, stream: str) -> list[dict]:
    """A stream's rows of the last recording that has it."""
    found: list[dict] = []
    for recording in entries(folder):
        found = [entry["data"] for entry in recording if entry["stream"] == stream] or found
    return found


def loaded(warehouse, tmp_path: Path, rows: list[dict]) -> str:
    """A SELECT of the rows as DuckDB types them."""
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"SELECT * FROM read_json({warehouse.dialect.literal(str(path))}, format = 'newline_delimited', sample_size = -1)"


STREAMS = [
    ("hubspot-recordings", "contacts"), ("hubspot-recordings", "companies"), ("hubspot-recordings", "campaigns"),
    ("google-ads-recordings", "campaign"), ("google-ads-recordings", "ad_group_ad"), ("google-ads-recordings", "customer"),
    ("ga4-data-api-recordings", "daily_active_users"), ("ga4-data-api-recordings", "traffic_sources"),
    ("mailchimp-recordings", "lists"), ("mailchimp-recordings", "list_members"),
]  # fmt: skip


@pytest.mark.parametrize(("folder", "stream"), STREAMS)
def test_passes_on_what_was_recorded(warehouse, tmp_path, folder, stream):
    rows = rows_of(folder, stream)
    assert rows
    found = proposed(warehouse, loaded(warehouse, tmp_path, rows))
    assert (found.rows, bool(found.proposals)) == (len(rows), True)
    assert not_passed(warehouse, read_back(found)) == []


def test_hubspot_of_one_recording_blocks_nothing_of_the_next(warehouse, tmp_path):
    """A year's real edits, inserts, deletes and drifting columns; columns that vanish are left out of the suite first."""
    flat = [
        [{"id": r["id"], **r["properties"]} for r in found["contacts"]]
        for found in hubspot_rounds(["contacts"])
    ]
    rounds = [rows for rows in flat if len(rows) > 1]
    assert len(rounds) > 5
    judged = 0
    for before, after in list(pairwise(rounds))[:: len(rounds) // 4]:
        common = sorted(set.intersection(*(set(row) for row in (*before, *after))))
        older, newer = ([{name: row[name] for name in common} for row in rows] for rows in (before, after))
        suite = read_back(proposed(warehouse, loaded(warehouse, tmp_path, older)))
        proposed(warehouse, loaded(warehouse, tmp_path, newer))
        assert [item for item in not_passed(warehouse, suite) if item[1] == "block"] == []
        judged += 1
    assert judged >= 4


EXPORTS = sorted(path.stem for path in (REAL / "dbt-packages").glob("*/seeds/*.csv")) if REAL.is_dir() else []


@pytest.mark.parametrize("name", EXPORTS)
def test_passes_on_public_seeds(warehouse, name):
    path = next((REAL / "dbt-packages").glob(f"*/seeds/{name}.csv"))
    found = proposed(
        warehouse, f"SELECT * FROM read_csv({warehouse.dialect.literal(str(path))}, sample_size = -1)"
    )
    assert not_passed(warehouse, read_back(found)) == []


def test_the_streams_are_recorded():
    known: dict[str, set[str]] = defaultdict(set)
    for folder, _ in STREAMS:
        for recording in entries(folder):
            known[folder] |= {entry["stream"] for entry in recording}
    assert [(folder, stream) for folder, stream in STREAMS if stream not in known[folder]] == []
