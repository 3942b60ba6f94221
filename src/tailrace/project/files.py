"""The project's files by kind, in a stable order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

YAML = (".yml", ".yaml")


def walk(root: Path, folder: str, suffixes: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """Files under `root/folder` with their names relative to the project, sorted; hidden ones are passed over."""
    found: list[str] = []
    for directory, folders, names in os.walk(os.path.normpath(root / folder)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += (
            f"{directory}/{name}" for name in names if name.endswith(suffixes) and not name.startswith(".")
        )
    base = os.path.normpath(root) + os.sep
    for path in sorted(found):
        name = path[len(base) :] if path.startswith(base) else os.path.relpath(path, base)
        yield Path(path), name
