"""One text to render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Unit:
    """A template of `path`, `line` lines below the file's first. `package` is "" for the project's own; `names` it sees besides."""

    path: str
    text: str
    package: str = ""
    line: int = 0
    names: Mapping[str, Any] = field(default_factory=dict)
