"""dbt_project.yml: names, folders, config trees, variables. Every key that dbt documents is known, any other one is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tailrace.errors import Diagnostic
from tailrace.project.dbt.lax_yaml import read_lax
from tailrace.project.dbt.origin import Paths
from tailrace.project.dbt.templates import YamlTemplates
from tailrace.project.model_config import Layer, Layers, read_layer
from tailrace.project.reader import SQL_NAME, Reader, hint
from tailrace.project.spec import Marks

FILE = "dbt_project.yml"
PATH_KEYS = {
    "model-paths": "models",
    "seed-paths": "seeds",
    "snapshot-paths": "snapshots",
    "macro-paths": "macros",
    "test-paths": "tests",
    "analysis-paths": "analyses",
    "docs-paths": "docs",
    "source-paths": "models",
    "data-paths": "seeds",
}
TREE_KEYS = (
    "models", "seeds", "snapshots", "tests", "data_tests", "sources", "exposures", "unit_tests",
)  # fmt: skip
_READ = (
    "name", "profile", "version", "config-version", "vars", "dispatch", "on-run-start", "on-run-end",
    "packages-install-path",
)  # fmt: skip
UNUSED_KEYS = (
    "analyses", "asset-paths", "clean-targets", "dbt-cloud", "flags", "function-paths", "functions", "log-path", "metrics",
    "modules-path", "packages", "query-comment", "quoting", "require-dbt-version", "restrict-access", "saved-queries",
    "selectors", "semantic-models", "target-path",
)  # fmt: skip
"""Known and without a meaning here: what dbt writes where, and what its other programs read."""
_HOOKS = frozenset(("pre-hook", "post-hook", "pre_hook", "post_hook"))


@dataclass(frozen=True)
class ProjectFile:
    """What one dbt_project.yml says; its texts are rendered but for hooks and variables."""

    name: str
    marks: Marks
    version: str
    paths: Paths
    trees: Mapping[str, Layers]
    vars: Mapping[str, Any]
    dispatch: Mapping[str, tuple[str, ...]]
    on_run_start: tuple[str, ...]
    on_run_end: tuple[str, ...]
    installed: tuple[str, ...]

    def variables(self) -> dict[str, Any]:
        """Its variables as it sees them itself: those under its own name come first."""
        own = self.vars.get(self.name)
        return {**self.vars, **(own if isinstance(own, Mapping) else {})}


def open_project_file(
    root: Path, shown: str, problems: list[Diagnostic], lax: list[Diagnostic]
) -> Reader | None:
    """The file as it is written, its keys checked; None where it cannot be read."""
    document = read_lax(root / FILE, shown, problems)
    if document is None:
        return None
    reader = Reader(document.data, document.marks, problems, FILE, lax)
    known = (*_READ, *PATH_KEYS, *TREE_KEYS, *UNUSED_KEYS)
    for key in reader.data:
        if key not in known:
            place = reader.marks.key(key)
            lax.append(Diagnostic(place, f"{FILE} has no key {key}", hint(key, known)))
    if reader.get("config-version") not in (None, 2):
        reader.problem(
            "config-version must be 2", "dbt's first format is not read: dbt itself left it", "config-version"
        )
    if "tests" in reader.data and "data_tests" in reader.data:
        reader.key_problem("tests and data_tests are one key by two names", "Keep data_tests", "tests")
    return reader


def read_project_file(reader: Reader, templates: YamlTemplates) -> ProjectFile:
    """What the file says, rendered."""
    vars_ = reader.mapping("vars")
    hooks = [_texts(reader, key) for key in ("on-run-start", "on-run-end")]
    skipped = frozenset((*_HOOKS, "vars", "on-run-start", "on-run-end", "query-comment", *UNUSED_KEYS))
    data = templates.render(reader.data, reader.marks, skipped)
    rendered = Reader(data, reader.marks, reader.problems, FILE, reader.lax)
    name = rendered.text("name", required=True)
    if name and not SQL_NAME.match(name):
        rendered.problem(f"name: {name[:60]!r} is not a name", "Use letters, digits and _", "name")
    version = rendered.get("version")
    trees = {key: _layers(rendered, key) for key in TREE_KEYS if rendered.mapping(key)}
    if "tests" in trees:
        trees["data_tests"] = trees.pop("tests")
    return ProjectFile(
        name=name,
        marks=reader.marks,
        version="" if version is None else str(version),
        paths=_paths(rendered),
        trees=trees,
        vars=vars_,
        dispatch=_dispatch(rendered),
        on_run_start=hooks[0],
        on_run_end=hooks[1],
        installed=("packages", rendered.text("packages-install-path", "dbt_packages")),
    )


def _texts(reader: Reader, key: str) -> tuple[str, ...]:
    return tuple(text for text in reader.texts(key) if text.strip())


def _paths(reader: Reader) -> Paths:
    paths = Paths()
    for key, kind in PATH_KEYS.items():
        if key in reader.data:
            paths = replace(paths, **{kind: reader.texts(key)})
    everything = (
        paths.models, paths.seeds, paths.snapshots, paths.macros, paths.tests, paths.analyses,
    )  # fmt: skip
    return paths if paths.docs else replace(paths, docs=tuple(dict.fromkeys(sum(everything, ()))))


def _dispatch(reader: Reader) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for index in range(len(reader.items("dispatch"))):
        entry = reader.under("an entry of dispatch", "dispatch", index)
        entry.known("macro_namespace", "search_order")
        space = entry.text("macro_namespace", required=True)
        entry.get("search_order", required=True)
        found[space] = entry.texts("search_order")
    return found


def _layers(reader: Reader, key: str) -> dict[tuple[str, ...], Layer]:
    layers: dict[tuple[str, ...], Layer] = {}
    _read_tree((), reader.under(f"{key} of {FILE}", key), layers)
    return layers


def _read_tree(path: tuple[str, ...], reader: Reader, layers: dict[tuple[str, ...], Layer]) -> None:
    """Keys with a + and keys whose value is no mapping configure; the others are folders, as dbt has it."""
    values = {}
    for key, value in reader.data.items():
        if key.startswith("+") or not isinstance(value, Mapping):
            values[key] = value
        else:
            _read_tree((*path, key), reader.under(f"{reader.what}: {key}", key), layers)
    if values:
        layers[path] = read_layer(reader, values)
