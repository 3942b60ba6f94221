"""Data tests and unit tests as the manifest has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tailrace.plan.artifacts.ids import Ids, metadata_of
from tailrace.plan.artifacts.nodes import database_of, depends_on, fqn_of, ref_of
from tailrace.project.spec import DataTest, Fixture, UnitTest

_REF = re.compile(r"""\bref\(\s*(?:['"][^'"]+['"]\s*,\s*)?['"]([^'"]+)['"]""")
_SOURCE = re.compile(r"""\bsource\(\s*['"]([^'"]+)['"]\s*,\s*['"]([^'"]+)['"]""")
_CONFIG: Mapping[str, Any] = {
    "enabled": True, "alias": None, "schema": "dbt_test__audit", "database": None, "tags": [], "meta": {}, "group": None,
    "materialized": "test", "severity": "ERROR", "store_failures": None, "store_failures_as": None, "where": None,
    "limit": None, "fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0", "static_analysis": None,
}  # fmt: skip
SCHEMA_SUFFIX = "_dbt_test__audit"


def read_by(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The models and sources that a template names by literals."""
    return list(dict.fromkeys(_REF.findall(text))), list(dict.fromkeys(_SOURCE.findall(text)))


def data_test_of(ids: Ids, test: DataTest, compiled: str = "") -> dict[str, Any]:
    """One data test. `compiled` is its SQL, where it was run."""
    package = ids.package(test.package)
    path = ids.in_package(test.path, test.package)
    refs, sources = _read(test)
    attached = ids.node(test.model) if test.model in ids.graph.nodes else None
    if attached is None and test.source:
        attached = ids.source(*test.source)
    alias = str(test.config.get("alias") or test.name)
    config = {**_CONFIG, **test.config, "tags": list(test.tags)}
    config["severity"] = str(config["severity"]).upper()
    found = {
        "database": database_of(ids),
        "schema": f"{ids.project.target.schema}{SCHEMA_SUFFIX}",
        "name": test.name,
        "resource_type": "test",
        "package_name": package,
        "path": f"{alias}.sql" if test.test else path.partition("/")[2],
        "original_file_path": path,
        "unique_id": ids.data_test(test),
        "fqn": fqn_of(package, path, test.name),
        "alias": alias,
        "checksum": {"name": "none", "checksum": ""},
        "config": config,
        "tags": list(test.tags),
        "description": test.description,
        "columns": {},
        "meta": dict(test.config.get("meta") or {}),
        "group": None,
        "docs": {"show": True, "node_color": None},
        "patch_path": None,
        "build_path": None,
        "unrendered_config": dict(test.config),
        "created_at": ids.graph.now.timestamp(),
        "relation_name": None,
        "raw_code": test.sql or _call(test),
        "doc_blocks": [],
        "language": "sql",
        "refs": [ref_of(name) for name in refs],
        "sources": [list(pair) for pair in sources],
        "metrics": [],
        "functions": [],
        "depends_on": depends_on([*ids.nodes(tuple(refs)), *(ids.source(*pair) for pair in sources)]),
        "compiled_path": None,
        "compiled": bool(compiled),
        "compiled_code": compiled or None,
        "extra_ctes_injected": bool(compiled),
        "extra_ctes": [],
        "contract": {"enforced": False, "alias_types": True, "checksum": None},
    }
    return {**found, **_generic(test, attached)} if test.test else found


def _call(test: DataTest) -> str:
    """How dbt calls a generic test: `{{ dbt_utils.test_at_least_one(...) }}`, and its alias where it has one."""
    namespace, dot, name = test.test.rpartition(".")
    alias = test.config.get("alias")
    config = f'{{{{ config(alias="{alias}") }}}}' if alias else ""
    return f"{{{{ {namespace}{dot}test_{name}(**_dbt_generic_test_kwargs) }}}}{config}"


def _read(test: DataTest) -> tuple[list[str], list[tuple[str, str]]]:
    """What a test reads: its model or source, and what its arguments or its SQL name."""
    text = test.sql or " ".join(str(value) for value in test.kwargs.values())
    refs, sources = read_by(text)
    own = [test.model] if test.model else []
    return list(dict.fromkeys((*own, *refs))), list(
        dict.fromkeys((*([test.source] if test.source else []), *sources))
    )


def _generic(test: DataTest, attached: str | None) -> dict[str, Any]:
    return {
        "column_name": test.column or None,
        "file_key_name": f"models.{test.model}" if test.model else None,
        "attached_node": attached,
        "test_metadata": metadata_of(test),
    }


def unit_test_of(ids: Ids, test: UnitTest) -> dict[str, Any]:
    """One unit test: its fixtures, and the model that it is of."""
    package = ids.package(test.package)
    path = ids.in_package(test.path, test.package)
    return {
        "name": test.name,
        "resource_type": "unit_test",
        "package_name": package,
        "path": path.partition("/")[2],
        "original_file_path": path,
        "unique_id": ids.unit_test(test),
        "fqn": [package, *Path(path).parts[1:-1], test.model, test.name],
        "model": test.model,
        "given": [{"input": fixture.input, **_rows(fixture)} for fixture in test.given],
        "expect": _rows(test.expect),
        "description": test.description,
        "overrides": {
            key: dict(test.overrides.get(key) or {}) for key in ("macros", "vars", "env_vars")
        } if test.overrides else None,
        "depends_on": depends_on(ids.nodes((test.model,))),
        "config": {"tags": list(test.tags), "meta": dict(test.config.get("meta") or {}), "enabled": True},
        "checksum": None,
        "schema": None,
        "created_at": ids.graph.now.timestamp(),
        "versions": None,
        "version": None,
    }  # fmt: skip


def _rows(fixture: Fixture) -> dict[str, Any]:
    if fixture.sql is not None:
        return {"rows": fixture.sql, "format": "sql", "fixture": None}
    return {"rows": [dict(row) for row in fixture.rows], "format": "dict", "fixture": None}
