"""Macros and docs blocks as the manifest has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tailrace.plan.artifacts.ids import Ids

_MACRO = re.compile(
    r"\{%-?\s*(?P<kind>macro|test)\s+(?P<name>\w+)\s*\(.*?\{%-?\s*end(?P=kind)\s*-?%\}", re.DOTALL
)


def macros_of(ids: Ids) -> Iterator[dict[str, Any]]:
    """Every macro and generic test of the project and its packages; those of dbt itself are tailrace's own code."""
    for path, text in ids.project.macros.items():
        package = ids.project.macro_packages.get(path, "")
        for found in _MACRO.finditer(text):
            name = found["name"] if found["kind"] == "macro" else f"test_{found['name']}"
            yield {
                "name": name,
                "resource_type": "macro",
                "package_name": ids.package(package),
                "path": ids.in_package(path, package),
                "original_file_path": ids.in_package(path, package),
                "unique_id": f"macro.{ids.package(package)}.{name}",
                "macro_sql": found[0],
                "depends_on": {"macros": []},
                "description": "",
                "meta": {},
                "docs": {"show": True, "node_color": None},
                "patch_path": None,
                "arguments": [],
                "created_at": ids.graph.now.timestamp(),
                "supported_languages": None,
            }


def docs_of(ids: Ids) -> Iterator[dict[str, Any]]:
    """Every docs block."""
    for (package, name), text in ids.project.docs.items():
        yield {
            "name": name,
            "resource_type": "doc",
            "package_name": ids.package(package),
            "path": "",
            "original_file_path": "",
            "unique_id": f"doc.{ids.package(package)}.{name}",
            "block_contents": text,
        }
