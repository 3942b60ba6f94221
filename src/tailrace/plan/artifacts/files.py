"""A JSON file, written whole or not at all, and without the project's secrets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from tailrace.errors import refused_by_system
from tailrace.plan.artifacts.ids import plain


def write_json(path: Path, document: Any, redact: Callable[[str], str]) -> Path:
    """The file's path; FatalError where the system refuses it. `redact` hides secrets in a text."""
    body = orjson.dumps(document, default=plain, option=orjson.OPT_NON_STR_KEYS)
    if redact(body.decode()) != body.decode():
        body = orjson.dumps(_redacted(orjson.loads(body), redact))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(body)
        temporary.replace(path)
    except OSError as error:
        raise refused_by_system(error) from None
    return path


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    """Text by text: a number that looks like a secret stays one, so that the file stays JSON."""
    if isinstance(value, dict):
        return {redact(key): _redacted(inner, redact) for key, inner in value.items()}
    if isinstance(value, list):
        return [_redacted(inner, redact) for inner in value]
    return redact(value) if isinstance(value, str) else value
