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
_UNUSED = ("sqlalchemy_bigquery", "google.cloud", "google.api_core", "google.auth", "google.oauth2")
"""What the package imports where it finds it, and uses on BigQuery alone, where our own dialect brings it."""


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
            return _silent(importlib.import_module(PACKAGE))
    except (ImportError, AttributeError):
        # a release that uses one of the two while it loads: slower, but right
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        return _silent(importlib.import_module(PACKAGE))


def _silent(package: ModuleType) -> ModuleType:
    """Without its progress bars: some of its metrics show them whatever the context says, and each starts a thread that watches it."""
    from great_expectations.validator import validation_graph

    class NoBar(validation_graph.tqdm):  # type: ignore[misc, name-defined]
        monitor_interval = 0

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})

    validation_graph.tqdm = NoBar  # type: ignore[attr-defined]
    return package


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
    late = {name: _Late(name) for name in _LATE if name.split(".")[0] not in sys.modules}
    if "scipy" in late:
        late["scipy"].stats = late["scipy.stats"]  # type: ignore[attr-defined]
        late["scipy"].__path__ = []
    stood: dict[str, Any] = {**late, **{name: None for name in _UNUSED if name not in sys.modules}}
    sys.modules.update(stood)
    try:
        yield
    finally:
        for name, module in stood.items():
            if sys.modules.get(name) is module:
                sys.modules.pop(name, None)
