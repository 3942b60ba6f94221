"""profiles.yml: targets. Only the chosen one is rendered, so a developer needs no secret of production.

In a dbt project it may also lie where dbt looks for it, and is read with dbt's keys and dbt's laxness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

from tailrace.errors import Diagnostic, Location
from tailrace.project.bigquery import BIGQUERY_KEYS, read_settings
from tailrace.project.dbt.lax_yaml import read_lax
from tailrace.project.dbt.profile import (
    ATTACHED_ALSO,
    DBT_KEYS,
    attached_file,
    find_profiles,
    missing_fix,
    refuse_network,
)
from tailrace.project.reader import NAME, SQL_NAME, Reader, hint
from tailrace.project.secrets import wrapped
from tailrace.project.shared_state import STATE_KEYS, shared_state
from tailrace.project.spec import EMPTY, Connection, Marks, Target
from tailrace.project.yaml import read_yaml

FILE = "profiles.yml"
PROFILE_KEYS = ("target", "outputs")
TARGET_KEYS = ("type", "connections", "state")
ATTACHED_KEYS = ("path", "alias")
PUBLISH_KEYS = ("schemas",)
ENGINES = ("duckdb", "bigquery")
ENGINE_KEYS = {
    "duckdb": ("path", "attach", "publish", "settings"),
    "bigquery": BIGQUERY_KEYS,
}
_RESERVED_ALIASES = ("memory", "temp", "system", "main")


def read_target(
    root: Path,
    profile: str,
    profile_place: Location,
    chosen: str | None,
    problems: list[Diagnostic],
    *,
    dbt: bool = False,
) -> Target | None:
    """The chosen target of a profile (default: the profile's own `target:`), or None and diagnostics."""
    profiles = _open(root, profile, problems, dbt)
    if profiles is None:
        return None
    if profile not in profiles.data:
        if profile and profiles.is_mapping:
            message = f"profiles.yml has no profile {profile}"
            problems.append(Diagnostic(profile_place, message, hint(profile, list(profiles.data))))
        return None
    reader = profiles.under(f"profile {profile}", profile)
    reader.known(*PROFILE_KEYS)
    outputs = reader.mapping("outputs", required=True)
    if not outputs and isinstance(reader.data.get("outputs"), Mapping):
        reader.problem(
            "outputs names no target", "Add one: `dev: {type: duckdb, path: warehouse.duckdb}`", "outputs"
        )
    name = _choose(root, reader, chosen, outputs)
    for output in outputs:
        if not dbt or output == name:  # dbt's other targets may be warehouses that only dbt knows
            _check_output(reader, output)
    if name is None or not isinstance(outputs[name], Mapping):
        return None
    if dbt and outputs[name].get("type") not in ENGINES:
        return None
    return _target(root, reader, profile, name)


def _open(root: Path, profile: str, problems: list[Diagnostic], dbt: bool) -> Reader | None:
    path, shown = find_profiles(root) if dbt else (root / FILE, FILE)
    if not path.is_file():
        ours = "Write the profile's targets in it; `tailrace init` shows one"
        fix = missing_fix(profile) if dbt else ours
        problems.append(Diagnostic(Location(FILE), "the file is missing", fix))
        return None
    document = (read_lax if dbt else read_yaml)(path, shown, problems)
    if document is None:
        return None
    return Reader(document.data, document.marks, problems, "profiles.yml", problems if dbt else None)


def _choose(root: Path, reader: Reader, chosen: str | None, outputs: Mapping[str, Any]) -> str | None:
    name = chosen or reader.text("target")
    if reader.lax is not None and not chosen and "{{" in name:
        from tailrace.project.render import Renderer

        name = str(Renderer(root, reader.marks, reader.problems).render(name, ("target",)))
    if not outputs:
        return None
    if not name:
        if len(outputs) == 1:
            return next(iter(outputs))
        reader.problem("target names none of the outputs", f"Add `target:` with one of {', '.join(outputs)}")
        return None
    if name in outputs:
        return name
    place = reader.marks.key("outputs") if chosen else reader.marks.at("target")
    reader.problems.append(Diagnostic(place, f"there is no target {name}", hint(name, list(outputs))))
    return None


def _check_output(profile: Reader, name: str) -> None:
    """What can be seen of any target without rendering it: its engine and its keys."""
    if not NAME.match(name):
        profile.key_problem(
            f"{name[:60]!r} cannot name a target", "Use letters, digits, _ and -", "outputs", name
        )
    reader = profile.under(f"target {name}", "outputs", name)
    if not isinstance(profile.data["outputs"][name], Mapping):
        return
    engine = reader.choice("type", ENGINES, required=True)
    if engine:
        lax = reader.lax is not None
        reader.known(*TARGET_KEYS, *ENGINE_KEYS[engine], also=DBT_KEYS[engine] if lax else ())
    if isinstance(reader.data.get("state"), Mapping):
        reader.under("state", "state").known(*STATE_KEYS)
    for connection in reader.mapping("connections"):
        if not NAME.match(connection):
            fix = "Use letters, digits, _ and -, and no digit first"
            reader.key_problem(
                f"{connection[:60]!r} cannot name a connection", fix, "connections", connection
            )
        inner = reader.under(f"connection {connection}", "connections", connection)
        inner.text("type", required=True)


def _target(root: Path, profile: Reader, profile_name: str, name: str) -> Target:
    from tailrace.project.render import Renderer

    marks = profile.marks.under("outputs", name)
    raw = profile.data["outputs"][name]
    data = Renderer(root, marks, profile.problems).render(raw)
    # What _check_output has said of the type and the keys is not said again.
    reader = Reader(data, marks, profile.problems, f"target {name}", profile.lax)
    engine = raw.get("type") if raw.get("type") in ENGINES else "duckdb"
    path = (profile_name, "outputs", name, "connections")
    found = data.get("connections")
    connections = {}
    for key, options in (found if isinstance(found, Mapping) else {}).items():
        if not isinstance(options, Mapping) or not isinstance(raw["connections"][key].get("type"), str):
            continue
        if isinstance(options["type"], str):
            connections[key] = _connection(reader, key, options, (*path, key))
        else:
            reader.problem("type must be text", "Write the connector's name", "connections", key, "type")
    kind = cast("Literal['duckdb', 'bigquery']", engine)
    target = Target(name, kind, connections, marks, schema=_schema(reader), threads=_threads(reader))
    if reader.mapping("state") or isinstance(reader.data.get("state"), Mapping):
        target = replace(target, state=shared_state(reader, profile_name, name))
    if engine == "duckdb":
        return _duckdb(root, reader, target)
    return replace(target, settings=read_settings(reader, root))


def _schema(reader: Reader) -> str:
    """`schema`, which BigQuery also calls `dataset`."""
    key = "schema" if "schema" in reader.data else "dataset"
    if key not in reader.data:
        return "main"
    return reader.name(key, required=False, sql=True) or "main"


def _threads(reader: Reader) -> int:
    value = reader.data.get("threads", 1)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    if value is not None:
        reader.wrong("threads", value, "a whole number from 1 on")
    return 1


def _connection(reader: Reader, name: str, options: Mapping[str, Any], path: tuple[str, ...]) -> Connection:
    hidden = {key: wrapped(key, value) for key, value in options.items() if key != "type"}
    marks = Marks(reader.marks.file, reader.marks.places, reader.marks.keys)
    return Connection(name, options["type"], hidden, marks, path)


def _duckdb(root: Path, reader: Reader, target: Target) -> Target:
    path = reader.text("path", required=True)
    if path.startswith((":memory:", "md:", "motherduck:")) or "://" in path:
        fix = f"Name a file, such as `path: {reader.what.split()[-1]}.duckdb`: a run publishes it for others to open"
        reader.problem(f"path: {path} is not a file", fix, "path")
    if reader.lax is not None:
        refuse_network(reader)
    attach = _attached(root, reader)
    schemas: tuple[str, ...] = ()
    if reader.mapping("publish"):
        publish = reader.under("publish", "publish")
        publish.known(*PUBLISH_KEYS)
        schemas = publish.texts("schemas")
    settings = reader.mapping("settings")
    for key, value in settings.items():
        if not isinstance(value, str | int | float):
            reader.wrong("settings", value, "text, a number, true or false", key)
    return replace(
        target,
        path=_absolute(root, path),
        attach=attach,
        publish_schemas=schemas,
        settings=settings or EMPTY,
    )


def _attached(root: Path, parent: Reader) -> tuple[Mapping[str, str], ...]:
    """Files to attach; an alias is the file's stem unless one is written, and no two are the same."""
    found: dict[str, Mapping[str, str]] = {}
    for index in range(len(parent.items("attach"))):
        reader = parent.under("an attached file", "attach", index)
        reader.known(*ATTACHED_KEYS, also=ATTACHED_ALSO if parent.lax is not None else ())
        path = reader.text("path", required=True)
        if parent.lax is not None:
            path = attached_file(reader, path)
        alias = reader.text("alias", Path(path).stem)
        taken = alias.casefold() in _RESERVED_ALIASES or alias.casefold() in found
        if path and (taken or not SQL_NAME.match(alias)):
            fix = "Write an alias of letters, digits and _ that no other file has"
            reader.problem(f"{alias!r} cannot name an attached file", fix, "alias")
        found[alias.casefold()] = {"path": str(_absolute(root, path)), "alias": alias}
    return tuple(found.values())


def _absolute(root: Path, path: str) -> Path:
    return (root / Path(path).expanduser()).absolute()
