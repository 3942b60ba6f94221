"""Macros that a unit test overrides: a macro of that name that gives the value, in the place of the one that was there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tailrace.errors import near_miss
from tailrace.project.spec import Project

_CALLED = re.compile(r"([A-Za-z_]\w*)\s*\(")
_PATH = "unit_test_overrides/{}.sql"


def override_problem(project: Project, name: str, model_sql: str) -> tuple[str, str] | None:
    """Why a macro cannot be overridden: nothing that the model may call is called so."""
    package, _, bare = name.rpartition(".")
    if package == "dbt":
        return f"{name} cannot be overridden", f"Override {bare}, and call it so"
    known = {*project.packages, *_folders(project), project.name, project.dbt.name if project.dbt else ""}
    if package and package not in known:
        return f"there is no package {package}", near_miss(package, sorted(known - {""}))
    texts = (model_sql, *project.macros.values())
    if bare and any(re.search(rf"\b{re.escape(bare)}\b", text) for text in texts):
        return None
    called = sorted({found[1] for text in texts for found in _CALLED.finditer(text)})
    return f"nothing calls {name}, so there is nothing to override", near_miss(bare, called)


def overridden(project: Project, macros: Mapping[str, Any], package: str) -> Project:
    """The project with these macros; a bare name is overridden for the templates of `package`."""
    texts, packages = dict(project.macros), dict(project.macro_packages)
    written: dict[str, list[str]] = {}
    for name, value in macros.items():
        owner, _, bare = name.rpartition(".")
        owner = owner or package
        owner = "" if owner in (project.name, project.dbt.name if project.dbt else "") else owner
        taken = re.compile(rf"(\{{%[-+]?\s*macro\s+)({re.escape(bare)})(?=\s*\()")
        for path in project.macros:
            if _package_of(project, path) == owner:
                texts[path] = taken.sub(r"\1overridden_\2", texts[path])
        written.setdefault(owner, []).append(_macro(bare, value))
    for owner, found in written.items():
        path = _PATH.format(owner or "project")
        texts[path], packages[path] = "\n".join(found), owner
    return replace(project, macros=texts, macro_packages=packages)


def _macro(name: str, value: Any) -> str:
    text = json.dumps(value, default=str).replace("\\", "\\\\").replace("'", "\\'")
    takes_anything = "{%- if varargs or kwargs %}{% endif -%}"
    return f"{{% macro {name}() %}}{takes_anything}{{{{ return(fromjson('{text}')) }}}}{{% endmacro %}}"


def _package_of(project: Project, path: str) -> str:
    if path in project.macro_packages:
        return project.macro_packages[path]
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def _folders(project: Project) -> set[str]:
    return {_package_of(project, path) for path in project.macros}
