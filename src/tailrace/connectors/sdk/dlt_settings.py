"""dlt without its surroundings: no telemetry, no configuration lying about, no working folder that outlives a call."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}


@contextmanager
def dlt_settings(folder: Path, more: Mapping[str, str] | None = None) -> Iterator[None]:
    """For the length of a call, through the environment, which wins over any configuration of dlt's."""
    wanted = {**QUIET, "DLT_DATA_DIR": str(folder), "DLT_PROJECT_DIR": str(folder), **(more or {})}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
