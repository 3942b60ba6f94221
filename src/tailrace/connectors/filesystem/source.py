"""Files as tables: which are new or changed, and what their rows are called. dlt is not needed, so an idle read is quick."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailrace import interrupts
from tailrace.connectors.filesystem.declaration import form_of
from tailrace.connectors.filesystem.tables import File, rows, tell_columns
from tailrace.connectors.sdk.base import Context, ResourceSpec
from tailrace.connectors.sdk.inline import ROW_KEY, WrongSetting
from tailrace.connectors.sdk.items import Kinds, columns_of, distinct
from tailrace.connectors.sdk.writing import Destination
from tailrace.errors import FatalError, near_miss
from tailrace.records import Checkpoint, Page, Schema, Scope, Type

ROW_FILE = "row_file"
PAGE = 10_000
READING = ("delimiter", "header", "encoding", "null_words", "columns")
"""Options that change what a file's rows are: with others, every file is read again."""


@dataclass(frozen=True)
class Plan:
    """What one read does: the files there are, those of them to read, and names of files that are no more."""

    write: str
    key: tuple[str, ...]
    there: Mapping[str, dict[str, Any]]
    files: tuple[File, ...]
    gone: tuple[str, ...]
    columns: Mapping[str, Type]

    @property
    def keyless(self) -> bool:
        return self.key == (ROW_KEY,)

    @property
    def whole(self) -> bool:
        """Rows of any file may replace those of any other, so that only all files together are the table."""
        return self.write == "replace" and not self.keyless


class Files:
    """One pipeline's files; connector and source in one."""

    def __init__(self, _options: Mapping[str, Any], context: Context) -> None:
        self._context = context
        self._plans: dict[str, tuple[Mapping[str, Any], Plan]] = {}

    def schema(self, resource: ResourceSpec) -> Schema:
        """Of the file that was written last."""
        found = _files(resource, self._context.root)
        _, key = _named_by(resource)
        return _schema(key, self._columns(resource, found[-1:], {}, key))

    def look(self, resource: ResourceSpec) -> None:
        """Whether there are files."""
        _files(resource, self._context.root)

    def infer(self, resource: ResourceSpec, position: Mapping[str, Any] | None) -> Schema:
        plan = self._plan(resource, position or {})
        self._plans[resource.name] = (position or {}, plan)
        return _schema(plan.key, plan.columns)

    def read(
        self,
        resource: ResourceSpec,
        schema: Schema,  # noqa: ARG002 -- the plan has made it
        position: Mapping[str, Any] | None,
    ) -> Iterator[Page | Checkpoint]:
        if self._plans.get(resource.name, (None,))[0] != (position or {}):
            self.infer(resource, position)
        known, plan = self._plans.pop(resource.name)
        following = {
            "columns": dict(plan.columns),
            "key": list(plan.key),
            "write": plan.write,
            "reading": _reading(resource),
        }
        done = dict(known.get("files") or {}) if known.get("reading") == following["reading"] else {}
        done = {name: state for name, state in done.items() if name in plan.there}
        for file in plan.files:
            yield from _pages(file, resource.options, plan, plan.there[file.name])
            done[file.name] = plan.there[file.name]
            if not plan.whole:
                yield Checkpoint({**following, "files": dict(done)}, _scopes(plan, (file.name,)))
        yield Checkpoint({**following, "files": dict(plan.there)}, _last_scopes(plan))

    def account(self) -> str:
        return self._context.connection

    def source(self) -> Files:
        return self

    def destination(self) -> Destination:
        raise FatalError(f"{self._context.connection}: files take nothing back", "sync to a connection")

    def is_sandbox(self) -> bool:
        return False

    def close(self) -> None:
        self._plans.clear()

    def _plan(self, resource: ResourceSpec, known: Mapping[str, Any]) -> Plan:
        write, key = _named_by(resource)
        _refuse_other_key(resource.name, known.get("key"), key)
        found = _files(resource, self._context.root)
        same = known.get("reading") == _reading(resource)
        before = (known.get("files") or {}) if same else {}
        there = {file.name: _state(file, before.get(file.name)) for file in found}
        gone = tuple(name for name in known.get("files") or () if name not in there)
        changed = tuple(file for file in found if _differs(there[file.name], before.get(file.name)))
        whole = write == "replace" and key != (ROW_KEY,)
        if whole and (changed or gone):
            changed = found
        columns = dict(known.get("columns") or {}) if same and not (whole and changed) else {}
        told = self._columns(resource, changed, columns, key)
        return Plan(write, key, there, changed, gone, told)

    def _columns(
        self,
        resource: ResourceSpec,
        files: Sequence[File],
        known: Mapping[str, Type],
        key: tuple[str, ...],
    ) -> dict[str, Type]:
        kinds = Kinds({name: kind for name, kind in known.items() if name not in (ROW_KEY, ROW_FILE)})
        for file in files:
            interrupts.check()
            tell_columns(file, resource.options, kinds)
        types: dict[str, Type] = {**dict.fromkeys(kinds.names(), "text"), **kinds.types()}
        _check_columns(resource, types, key)
        types |= resource.options["columns"] or {}
        ours: dict[str, Type] = {ROW_KEY: "text", ROW_FILE: "text"} if key == (ROW_KEY,) else {}
        return {**ours, **types} if types else {}


