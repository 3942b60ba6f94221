"""Great Expectations without scipy and altair, which only its distribution tests and their charts use.

A plain import spends half of its time on the two. They are stood for by modules that load the real one
when something of it is used, so that every expectation still works. A fifth of the rest is garbage collection, in vain:
an import makes objects that stay.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

PACKAGE = "great_expectations"
_LATE = ("scipy", "scipy.stats", "altair")


class _Late(ModuleType):
    """A module that is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or sys.modules.get(self.__name__) is self:
            raise AttributeError(f"{self.__name__}.{name} is not loaded yet")
        return getattr(importlib.import_module(self.__name__), name)


def load() -> ModuleType:
    """The package, imported once per process and as cheaply as it allows; it neither reports usage nor logs."""
    if PACKAGE in sys.modules:
        return sys.modules[PACKAGE]
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")
    logging.getLogger(PACKAGE).setLevel(logging.CRITICAL)  # its failures come back as results
    try:
        with _uncollected(), _standing_in():
            return importlib.import_module(PACKAGE)
    except (ImportError, AttributeError):
        # a release that uses one of the two while it loads: slower, but right
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        return importlib.import_module(PACKAGE)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection while the `with` block runs; what it made is never looked through again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


@contextmanager
def _standing_in() -> Iterator[None]:
    """Stand-ins for what is not loaded already, in `sys.modules` only while the `with` block runs."""
    stood = {name: _Late(name) for name in _LATE if name.split(".")[0] not in sys.modules}
    if "scipy" in stood:
        stood["scipy"].stats = stood["scipy.stats"]  # type: ignore[attr-defined]
        stood["scipy"].__path__ = []
    sys.modules.update(stood)
    try:
        yield
    finally:
        for name, module in stood.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
