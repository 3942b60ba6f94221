"""A JSON file, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

from tailrace.errors import refused_by_system
from tailrace.plan.artifacts.ids import plain


def write_json(path: Path, document: Any) -> Path:
    """The file's path; FatalError where the system refuses it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(orjson.dumps(document, default=plain, option=orjson.OPT_NON_STR_KEYS))
        temporary.replace(path)
    except OSError as error:
        raise refused_by_system(error) from None
    return path
