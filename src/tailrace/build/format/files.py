"""Which files are formatted, and how one is replaced: whole or not at all, its mode, line ends and BOM kept."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tailrace.build.format.template import Unclosed
from tailrace.build.format.text import Refused, format_text
from tailrace.build.static import place
from tailrace.errors import BadInput, Diagnostic, Location, near_miss, refused_by_system
from tailrace.project.files import walk
from tailrace.project.yaml import read_text

FOLDERS = ("models", "macros", "tests", "snapshots")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Formatted:
    """A file that the layout changes: its texts before and after. `name` is relative to the project."""

    name: str
    before: str
    after: str


@dataclass
class Outcome:
    """What was looked at. `problems` are files that cannot be read, `left` those whose meaning would not stay."""

    unchanged: list[str] = field(default_factory=list)
    changed: list[Formatted] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    left: list[Diagnostic] = field(default_factory=list)


def format_files(
    root: Path, paths: Sequence[str], dialect: str, folders: Sequence[str] = FOLDERS, *, write: bool
) -> Outcome:
    """Formats the SQL files of a project's folders, or those that `paths` name; BadInput for a path that is none."""
    root = root.absolute()
    outcome = Outcome()
    seen: set[Path] = set()
    for path, name in _chosen(root, paths, folders):
        real = path.resolve()
        if real not in seen:
            seen.add(real)
            _format_file(root.resolve(), real, name, dialect, outcome, write=write)
    return outcome


def _chosen(root: Path, paths: Sequence[str], folders: Sequence[str]) -> list[tuple[Path, str]]:
    every = [found for folder in folders for found in walk(root, folder, (".sql",))]
    if not paths:
        return every
    return list(dict.fromkeys(found for path in paths for found in _named(root, path, every)))


def _named(root: Path, path: str, every: Sequence[tuple[Path, str]]) -> Iterator[tuple[Path, str]]:
    """The files that one argument means: seen from where the person is, or from the project."""
    there = [at for at in (Path(path).absolute(), root / path) if at.exists()]
    if not there:
        known = sorted({*(name for _, name in every), *(str(Path(name).parent) for _, name in every)})
        raise BadInput(f"{path}: there is no such file or folder", near_miss(path, known))
    found = next((at for at in there if at.resolve().is_relative_to(root.resolve())), None)
    if found is None:
        raise BadInput(f"{path} lies outside of the project", "Name a file of this project, or use --project")
    if found.is_dir():
        yield from walk(root, os.path.relpath(found, root), (".sql",))
        return
    if found.suffix != ".sql":
        raise BadInput(f"{path} is no .sql file", "Only Jinja SQL is formatted")
    yield found, os.path.relpath(found, root)


def _format_file(root: Path, path: Path, name: str, dialect: str, outcome: Outcome, *, write: bool) -> None:
    if not path.is_relative_to(root):
        fix = "Format it where it lives"
        outcome.left.append(
            Diagnostic(Location(name), "the link leads out of the project; it was left alone", fix)
        )
        return
    text = read_text(path, name, outcome.problems)
    if text is None:
        return
    raw = path.read_bytes()
    text = raw.removeprefix(_BOM).decode("utf-8")
    try:
        done = format_text(text, dialect)
    except Unclosed as error:
        outcome.problems.append(Diagnostic(place(name, text, error.offset), error.message, error.fix))
        return
    except Refused as error:
        fix = "It was left alone; put `-- fmt: off` above the part in question"
        outcome.left.append(Diagnostic(Location(name), f"formatting would change its meaning: {error}", fix))
        return
    if done == text:
        outcome.unchanged.append(name)
    elif write and not stat.S_IMODE(path.stat().st_mode) & 0o222:
        outcome.left.append(
            Diagnostic(Location(name), "the file is read-only; it was left alone", "Make it writable")
        )
    else:
        if write:
            _replace(path, (_BOM if raw.startswith(_BOM) else b"") + done.encode("utf-8"))
        outcome.changed.append(Formatted(name, text, done))


def _replace(path: Path, body: bytes) -> None:
    """A reader sees the old file or the new one."""
    mode = stat.S_IMODE(path.stat().st_mode)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with suppress(OSError):
                Path(temporary).unlink()
        raise refused_by_system(error) from None
