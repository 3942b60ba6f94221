"""The file that analysts open: a copy of `work.duckdb`, renamed into place, so that a reader sees whole runs only.

Copying a DuckDB file inside a process that has it open drops its lock, so a child process copies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailrace.errors import FatalError, WarehouseError
from tailrace.failpoints import reach
from tailrace.warehouse.base import META, STAGE, TableRef
from tailrace.warehouse.duckdb import sync_folder

KEPT = 2
"""Earlier published files that `publish --rollback` can bring back."""

OF_THE_DATA = ("cursors", "models")
"""Tables of `tailrace_meta` that say how far the data beside them is: they stay with it, whatever else is renewed."""

NEVER = (f"{STAGE}.held__",)
"""What these begin with is copied with the whole file only: keys that tailrace joins with and shows to nobody."""

RESERVE = 8 << 20
"""Bytes that publishing leaves free."""

CHILD = """
import os, shutil, sys
source, target = sys.argv[1:3]
with open(source, "rb") as read, open(target, "xb") as write:
    shutil.copyfileobj(read, write, 8 << 20)
    write.flush()
    os.fsync(write.fileno())
"""


@dataclass(frozen=True)
class Published:
    """Bytes copied; 0 where the published file already had this content."""

    path: Path
    copied: int


def publish(
    work: Path,
    target: Path,
    schemas: tuple[str, ...] = (),
    tables: Sequence[TableRef] = (),
    *,
    keep: int = KEPT,
) -> Published:
    """Copy `work` (closed, checkpointed) over `target`; `schemas` narrows it to these, `tables` and `tailrace_meta`.

    `keep` earlier files stay beside it.
    """
    temporary = _cleared(target)
    _need_space(work, target.parent)
    try:
        if schemas:
            _copy_schemas(work, temporary, (*schemas, META), tables)
        else:
            _copy(work, temporary)
        copied = _rename(temporary, target, keep)
    finally:
        temporary.unlink(missing_ok=True)
    return Published(target, copied)


def publish_meta(work: Path, target: Path, tables: Sequence[TableRef] = ()) -> Published:
    """A gate said no: the published data stays as it was; `tailrace_meta` and the staged `tables` show what happened."""
    temporary = _cleared(target)
    _need_space(target if target.exists() else work, target.parent)
    try:
        if target.exists():
            _copy(target, temporary)
            temporary.chmod(0o644)
        _copy_schemas(work, temporary, (META,), tables, leave=OF_THE_DATA)
        copied = _rename(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return Published(target, copied)


def _cleared(target: Path) -> Path:
    """The name to copy to, free of what a killed run left there.

    Its child may still be copying: into a file that has no name any more, so it can spoil nothing.
    """
    temporary = target.with_name(f".{target.name}.new")
    for left in target.parent.glob(f"{temporary.name}*"):  # DuckDB's write-ahead log and narrowed copies too
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink()
    return temporary


def rollback(target: Path) -> Path:
    """Put the file that was published before the current one back; the current one becomes its successor's place."""
    earlier = _earlier(target, 1)
    if not earlier.exists():
        raise FatalError(f"there is no earlier file beside {target}", "run `tailrace run` to publish one")
    earlier.replace(target)
    for number in range(2, KEPT + 1):
        older = _earlier(target, number)
        if older.exists():
            older.replace(_earlier(target, number - 1))
    sync_folder(target.parent)
    return target


def _earlier(target: Path, number: int) -> Path:
    return target.with_name(f"{target.name}.{number}")


def _copy(source: Path, target: Path) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-S", "-c", CHILD, str(source), str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        raise FatalError(f"cannot publish to {target.parent}: {last}", "free some disk space, then run again")


def _rename(temporary: Path, target: Path, keep: int = KEPT) -> int:
    size = temporary.stat().st_size
    temporary.chmod(0o444)
    reach("publish:before_rename")
    if target.exists() and keep:
        for number in range(keep, 1, -1):
            if _earlier(target, number - 1).exists():
                _earlier(target, number - 1).replace(_earlier(target, number))
        os.link(target, _earlier(target, 1))
    temporary.replace(target)
    sync_folder(target.parent)
    reach("publish:after_rename")
    return size


def _copy_schemas(
    work: Path,
    temporary: Path,
    schemas: tuple[str, ...],
    tables: Sequence[TableRef] = (),
    leave: tuple[str, ...] = (),
) -> None:
    """Tables and views as tables: whole schemas, but those whose names are in `leave`, and single `tables` of others."""
    import duckdb

    with tempfile.TemporaryDirectory(dir=temporary.parent, prefix=f"{temporary.name}-") as folder:
        source = Path(folder) / "source.duckdb"
        _copy(work, source)
        con = duckdb.connect(str(temporary), config={"memory_limit": "512MB", "threads": 2})
        try:
            con.execute(f"ATTACH '{str(source).replace(chr(39), chr(39) * 2)}' AS source (READ_ONLY)")
            for ref in _wanted(con, schemas, tables, leave):
                name = f"{_quoted(ref.schema)}.{_quoted(ref.name)}"
                con.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(ref.schema)}")
                con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM source.{name}")
            con.execute("DETACH source")
            con.execute("CHECKPOINT")
        except duckdb.Error as error:
            raise WarehouseError(
                f"cannot publish {', '.join(schemas)}: {str(error).splitlines()[0]}"
            ) from error
        finally:
            con.close()
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())


def _wanted(
    con: Any, schemas: Sequence[str], tables: Sequence[TableRef], leave: Sequence[str]
) -> list[TableRef]:
    """What of the attached source is copied."""
    rows = con.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'source' ORDER BY ALL"
    ).fetchall()
    there = [TableRef(schema, name) for schema, name in rows]
    return [
        ref
        for ref in there
        if not str(ref).startswith(NEVER)
        and (ref in tables or (ref.schema in schemas and not (ref.schema == META and ref.name in leave)))
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _need_space(source: Path, folder: Path) -> None:
    """Refuse early: a half-written copy would fill the disk for everyone else, too."""
    needed = RESERVE + (source.stat().st_size if source.exists() else 0)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise FatalError(
            f"publishing needs {needed >> 20} MB in {folder}, {free >> 20} MB are free",
            "free some disk space, then run again",
        )
