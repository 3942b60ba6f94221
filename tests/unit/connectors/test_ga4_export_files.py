"""Files of an export that are damaged, doubled or taken away: named with their line, and mended by the next run."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.connectors.ga4_lake import Lake, Meddling, connect

from tailrace.errors import FatalError
from tailrace.events import Event, Notice, listening

TODAY = date(2026, 6, 1)


@pytest.fixture
def notices() -> Iterator[list[str]]:
    found: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Notice):
            found.append(event.text)

    with listening(hear):
        yield found


def event(number: int, day: int) -> dict[str, Any]:
    return {
        "event_date": f"2026110{day}",
        "event_timestamp": number,
        "event_name": "x",
        "user_pseudo_id": "1.1",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for day in (1, 2, 3):
        lines = "".join(json.dumps(event(number, day)) + "\n" for number in range(200))
        (tmp_path / f"events_2026110{day}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return tmp_path


def files(folder: Path) -> Lake:
    return Lake(connect("ga4_export", {"path": str(folder)}), "ga4_export", "events", {"limit": 40})


def cut_short(folder: Path) -> str:
    path = folder / "events_20261102.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-200])
    return f"{path} is cut short or damaged"


def broken_line(folder: Path) -> str:
    path = folder / "events_20261102.jsonl"
    (folder / "events_20261102.jsonl.gz").unlink()
    lines = [json.dumps(event(number, 2)) for number in range(200)]
    path.write_text("\n".join([*lines[:150], lines[150][:20], *lines[151:]]))
    return f"{path}:151: not JSON"


def no_event(folder: Path) -> str:
    path = folder / "events_20261102.jsonl"
    (folder / "events_20261102.jsonl.gz").unlink()
    path.write_text(json.dumps([event(1, 2)]))
    return f"{path}:1: not an event but list"


@pytest.mark.parametrize("harm", [cut_short, broken_line, no_event])
def test_a_damaged_file_is_named_and_mended_by_the_next_run(
    folder: Path, harm: Callable[[Path], str]
) -> None:
    whole = (folder / "events_20261102.jsonl.gz").read_bytes()
    said = harm(folder)
    lake = files(folder)
    with pytest.raises(FatalError, match=re.escape(said)):
        lake.run()
    (folder / "events_20261102.jsonl").unlink(missing_ok=True)
    (folder / "events_20261102.jsonl.gz").write_bytes(whole)
    lake.run()
    assert lake.rows("count(*) AS n, count(DISTINCT table_suffix) AS tables") == [{"n": 600, "tables": 3}]


def test_a_cut_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "events_20261101.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(FatalError, match=r"events_20261101\.parquet is cut short or damaged"):
        files(tmp_path).run()


@pytest.mark.parametrize(
    "twin", ["events_20261101.jsonl", "events_20261101-000000000000.jsonl.gz", "events_20261101.parquet"]
)
def test_the_same_table_twice_is_an_error(folder: Path, twin: str) -> None:
    (folder / twin).write_text("")
    with pytest.raises(FatalError, match="events_20261101 is there twice") as caught:
        files(folder).run()
    assert twin in str(caught.value) and "events_20261101.jsonl.gz" in str(caught.value)


def test_csv_and_folders_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "events_20261101.csv").write_text("a,b")
    with pytest.raises(FatalError, match="CSV holds no nested columns"):
        files(tmp_path).run()
    with pytest.raises(FatalError, match="nowhere is no folder"):
        files(tmp_path / "nowhere").run()


def test_a_file_that_is_taken_away_keeps_its_rows(folder: Path, notices: list[str]) -> None:
    lake = files(folder)
    lake.run(lambda source: Meddling(source, 1, (folder / "events_20261103.jsonl.gz").unlink))
    assert any("events_20261103 vanished" in text for text in notices)
    (folder / "events_20261101.jsonl.gz").unlink()
    lake.run()
    assert lake.rows("count(*) AS n") == [{"n": 400}]


def test_a_long_table_is_streamed_page_by_page(tmp_path: Path) -> None:
    day = TODAY - timedelta(days=1)
    lines = "".join(json.dumps(event(number, 1)) + "\n" for number in range(1000))
    (tmp_path / f"events_{day:%Y%m%d}.jsonl").write_text(lines)
    lake = files(tmp_path)
    seen: list[int] = []

    class Watching(Meddling):
        def read(self, resource: Any, schema: Any, position: Any) -> Iterator[Any]:
            for item in self.source.read(resource, schema, position):
                seen.append(len(getattr(item, "rows", ())))
                yield item

    lake.run(lambda source: Watching(source, 0, lambda: None))
    assert max(seen) == 40 and sum(seen) == 1000
