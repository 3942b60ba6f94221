"""`schema`: JSON Schemas of the project's files, on stdout or as files that an editor can be pointed at."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from tailrace.cli.frame import Frame
from tailrace.errors import BadInput, Diagnostic, ProjectError, near_miss
from tailrace.plan.json_schema import FILES, Known, json_schema
from tailrace.project.profiles import read_target
from tailrace.project.toml import FILE, read_settings


def show_schema(frame: Frame, kind: str | None, out: str | None) -> None:
    """One kind's schema, or a document of all by kind; with `out`, files and how to register them."""
    if kind is not None and kind not in FILES:
        raise BadInput(f"there is no kind of file {kind}", near_miss(kind, list(FILES)))
    known = known_of(frame)
    made = {name: json_schema(name, known) for name in ([kind] if kind else FILES)}
    if out is None:
        click.echo(json.dumps(made[kind] if kind else made, indent=2, ensure_ascii=False))
        return
    files = _write(Path(out), made)
    frame.document(
        {"status": "ok", "project": known is not None, "files": [str(file) for file in files.values()]}
    )
    frame.say(f"wrote {', '.join(file.name for file in files.values())} to {out}")
    _say_how(frame, files)


def known_of(frame: Frame) -> Known | None:
    """What narrows the schemas; None where there is no project, or its profile cannot be read at the moment.

    The rest of the project is not looked at: it is while its files are broken that a person wants their schema.
    """
    root = Path(frame.project).absolute()
    problems: list[Diagnostic] = []
    settings = read_settings(root, problems)
    if settings is None:
        if frame.project != "." or ((root / FILE).is_file() and frame.target):
            raise ProjectError(problems)
        return None
    target = read_target(root, settings.profile, settings.marks.at("profile"), frame.target, problems)
    if target is None:
        if frame.target:
            raise ProjectError(problems)
        click.echo("warning: profiles.yml cannot be read, so the schemas are those of any project", err=True)
        return None
    return Known(settings.profile, {one.name: one.type for one in target.connections.values()})


def _write(folder: Path, made: dict[str, Any]) -> dict[str, Path]:
    files = {name: folder / f"{name}.schema.json" for name in made}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in files.items():
            file.write_text(json.dumps(made[name], indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {folder}: {error.strerror}", "choose another folder") from error
    return files


def _say_how(frame: Frame, files: dict[str, Path]) -> None:
    """A comment that yaml-language-server reads, and VS Code's settings; paths start at the project."""
    root = Path(frame.project).absolute()
    paths = {name: os.path.relpath(file, root).replace(os.sep, "/") for name, file in files.items()}
    yaml = {f"./{path}": FILES[name] for name, path in paths.items() if name != "pyproject"}
    if "pipelines" in paths:
        frame.say("\nin one file, as its first line (yaml-language-server):")
        frame.say(f"  # yaml-language-server: $schema=../{paths['pipelines']}")
    settings: dict[str, Any] = {"yaml.schemas": yaml} if yaml else {}
    if "pyproject" in paths:
        settings["evenBetterToml.schema.associations"] = {
            "pyproject\\.toml$": files["pyproject"].absolute().as_uri()
        }
    frame.say("\nfor all files, in .vscode/settings.json:")
    for line in json.dumps(settings, indent=2).splitlines():
        frame.say(f"  {line}")
