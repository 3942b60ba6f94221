"""One file's columns and rows, a stretch at a time: CSV and Parquet through Arrow, JSON lines with all of their digits."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tailrace.connectors.filesystem import csv
from tailrace.connectors.filesystem.declaration import form_of
from tailrace.connectors.sdk import exact
from tailrace.connectors.sdk.arrow_items import arrow_rows, tell
from tailrace.connectors.sdk.items import Kinds, plain_row
from tailrace.errors import FatalError

ROWS = 10_000
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class File:
    """`name` is the path as the project writes it; in messages and in `row_file`."""

    path: Path
    name: str


def tell_columns(file: File, options: Mapping[str, Any], kinds: Kinds) -> None:
    """Every column of the file with its type over all of its rows. FatalError naming file and line where it is broken."""
    form = form_of(file.name)
    if form == "parquet":
        with _parquet(file) as opened:
            tell(opened.schema_arrow, kinds)
    elif form == "csv":
        csv.tell_columns(file.path, file.name, options, kinds)
    else:
        for _ in _json_lines(file, kinds):
            """Each row has told its values already."""


def rows(file: File, options: Mapping[str, Any]) -> Iterator[Rows]:
    """The file's rows in its order; values of CSV are the texts that stand in it."""
    form = form_of(file.name)
    if form == "parquet":
        with _parquet(file) as opened:
            for batch in opened.iter_batches(batch_size=ROWS):
                yield arrow_rows(batch, Kinds())
    elif form == "csv":
        yield from csv.rows(file.path, file.name, options)
    else:
        yield from _json_lines(file, Kinds())


def _parquet(file: File) -> Any:
    try:
        return pq.ParquetFile(file.path)
    except (pa.ArrowException, OSError) as error:
        raise FatalError(f"{file.name} is no Parquet file ({first_line(error)})", "replace it") from None


def _json_lines(file: File, kinds: Kinds) -> Iterator[Rows]:
    page: Rows = []
    for number, line in enumerate(_lines(file), start=1):
        if line.strip():
            page.append(plain_row(_object(file, number, line), kinds))
        if len(page) >= ROWS:
            yield page
            page = []
    if page:
        yield page


def _object(file: File, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = exact.loads(line)
    except orjson.JSONDecodeError as error:
        raise FatalError(f"{file.name}:{number}: no JSON ({error})", "mend the line, or remove it") from None
    if not isinstance(found, dict):
        raise FatalError(f"{file.name}:{number}: not an object", "write one {...} a line")
    return found


def _lines(file: File) -> Iterator[bytes]:
    packed = file.name.lower().endswith(".gz")
    try:
        with gzip.open(file.path) if packed else file.path.open("rb") as opened:
            yield from cast("IO[bytes]", opened)
    except (gzip.BadGzipFile, EOFError) as error:
        raise FatalError(f"{file.name} is no whole gzip file ({first_line(error)})", "replace it") from None


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
