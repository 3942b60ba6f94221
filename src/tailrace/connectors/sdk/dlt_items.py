"""What one dlt resource yields, pulled outside any dlt pipeline: rows into a spool, dlt's state in and out as plain data."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tailrace import interrupts
from tailrace.connectors.sdk.dlt_settings import dlt_settings
from tailrace.connectors.sdk.inline import ROW_KEY, WrongSetting
from tailrace.connectors.sdk.items import Kinds, plain_row
from tailrace.connectors.sdk.spool import Spool
from tailrace.connectors.sdk.unchanged import Window
from tailrace.errors import FatalError, near_miss
from tailrace.events import Progress, emit
from tailrace.records import Checkpoint, Page, Scope, Type

PAGE, STRETCH = 1000, 10_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Offer:
    """A dlt resource with how its rows are to be written.

    `items` iterates (a DltSource or a DltResource), `resource` is its DltResource. `key` is (ROW_KEY,) where rows have none.
    `ordered`: rows come in the order of their cursor, so that the state after each page is worth keeping. `complete`: the
    read shows everything there is. `fresh`: it begins without dlt's state. `gone` is the column whose value says that a row was deleted.
    """

    name: str
    items: Any
    resource: Any
    write: str
    key: tuple[str, ...]
    types: Mapping[str, Type] = field(default_factory=dict)
    ordered: bool = False
    complete: bool = False
    fresh: bool = False
    gone: str = ""

    @property
    def keyless(self) -> bool:
        return self.key == (ROW_KEY,)


@dataclass
class Pulled:
    """A read that is complete and not handed on yet: `rows` of it, their `digest`, the state that dlt ended with."""

    offer: Offer
    spool: Spool
    types: dict[str, Type]
    state: dict[str, Any]
    rows: int
    digest: str
    appended: int


class _Printed(io.TextIOBase):
    """What a person's code prints: on stderr, for stdout is our document's, and without the secrets it was given."""

    def __init__(self, hidden: Sequence[str]) -> None:
        self._hidden = hidden

    def write(self, text: str) -> int:
        shown = text
        for secret in self._hidden:
            shown = shown.replace(secret, "***")
        sys.stderr.write(shown)
        return len(text)


@contextmanager
def extraction(hidden: Sequence[str] = ()) -> Iterator[None]:
    """Where dlt runs: its folder is thrown away. `hidden` are secrets that code may print."""
    with (
        tempfile.TemporaryDirectory(prefix="tailrace-dlt-") as folder,
        dlt_settings(Path(folder)),
        redirect_stdout(_Printed(hidden)),
    ):
        yield


def encode(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state as JSON has it: what JSON lacks (instants, decimals) in dlt's own typed texts."""
    from dlt.common.json import json

    plain: dict[str, Any] = _sorted(orjson.loads(json.typed_dumpb(state)))
    return plain


def decode(state: Mapping[str, Any]) -> dict[str, Any]:
    from dlt.common.json import json

    found: dict[str, Any] = json.typed_loadb(orjson.dumps(state))
    return found


