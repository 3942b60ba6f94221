"""The project's files by kind, in a stable order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

YAML = (".yml", ".yaml")


def walk(root: Path, folder: str, suffixes: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """Files under `root/folder` with their names relative to the project, sorted; hidden ones are passed over."""
    found: list[str] = []
    for directory, folders, names in os.walk(root / folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += (
            f"{directory}/{name}" for name in names if name.endswith(suffixes) and not name.startswith(".")
        )
    for path in sorted(found):
        yield Path(path), Path(path).relative_to(root).as_posix()
