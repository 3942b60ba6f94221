"""Finds connectors by file name under tailrace.connectors: there is no list to add a vendor to."""

from __future__ import annotations

import importlib
import pkgutil

from tailrace import connectors
from tailrace.connectors.sdk.base import Declaration


def known() -> list[str]:
    """The type names that a connection may have, sorted."""
    return sorted(found.name for found in pkgutil.iter_modules(connectors.__path__) if _is_vendor(found.name))


def declaration(type_name: str) -> Declaration | None:
    """What the connector of that name declares; None where there is no such file."""
    if type_name not in known():
        return None
    module = importlib.import_module(f"{connectors.__name__}.{type_name}")
    found = module.DECLARATION
    if not isinstance(found, Declaration):
        raise TypeError(f"{module.__name__}.DECLARATION is not a Declaration")
    return found


def _is_vendor(name: str) -> bool:
    return name != "sdk" and not name.startswith("_")
