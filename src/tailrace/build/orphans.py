"""Tables that no model of the project makes any more."""

from __future__ import annotations

from tailrace.build.built import read_built
from tailrace.build.graph import Graph
from tailrace.events import Notice, emit
from tailrace.warehouse.base import Warehouse


def say_orphans(warehouse: Warehouse, graph: Graph) -> None:
    """Tables whose model is gone from the project stay as they are: dropping data is a person's decision."""
    made = [node.table for node in graph.nodes.values() if node.materialized != "ephemeral"]
    owned = {(table.schema.casefold(), table.name.casefold()) for table in made}
    for name, built in sorted(read_built(warehouse).items()):
        if (built.schema.casefold(), built.relation(name).casefold()) in owned:
            continue  # a model of the project makes it
        node = graph.nodes.get(name)
        relation = built.relation(name)
        stands = node is not None and node.materialized != "ephemeral"
        if relation not in warehouse.tables(built.schema):
            continue
        kind = "view" if built.materialized == "view" else "table"
        place = f"{built.schema}.{relation}"
        said = f"{place} has no model any more;"
        if stands and node is not None:
            where = node.schema if node.schema != built.schema else str(node.table)
            said = f"{name} is built in {where} now; {place} is left as it was,"
        elif node is not None:
            said = f"{name} is ephemeral now; {place} is left as it was,"
        emit(Notice("info", f"{said} drop the {kind} if nobody reads it"))
