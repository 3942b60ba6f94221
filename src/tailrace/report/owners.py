"""Whose job a check is: its own owner, its suite's, its model's."""

from __future__ import annotations

from collections.abc import Mapping

from tailrace.project.spec import ModelFile, Project, SeedFile
from tailrace.project.spec import Suite as Declared


def written_owner(declared: Declared, position: int, kind: str) -> str:
    """An expectation's own owner, as the suite's file says it now."""
    found = [item.owner for item in declared.expectations if item.index == position and item.type == kind]
    return found[0] if found else ""


def owner_of_model(project: Project, name: str) -> str:
    """`meta: {owner: ...}` of the model's YAML: a name, or dbt's mapping of name and email."""
    files: tuple[ModelFile | SeedFile, ...] = (*project.models, *project.seeds)
    for file in files:
        if file.name != name:
            continue
        config = file.config.get("meta")
        for meta in (file.meta, config if isinstance(config, Mapping) else {}):
            owner = meta.get("owner")
            if isinstance(owner, Mapping):
                owner = owner.get("name") or owner.get("email")
            if owner:
                return str(owner)
    return ""
