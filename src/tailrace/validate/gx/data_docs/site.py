"""The site as a folder: written beside the old one, then put in its place."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from tailrace.errors import BadInput
from tailrace.validate.gx import lean
from tailrace.validate.gx.data_docs.masked import masked
from tailrace.validate.gx.data_docs.pages import MARK, index_page, judgement_page, suite_page
from tailrace.validate.gx.data_docs.stored import Judgement, judgements
from tailrace.warehouse.base import Warehouse

RUNS = 30
_STATIC = Path(__file__).with_name("static")


def write_site(
    warehouse: Warehouse,
    folder: Path,
    *,
    project: str,
    runs: int = RUNS,
    personal: Mapping[str, Collection[str]] = MappingProxyType({}),
    redact: Callable[[str], str] = str,
) -> Path:
    """Pages of the last `runs` judgements of every suite in `folder`; gives the index's path.

    `warehouse` may be open for reading only. `personal` are columns in lower case by model, as the project marks them now; what
    was stored before is masked. A folder with anything but an earlier site in it is refused (BadInput).
    """
    refuse_foreign(folder)
    found = [masked(item, personal.get(item.model, ())) for item in judgements(warehouse, runs)]
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        _write(new, found, project, redact)
        _swap(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder / "index.html"


def refuse_foreign(folder: Path) -> None:
    """BadInput for a folder that an earlier site does not fill alone."""
    index = folder / "index.html"
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file", "Name a folder for the pages")
    if (
        folder.is_dir()
        and any(folder.iterdir())
        and not (index.is_file() and MARK in index.read_text("utf-8", "replace"))
    ):
        raise BadInput(
            f"{folder} has other files in it", "Name an empty folder, or one that is not there yet"
        )


def _swap(new: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _write(folder: Path, found: list[Judgement], project: str, redact: Callable[[str], str]) -> None:
    folder.mkdir(parents=True)
    shutil.copytree(_STATIC, folder / "static")
    placed: list[tuple[Judgement, str]] = []
    suites: dict[str, str] = {}
    if not found:
        _put(folder / "index.html", index_page(project, [], {}, redact))
        return
    lean.load()
    from tailrace.validate.gx.data_docs.document import judgement_document, suite_document

    for judgement in found:
        if judgement.suite not in suites:  # the newest comes first
            suites[judgement.suite] = f"expectations/{_file(judgement.suite)}.html"
            _put(
                folder / suites[judgement.suite],
                suite_page(suite_document(judgement), judgement, redact),
            )
        path = f"validations/{_file(judgement.suite)}/{_run_file(judgement)}.html"
        page = judgement_page(judgement_document(judgement), judgement, suites[judgement.suite], redact)
        _put(folder / path, page)
        placed.append((judgement, path))
    _put(folder / "index.html", index_page(project, placed, dict(sorted(suites.items())), redact))


def _file(name: str) -> str:
    """A name as a file's: what is not plain is left out, and a digest keeps two such names apart."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _run_file(judgement: Judgement) -> str:
    return f"{judgement.at:%Y%m%dT%H%M%S}-{_file(judgement.run_id)}"


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