def _sorted(value: Any, name: str = "") -> Any:
    """The same state gives the same text: dlt's hashes of the newest rows come out of a set."""
    if isinstance(value, dict):
        return {key: _sorted(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(value, key=str) if name == "unique_hashes" else [_sorted(inner) for inner in value]
    return value


def pull(offer: Offer, position: Mapping[str, Any], root: Path, label: str) -> Pulled:
    """All that is new since `position`, inside `extraction`. Raises whatever the resource raises."""
    return _Pull(offer, position, root, label).run()


def sample(offer: Offer) -> dict[str, Type]:
    """The columns of the first page."""
    kinds = Kinds()
    offer.resource.add_limit(1)
    for row in _plain(_iterate(offer, {}), kinds):
        _check_key(offer, row)
    return {**kinds.types(), **offer.types}


class _Pull:
    """One read into a spool: rows numbered where they have no key, and cut where a key comes again."""

    def __init__(self, offer: Offer, position: Mapping[str, Any], root: Path, label: str) -> None:
        self._offer, self._label = offer, label
        self._known = position.get("columns") or {}
        self._kinds = Kinds(None if offer.complete else self._known)
        self._state = {} if offer.fresh else decode(position.get("state") or {})
        self._spool = Spool(root)
        self._appended = int(position.get("appended") or 0) if offer.write == "append" else 0
        self._rows = 0
        self._mark: dict[str, Any] | None = None

    def run(self) -> Pulled:
        window = Window(None)
        try:
            for page in window.pages(self._pages()):
                self._write(page)
            state = encode(self._state)
        except BaseException:
            self._spool.close()
            raise
        types = self._types()
        return Pulled(self._offer, self._spool, types, state, self._rows, window.digest, self._appended)

    def _write(self, page: list[Row]) -> None:
        gone = self._offer.gone
        alive = [row for row in page if not row.get(gone)] if gone else page
        if alive:
            self._spool.write("rows", alive)
        if len(alive) < len(page):
            ended = [{name: row[name] for name in self._offer.key} for row in page if row.get(gone)]
            self._spool.write("ended", ended)

    def _types(self) -> dict[str, Type]:
        """A column that came with nothing but NULLs has the type that it had before; so have all where no row came."""
        if not self._rows and self._known:
            return dict(self._known)
        before = {name: kind for name, kind in self._known.items() if name in self._kinds.names()}
        types = {**before, **self._kinds.types()}
        hinted = self._offer.types
        if not types and not (hinted and (self._offer.keyless or set(self._offer.key) <= set(hinted))):
            return {}
        first: dict[str, Type] = {ROW_KEY: "text"} if self._offer.keyless else {}
        return {**first, **types, **hinted}

    def _pages(self) -> Iterator[list[Row]]:
        self._offer.resource.add_step(_one_table)
        if self._offer.ordered:
            self._offer.resource.add_step(self._between_pages, insert_at=1)
        page: list[Row] = []
        seen: set[tuple[str, ...]] = set()
        for row in self._keyed(_plain(_iterate(self._offer, self._state), self._kinds)):
            name = tuple(str(row.get(column)) for column in self._offer.key)
            mark, self._mark = self._mark, None
            if page and (mark is not None or len(page) >= PAGE or name in seen):
                yield page
                page, seen = [], set()
            if mark is not None:
                self._spool.write("state", mark)
            page.append(row)
            seen.add(name)
        if page:
            yield page

    def _between_pages(self, items: Any, _meta: Any = None) -> Any:
        """Where dlt begins with the next page, its state speaks of all rows before, and they are all here."""
        if self._rows:
            self._mark = {"state": encode(self._state), "appended": self._appended}
        return items

    def _keyed(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if not self._rows:
                _check_key(self._offer, row)
            self._rows += 1
            if self._rows % PAGE == 0:
                interrupts.check()
                emit(Progress("land", self._label, self._rows, None, "rows"))
            if self._offer.keyless:
                self._appended += 1
                yield {ROW_KEY: f"{self._appended:012d}", **row}
            else:
                yield row


def _one_table(items: Any, meta: Any = None) -> Any:
    """A step of the pipe: rows marked for a table of their own would end up in the resource's."""
    table = getattr(meta, "table_name", None)
    if table is not None:
        fix = "one resource is one table here: make a resource of it"
        raise FatalError(f"rows are marked for the table {table}", fix)
    return items


def _check_key(offer: Offer, row: Mapping[str, Any]) -> None:
    """Of the first row: what names the rows is in it, and our own name is free."""
    where = ("resources", offer.name, "primary_key")
    if offer.keyless and ROW_KEY in row:
        raise WrongSetting(where, f"{offer.name} has a column {ROW_KEY} of its own", "Name a primary_key")
    for column in offer.key if not offer.keyless else ():
        if column not in row:
            what = f"the primary key {column} is no column of {offer.name}"
            raise WrongSetting(where, what, near_miss(column, list(row)))


def _iterate(offer: Offer, state: dict[str, Any]) -> Iterator[Any]:
    """Items one by one; dlt reads and writes its state in the mapping given."""
    from dlt.common.configuration.container import Container
    from dlt.common.pipeline import StateInjectableContext

    with Container().injectable_context(StateInjectableContext(state=state)):  # type: ignore[arg-type]
        items = iter(offer.items)
    yield from items


def _plain(items: Iterator[Any], kinds: Kinds) -> Iterator[Row]:
    """Rows of items, of Arrow tables, and of data frames."""
    import pyarrow as pa

    from tailrace.connectors.sdk.arrow_items import arrow_rows

    for item in items:
        package = type(item).__module__.partition(".")[0]
        if package == "pandas" and hasattr(item, "columns"):
            yield from (plain_row(row, kinds) for row in _records(item))
        elif isinstance(item, pa.Table | pa.RecordBatch) or (
            package == "polars" and hasattr(item, "to_arrow")
        ):
            table = item if package == "pyarrow" else item.to_arrow()
            for first in range(0, table.num_rows, STRETCH):
                yield from arrow_rows(table.slice(first, STRETCH), kinds)
        elif item is not None:
            yield plain_row(item, kinds)


def _records(frame: Any) -> Iterator[Row]:
    """Value by value: pyarrow, first used where pandas was hidden, takes a Series for a list and stumbles over its NaT."""
    for first in range(0, len(frame), STRETCH):
        yield from frame.iloc[first : first + STRETCH].to_dict("records")


def hand_on(pulled: Pulled, known: Mapping[str, Any], more: Mapping[str, Any]) -> Iterator[Page | Checkpoint]:
    """What was pulled; nothing at all where it is what the position before (`known`) says. `more` goes into the position."""
    offer = pulled.offer
    following: dict[str, Any] = {
        "columns": pulled.types,
        "key": list(offer.key),
        "write": offer.write,
        "digest": pulled.digest if pulled.rows or offer.complete else known.get("digest"),
        **more,
    }
    if pulled.state:
        following["state"] = pulled.state
    if offer.write == "append":
        following["appended"] = pulled.appended
    same = offer.write != "append" and all(
        known.get(word) == following[word] for word in ("digest", "columns")
    )
    same = same and known.get("digest") == pulled.digest
    try:
        for kind, content in () if same else pulled.spool.entries():
            if kind == "state":
                yield Checkpoint({**following, "digest": None, **content})
            else:
                yield Page(content, None, deleted=kind == "ended")
    finally:
        pulled.spool.close()
    yield Checkpoint(following, (Scope(),) if offer.complete and not same else ())