def _schema(key: tuple[str, ...], columns: Mapping[str, Type]) -> Schema:
    return Schema(columns_of(columns), key if columns else ())


def _named_by(resource: ResourceSpec) -> tuple[str, tuple[str, ...]]:
    """`write` and what names a row: its key, or a row_key of file and number."""
    key = tuple(resource.options["primary_key"] or ())
    return resource.options["write"] or ("merge" if key else "append"), key or (ROW_KEY,)


def _refuse_other_key(name: str, before: Sequence[str] | None, key: tuple[str, ...]) -> None:
    if before and tuple(before) != key:
        fix = f"drop the tables {name}, {name}__keys, {name}__changes and {name}__raw to land it anew"
        raise FatalError(f"{name}: rows were named by {', '.join(before)}, and now by {', '.join(key)}", fix)


def _files(resource: ResourceSpec, root: Path) -> tuple[File, ...]:
    """Oldest first, so that of two rows with one key the one written last stays."""
    path = resource.options["path"]
    pattern = Path(path).expanduser()
    base = Path(pattern.anchor) if pattern.is_absolute() else root
    relative = pattern.relative_to(pattern.anchor) if pattern.is_absolute() else pattern
    found = [one for one in base.glob(str(relative)) if one.is_file() and not one.name.startswith(".")]
    if not found:
        raise WrongSetting(
            ("resources", resource.name, "path"),
            f"no file is {path}",
            "Mend the path; it starts at the project's folder",
        )
    found.sort(key=lambda one: (one.stat().st_mtime_ns, str(one)))
    return tuple(
        File(one, one.relative_to(root).as_posix() if one.is_relative_to(root) else str(one)) for one in found
    )


def _reading(resource: ResourceSpec) -> str:
    """A short name for how files are read."""
    told = {name: resource.options[name] for name in READING}
    return hashlib.sha256(repr(sorted(told.items())).encode()).hexdigest()[:16]


def _state(file: File, known: Mapping[str, Any] | None) -> dict[str, Any]:
    """Size, time and content; the content is looked at only where size or time are others."""
    stat = file.path.stat()
    state: dict[str, Any] = {"size": stat.st_size, "mtime": stat.st_mtime_ns}
    if known is not None and all(known.get(name) == value for name, value in state.items()):
        return dict(known)
    with file.path.open("rb") as opened:
        state["sha256"] = hashlib.file_digest(opened, "sha256").hexdigest()
    return state


def _differs(state: Mapping[str, Any], known: Mapping[str, Any] | None) -> bool:
    return known is None or state["sha256"] != known.get("sha256")


def _check_columns(resource: ResourceSpec, types: Mapping[str, Type], key: tuple[str, ...]) -> None:
    if not types:
        return
    where = ("resources", resource.name)
    for column in key:
        if key != (ROW_KEY,) and column not in types:
            what = f"the primary key {column} is no column of {resource.options['path']}"
            raise WrongSetting((*where, "primary_key"), what, near_miss(column, list(types)))
    for column in resource.options["columns"] or {}:
        if column not in types and form_of(resource.options["path"]) != "jsonl":
            what = f"{resource.options['path']} has no column {column}"
            raise WrongSetting((*where, "columns", column), what, near_miss(column, list(types)))
    taken = {ROW_KEY, ROW_FILE} & set(types) if key == (ROW_KEY,) else set()
    if taken:
        raise WrongSetting(where, f"the files have a column {min(taken)} of their own", "Name a primary_key")


def _pages(
    file: File, options: Mapping[str, Any], plan: Plan, state: Mapping[str, Any]
) -> Iterator[Page | Checkpoint]:
    named = hashlib.sha256(file.name.encode()).hexdigest()[:16]
    number = 0

    def numbered() -> Iterator[dict[str, Any]]:
        nonlocal number
        for page in rows(file, options):
            interrupts.check()
            for row in page:
                number += 1
                yield {ROW_KEY: f"{named}:{number:09d}", ROW_FILE: file.name, **row} if plan.keyless else row

    for page in distinct(numbered(), plan.key, PAGE):
        yield Page(page)
    after = file.path.stat()
    if (after.st_size, after.st_mtime_ns) != (state["size"], state["mtime"]):
        raise FatalError(f"{file.name} changed while it was read", "run again when it is written")


def _scopes(plan: Plan, names: tuple[str, ...]) -> tuple[Scope, ...]:
    """All rows of these files were shown: what they no longer have is gone."""
    return (Scope({ROW_FILE: names}),) if plan.keyless and names else ()


def _last_scopes(plan: Plan) -> tuple[Scope, ...]:
    if plan.whole:
        return (Scope(),) if plan.files else ()
    return _scopes(plan, plan.gone) if plan.write == "replace" else ()
