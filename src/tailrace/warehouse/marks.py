"""What is told without an engine: whether a file was written, and who writes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """Who opens a warehouse for writing, under the run lock: `owner` names the project and its target."""

    owner: str
    run_id: str
    is_first: bool
    """It has not opened the warehouse before."""


def state_of(work: Path) -> str:
    """Changes whenever DuckDB wrote the file: size and time of the file and of its write-ahead log."""
    marks = []
    for path in (work, work.with_name(work.name + ".wal")):
        if path.exists():
            found = path.stat()
            marks.append(f"{found.st_size}:{found.st_mtime_ns}")
    return hashlib.sha256("|".join(marks).encode()).hexdigest()[:16]
