"""The export's tables as files: newline-delimited JSON, plain or gzipped, and Parquet, as BigQuery extracts them."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from math import isnan
from pathlib import Path
from typing import IO, Any, cast

import orjson

from tailrace.connectors.ga4_export.rows import DOCUMENTED
from tailrace.connectors.ga4_export.tables import Event, Gone, State, Table
from tailrace.errors import FatalError, refused_by_system
from tailrace.records import Column, Type

NAME = re.compile(
    r"events_(?P<intraday>intraday_)?(?P<day>\d{8})(?P<part>[-_.][\w-]+)?\.(?P<kind>jsonl|ndjson|json|parquet|csv)(?P<gz>\.gz)?"
)
LOOKED_AT = 1000
"""Lines of a file that are looked through for columns that are not documented."""
WHOLE = frozenset(
    {
        *(name for name, kind in DOCUMENTED.items() if kind == "bigint"),
        "int_value",
        "set_timestamp_micros",
        "quantity",
        "total_item_quantity",
        "unique_items",
        "time_zone_offset_seconds",
    }
)
"""Fields whose INT64 BigQuery writes as a text into JSON files."""


class FileExport:
    """A folder, or a glob, of files named after their tables; a table may lie in several parts."""

    def __init__(self, place: Path, connection: str) -> None:
        self._place, self._connection = place, connection
        self._parts: dict[Table, list[Path]] = {}

    def tables(self) -> list[Table]:
        found: dict[Table, list[Path]] = {}
        for path in self._paths():
            name = NAME.fullmatch(path.name)
            if name is None:
                continue
            if name["kind"] == "csv":
                raise FatalError(
                    f"{self._connection}: {path}: CSV holds no nested columns", "extract JSON or Parquet"
                )
            found.setdefault(Table(name["day"], name["intraday"] is None), []).append(path)
        for table, paths in found.items():
            self._refuse_twins(table, paths)
        self._parts = found
        return list(found)

    def state(self, table: Table) -> State | None:
        paths = self._parts[table]
        try:
            stats = [path.stat() for path in paths]
        except FileNotFoundError:
            return None
        stamp = (
            f"{max(stat.st_mtime_ns for stat in stats)} {sum(stat.st_size for stat in stats)} {len(stats)}"
        )
        return State(stamp, None, lambda: _columns(paths))

    def pages(self, table: Table, limit: int) -> Iterator[list[Event]]:
        for path in self._parts[table]:
            events = _events(path, limit)
            while page := list(islice(events, limit)):
                yield page

    def _paths(self) -> list[Path]:
        place = self._place
        if place.is_dir():
            return sorted(path for path in place.iterdir() if path.is_file())
        if not any(sign in str(place) for sign in "*?["):
            fix = "path names a folder, or a glob like exports/*/events_*.jsonl.gz"
            raise FatalError(f"{self._connection}: {place} is no folder", fix)
        root = Path(place.anchor)
        return sorted(path for path in root.glob(str(place.relative_to(root))) if path.is_file())

    def _refuse_twins(self, table: Table, paths: Sequence[Path]) -> None:
        """Parts of one extract say their number; any other two files are the same table twice."""
        names = [NAME.fullmatch(path.name) for path in paths]
        alike = {
            (path.parent, name["kind"], name["gz"]) for path, name in zip(paths, names, strict=True) if name
        }
        whole = [name for name in names if name and name["part"] is None]
        if len(paths) > 1 and (len(alike) > 1 or whole):
            text = f"{self._connection}: {table.name} is there twice: {paths[0]} and {paths[1]}"
            raise FatalError(text, "keep one of them")


def _columns(paths: Sequence[Path]) -> list[Column]:
    """The documented columns and what else the first lines have; those of Parquet are the file's own."""
    types = dict(DOCUMENTED)
    with suppress(Gone, FileNotFoundError):  # the read will say so
        if paths[0].suffix == ".parquet":
            return _parquet_columns(paths[0])
        for path in paths:
            for event in islice(_events(path, LOOKED_AT), LOOKED_AT):
                for name, value in event.items():
                    types.setdefault(name, _type_of(value))
    return [Column(name, kind) for name, kind in types.items()]


def _type_of(value: Any) -> Type:
    if isinstance(value, dict | list):
        return "json"
    kinds: dict[type, Type] = {bool: "bool", int: "bigint", float: "double"}
    return kinds.get(type(value), "text")


def _events(path: Path, batch: int) -> Iterator[Event]:
    try:
        if path.suffix == ".parquet":
            yield from _parquet_events(path, batch)
        else:
            yield from _json_events(path)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise FatalError(f"{path} is cut short or damaged", "copy or extract it again") from None
    except FileNotFoundError:
        raise Gone from None
    except OSError as error:
        raise refused_by_system(error) from None


def _json_events(path: Path) -> Iterator[Event]:
    with cast("IO[bytes]", gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _event(line, f"{path}:{number}")


def _event(line: bytes, place: str) -> Event:
    fix = "extract the table again: newline-delimited JSON, one event a line"
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            event = json.loads(line, parse_constant=lambda _: None)  # NaN, as some tools write a NULL float
        except ValueError as error:
            raise FatalError(f"{place}: not JSON ({error})", fix) from None
    if not isinstance(event, dict):
        raise FatalError(f"{place}: not an event but {type(event).__name__}", fix)
    return _typed(event, "") or {}


def _typed(value: Any, name: str) -> Any:
    """Without what is NULL, NaN or empty, and whole numbers that travel as texts as numbers."""
    if isinstance(value, dict):
        kept = ((inner, _typed(item, inner)) for inner, item in value.items())
        return {inner: item for inner, item in kept if item is not None} or None
    if isinstance(value, list):
        return [_typed(item, name) for item in value] or None
    if isinstance(value, float):
        return None if isnan(value) else value
    if name in WHOLE and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    return value


def _parquet_columns(path: Path) -> list[Column]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except pa.ArrowInvalid:
        raise FatalError(f"{path} is cut short or damaged", "copy or extract it again") from None
    return [Column(field.name, _arrow_type(field.type)) for field in schema]


def _arrow_type(kind: Any) -> Type:
    import pyarrow as pa

    tests: Mapping[Type, Any] = {
        "bigint": pa.types.is_integer,
        "double": pa.types.is_floating,
        "decimal": pa.types.is_decimal,
        "bool": pa.types.is_boolean,
        "timestamp": pa.types.is_timestamp,
        "date": pa.types.is_date,
        "json": pa.types.is_nested,
    }
    return next((name for name, test in tests.items() if test(kind)), "text")


def _parquet_events(path: Path, batch: int) -> Iterator[Event]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for rows in file.iter_batches(batch_size=batch):
                for event in rows.to_pylist():
                    yield _typed(event, "") or {}
    except pa.ArrowInvalid:
        raise FatalError(f"{path} is cut short or damaged", "copy or extract it again") from None
