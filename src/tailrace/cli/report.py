"""`tailrace report`: the published file's validations as one page."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace import __version__
from tailrace.cli.frame import Frame
from tailrace.cli.history import published
from tailrace.cli.render import size
from tailrace.errors import BadInput, FatalError, TailraceError, refused_by_system

if TYPE_CHECKING:
    from tailrace.project.spec import Project
    from tailrace.warehouse.duckdb import DuckDBWarehouse

NAME = "report.html"
HEAD = 2000
"""Characters of a file in which a page of ours says that it is one."""


def write_report(frame: Frame, output: str | None, run_id: str, data_docs: str | None) -> None:
    """Write the page, say its verdict; with --json the document holds all that is on it."""
    from tailrace.report.document import as_json
    from tailrace.report.facts import read_report
    from tailrace.report.local import read_local
    from tailrace.report.page import render

    project = frame.load()
    path = Path(output) if output else project.root / NAME
    _may_be_written(path)
    if data_docs:
        _refuse_foreign(data_docs)
    shown = output or NAME
    local = read_local(project.target, project.state_dir)
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    with published(project) as warehouse:
        found = read_report(warehouse, project, version=__version__, now=now, run_id=run_id, local=local)
        page = render(found, frame.shield.redact).encode()
        _write(path, page)
        docs = _data_docs(frame, warehouse, project, data_docs, shown)
    if frame.as_json:
        frame.document({"file": shown, "bytes": len(page), "data_docs": docs, **as_json(found)})
    frame.say(found.sentence)
    frame.say(f"{shown}: {size(len(page))}")
    if docs:
        frame.say(f"{docs}: Great Expectations' Data Docs")


def _refuse_foreign(folder: str) -> None:
    """Before the report is written: a wrong argument changes nothing."""
    from tailrace.validate.gx.data_docs import refuse_foreign

    refuse_foreign(Path(folder))


def _data_docs(
    frame: Frame, warehouse: DuckDBWarehouse, project: Project, folder: str | None, report: str
) -> str | None:
    """Great Expectations' own pages of the same judgements, where they were asked for: their front page.

    Whatever the package fails at is one line: the report has been written.
    """
    if folder is None:
        return None
    from tailrace.report.known import personal_of
    from tailrace.validate.gx.data_docs import write_site

    personal = personal_of(project)
    redact = frame.shield.redact
    try:
        site = write_site(warehouse, Path(folder), project=project.name, personal=personal, redact=redact)
    except OSError as error:
        raise refused_by_system(error) from error
    except TailraceError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}".partition("\n")[0][:200]
        why = f"{report} is written, but Great Expectations cannot write its Data Docs ({what})"
        raise FatalError(why, "use the report, or leave --data-docs out") from error
    return str(site)


def _may_be_written(path: Path) -> None:
    """Only a page of an earlier call is replaced."""
    from tailrace.report.page import MARK

    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is no file", "name one: --output report.html")
    if path.exists() or path.is_symlink():
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                ours = MARK in file.read(HEAD)
        except OSError as error:
            raise refused_by_system(error) from error
        if not ours:
            raise BadInput(f"{path} is there and is no report of tailrace", "choose another --output")


def _write(path: Path, page: bytes) -> None:
    """The whole page or none of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(page)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise refused_by_system(error) from error
