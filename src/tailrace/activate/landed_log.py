"""Whether the landed change log of a sync's object has grown since the sync last looked: where it is far away, looking is billed."""

from __future__ import annotations

from tailrace.activate.result import Landed, Scope
from tailrace.warehouse.base import Warehouse
from tailrace.warehouse.landed import landed_versions
from tailrace.warehouse.stage import note, noted


def is_new(warehouse: Warehouse, scope: Scope, landed: Landed) -> bool:
    """True where nobody can tell, and where looking costs nothing."""
    if warehouse.engine == "duckdb":
        return True
    version = _version(warehouse, landed)
    return not version or noted(warehouse, _name(scope)) != version


def looked(warehouse: Warehouse, scope: Scope, landed: Landed | None) -> None:
    """Everything that the log says now has been acted upon; behind the transaction that did."""
    if landed is not None and warehouse.engine != "duckdb" and (version := _version(warehouse, landed)):
        note(warehouse, _name(scope), version)


def _version(warehouse: Warehouse, landed: Landed) -> str:
    found = landed_versions(warehouse).get(str(landed.table).casefold())
    return str(found.logged) if found else ""


def _name(scope: Scope) -> str:
    return f"log|{scope.account}|{scope.object}|{scope.sync}"
