"""ref() and source() follow a model that is renamed, moved to another schema or read from another target; a fixed name does not."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tailrace.build.lint.subject import Found, Subject, start_of
from tailrace.build.lint.template import is_jinja


def check(model: Subject) -> Iterator[Found]:
    if not model.written:
        return  # the compiled SQL holds what ref() became
    for table in model.tree.find_all(exp.Table):
        if not table.db or table.catalog or is_jinja(table.db) or is_jinja(table.name):
            continue
        written = f"{table.db}.{table.name}"
        call = _call(model, table.db.casefold(), table.name.casefold())
        if call:
            yield Found(f"{written} is written as a fixed name", f"Write {{{{ {call} }}}}", start_of(table))


def _call(model: Subject, schema: str, name: str) -> str:
    """What to write for a table that the project knows."""
    for node in model.graph.nodes.values():
        if (node.table.schema.casefold(), node.table.name.casefold()) == (schema, name):
            return f"ref('{node.name}')"
    for source in model.project.sources:
        if (source.schema.casefold(), source.identifier.casefold()) == (schema, name):
            return f"source('{source.source}', '{source.name}')"
    for pipeline in model.project.pipelines:
        for resource in pipeline.resources:
            if (pipeline.dataset.casefold(), resource.name.casefold()) == (schema, name):
                return f"source('{pipeline.dataset}', '{resource.name}')"
    return ""
