"""Keeps pandas out of a process that does not use it: both DuckDB and pyarrow import it only to look whether it is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any


class _Hidden(MetaPathFinder):
    def find_spec(self, fullname: str, _path: Any = None, _target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is hidden for this call", name=fullname)


@contextmanager
def without_pandas() -> Iterator[None]:
    """For calls that import pandas (0.3 CPU s, 60 MB) merely to compare types: DuckDB's with parameters, pyarrow's first.

    Both ask again when they need it, so nothing is broken for who imports pandas later; where it is loaded, nothing is hidden.
    """
    if "pandas" in sys.modules:
        yield
        return
    finder = _Hidden()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
