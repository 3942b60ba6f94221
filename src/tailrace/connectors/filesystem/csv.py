"""CSV through Arrow's reader, every value a text: types are found over the whole file, and landing casts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from tailrace.connectors.sdk.items import Kinds
from tailrace.errors import FatalError

INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"
"""No leading zeros, which only names have, and nothing beyond 64 bits."""
NUMBER = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$"
DAY = r"^\d{4}-\d\d-\d\d$"
INSTANT = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?)?)?$"


def tell_columns(path: Path, name: str, options: Mapping[str, Any], kinds: Kinds) -> None:
    """Each column's type over all rows. A column without any value is text."""
    own = Kinds()
    for batch in _batches(path, name, options):
        for column, array in zip(batch.schema.names, batch.columns, strict=True):
            own.add(column, _kind(array))
    for column in own.names():
        kinds.add(column, own.types().get(column))


def rows(path: Path, name: str, options: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    for batch in _batches(path, name, options):
        yield batch.to_pylist()


def _batches(path: Path, name: str, options: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    """One after the other, so that a broken row can be named by its number."""
    if path.stat().st_size == 0:
        return
    try:
        names = _names(path, name, options)
        yield from _reader(path, options, names)
    except pa.ArrowInvalid as error:
        raise _told(error, name) from None
    except (OSError, UnicodeError) as error:
        raise FatalError(
            f"{name} cannot be read ({str(error).splitlines()[0][:200]})", "mend or replace it"
        ) from None


def _names(path: Path, name: str, options: Mapping[str, Any]) -> list[str]:
    """FatalError where two columns have one name: Arrow would read both, and a row keeps one."""
    names = [str(column) for column in _reader(path, options, None).schema.names]
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise FatalError(f"{name}: the column {twice[0]!r} comes twice", "rename one of the two")
    return names


def _reader(path: Path, options: Mapping[str, Any], names: list[str] | None) -> Any:
    source = pa.input_stream(str(path), compression="detect")
    return arrow_csv.open_csv(
        source,
        read_options=arrow_csv.ReadOptions(
            use_threads=False, encoding=options["encoding"], autogenerate_column_names=not options["header"]
        ),
        parse_options=arrow_csv.ParseOptions(delimiter=options["delimiter"], newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names or (), pa.string()),
            null_values=list(options["null_words"]),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _told(error: pa.ArrowInvalid, name: str) -> FatalError:
    """Arrow says `CSV parse error: Row #5: Expected 3 columns, got 2: ...`."""
    text = str(error).splitlines()[0].removeprefix("CSV parse error: ")
    if text.startswith("Row #"):
        number, _, rest = text.removeprefix("Row #").partition(": ")
        return FatalError(
            f"{name}:{number}: {rest[:120].lower().rstrip('.')}", "mend the row, or set `delimiter`"
        )
    return FatalError(f"{name}: {text[:200].rstrip('.')}", "check `delimiter` and `encoding`")


def _kind(texts: pa.Array) -> str | None:
    values = texts.drop_null()
    if len(values) == 0:
        return None
    if pc.any(pc.equal(values, "")).as_py():
        return "text"  # a quoted empty text is a text
    tests: tuple[tuple[str, Callable[[pa.Array], bool]], ...] = (
        ("bool", _words),
        ("bigint", lambda found: _all(found, INTEGER)),
        ("double", lambda found: _all(found, NUMBER)),
        ("date", lambda found: _all(found, DAY) and _casts(found, pa.date32())),
        ("timestamp", lambda found: _all(found, INSTANT) and _instants(found)),
    )
    return next((kind for kind, test in tests if test(values)), "text")


def _words(values: pa.Array) -> bool:
    return bool(pc.all(pc.is_in(pc.utf8_lower(values), pa.array(["true", "false"]))).as_py())


def _all(values: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _instants(values: pa.Array) -> bool:
    return _casts(values, pa.timestamp("us")) or _casts(values, pa.timestamp("us", "UTC"))


def _casts(values: pa.Array, kind: pa.DataType) -> bool:
    try:
        values.cast(kind)
    except pa.ArrowException:
        return False
    return True
