"""packages.yml and dependencies.yml: which packages a project asks for. Nothing is downloaded; local ones are read where they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailrace.errors import Location
from tailrace.project.dbt.lax_yaml import read_lax
from tailrace.project.dbt.origin import Origin
from tailrace.project.dbt.origins import PACKAGE_FILES
from tailrace.project.reader import Reader

PACKAGE_KEYS = ("package", "git", "local", "tarball", "private")
_BESIDE = (
    "version", "revision", "subdirectory", "name", "warn-unpinned", "warn_unpinned", "install_prerelease",
    "install-prerelease", "provider", "unrendered",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One package that is asked for: the folder of a local one, else the name that it is most likely to have."""

    location: Location
    name: str = ""
    local: Path | None = None
    sure: bool = True


def asked_for(origin: Origin) -> Iterator[Asked]:
    """The packages that a project or package names."""
    problems = origin.templates.problems
    for name in PACKAGE_FILES:
        if not (origin.root / name).is_file():
            continue
        document = read_lax(origin.root / name, origin.show(name), problems)
        if document is None or document.data is None:
            continue
        data = document.data
        if document.templated and name == PACKAGE_FILES[0]:
            data = origin.templates.render(data, document.marks)
        reader = Reader(data, document.marks, problems, name, problems)
        reader.known("packages", "projects")
        if reader.data.get("projects"):
            fix = "Put the other project under packages/, whole"
            reader.key_problem("projects of dbt's platform are not read", fix, "projects")
        for index in range(len(reader.items("packages"))):
            asked = _asked(reader.under("a package", "packages", index), origin)
            if asked is not None:
                yield asked


def _asked(reader: Reader, origin: Origin) -> Asked | None:
    if not reader.is_mapping:
        return None
    reader.known(*PACKAGE_KEYS, *_BESIDE)
    kind = next((key for key in PACKAGE_KEYS if reader.data.get(key)), "")
    if not kind:
        fix = f"Write one of {', '.join(PACKAGE_KEYS)}"
        reader.problem("a package needs to say where it comes from", fix)
        return None
    place = reader.marks.at(kind)
    said = reader.text(kind)
    if kind == "local":
        return Asked(place, local=origin.root / said) if said else None
    return Asked(place, _name(reader.data, kind, said), sure=kind == "package")


def _name(data: Mapping[str, Any], kind: str, said: str) -> str:
    """The last word of its address: dbt's hub calls packages so, repositories mostly."""
    if kind == "tarball" and isinstance(data.get("name"), str):
        return str(data["name"])
    whole = str(data.get("subdirectory") or said)
    last = re.split(r"[/:]", whole.rstrip("/"))[-1].removesuffix(".git")
    return last.replace("-", "_")
