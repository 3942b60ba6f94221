"""models/, seeds/ and macros/: the SQL and CSV files, and the YAML that describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tailrace.errors import Diagnostic, Location
from tailrace.project.files import YAML, walk
from tailrace.project.model_config import Config, Layer, folder_layers, read_layer
from tailrace.project.reader import SQL_NAME, Reader, hint
from tailrace.project.spec import EMPTY, ColumnDoc, Marks, ModelFile, SeedFile
from tailrace.project.yaml import read_text, read_yaml

_TEST_KEYS = ("data_tests", "tests", "unit_tests")
DESCRIBED_MODEL_KEYS = ("name", "description", "config", "columns", "tags", "meta")
DESCRIBED_SEED_KEYS = ("name", "description", "config", "tags")
COLUMN_KEYS = ("name", "description", "data_type", "meta", "pii")
SEED_CONFIGS = ("column_types", "tags")
_TOP_FIXES = {
    "sources": "Remove it: source('dataset', 'table') needs no declaration",
    "macros": "Remove it: describe a macro by a comment in its file",
}
_SEED_FIXES = {"event_time": "Remove it: only microbatch models read it, and this release has none"}


@dataclass(frozen=True)
class Described:
    """What a YAML file says of one model or seed."""

    location: Location
    description: str = ""
    config: Layer = field(default_factory=Layer)
    tags: tuple[str, ...] = ()
    columns: tuple[ColumnDoc, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


def read_models(
    root: Path, defaults: Mapping[str, Any], marks: Marks, problems: list[Diagnostic]
) -> tuple[ModelFile, ...]:
    """Every model, configured by its folders (`defaults`, placed by `marks`) and described by the YAML beside it."""
    files = [(path, PurePosixPath(name)) for path, name in walk(root, "models", (".sql",))]
    layers = folder_layers(root, defaults, marks, problems)
    described = _read_descriptions(root, "models", {file.stem for _, file in files}, problems)
    return tuple(_model(path, file, layers, described.get(file.stem), problems) for path, file in files)


def _model(
    path: Path,
    file: PurePosixPath,
    layers: Mapping[tuple[str, ...], Layer],
    about: Described | None,
    problems: list[Diagnostic],
) -> ModelFile:
    _check_name(file, file.stem, "model", problems)
    folders = file.parts[1:-1]
    if folders:
        _check_name(file, folders[0], "schema", problems)
    text = read_text(path, str(file), problems)
    if text is not None and not text.strip():
        problems.append(
            Diagnostic(Location(str(file)), "the file is empty", "Write a SELECT, or remove the file")
        )
    about = about or Described(Location(str(file)))
    inside = (*folders, file.stem)
    config = _add_up(about, *(layers[inside[:n]] for n in range(len(inside) + 1) if inside[:n] in layers))
    return ModelFile(
        name=file.stem,
        path=str(file),
        schema=folders[0] if folders else "main",
        sql=text or "",
        config=config.values,
        description=about.description,
        columns=about.columns,
        tags=config.tags,
        meta=about.meta,
        config_places=config.places,
    )


def read_seeds(root: Path, problems: list[Diagnostic]) -> tuple[SeedFile, ...]:
    """Every CSV under seeds/; it is read when it is built."""
    files = [PurePosixPath(name) for _, name in walk(root, "seeds", (".csv",))]
    described = _read_descriptions(root, "seeds", {file.stem for file in files}, problems)
    seeds = []
    for file in files:
        _check_name(file, file.stem, "seed", problems)
        about = described.get(file.stem) or Described(Location(str(file)))
        config = _add_up(about)
        seeds.append(
            SeedFile(
                file.stem,
                str(file),
                config=config.values,
                description=about.description,
                tags=config.tags,
                config_places=config.places,
            )
        )
    return tuple(seeds)


def read_macros(root: Path, problems: list[Diagnostic]) -> dict[str, str]:
    """Macro files by their path in the project."""
    texts = ((name, read_text(path, name, problems)) for path, name in walk(root, "macros", (".sql",)))
    return {name: text for name, text in texts if text is not None}


def _add_up(about: Described, *layers: Layer) -> Config:
    config = Config()
    for layer in (*layers, about.config, Layer(tags=about.tags)):
        config.add(layer)
    return config


def _check_name(file: PurePosixPath, name: str, what: str, problems: list[Diagnostic]) -> None:
    if not SQL_NAME.match(name):
        fix = "Rename it: letters, digits and _, and no digit first"
        problems.append(Diagnostic(Location(str(file)), f"{name[:60]!r} cannot name a {what}", fix))


def _read_descriptions(
    root: Path, folder: str, names: set[str], problems: list[Diagnostic]
) -> dict[str, Described]:
    """What all the YAML files of a folder say, by model or seed name."""
    found: dict[str, Described] = {}
    for path, file in walk(root, folder, YAML):
        document = read_yaml(path, file, problems)
        if document is None:
            continue
        reader = Reader(document.data, document.marks, problems, "this file")
        _refuse_tests(reader)
        reader.known("version", folder, fixes=_TOP_FIXES, also=_TEST_KEYS)
        if reader.get("version") not in (None, 2):
            reader.problem("version must be the number 2", "Write `version: 2`", "version")
        for index in range(
            len(reader.items(folder, required=not any(key in reader.data for key in _TEST_KEYS)))
        ):
            entry = reader.under(f"a {folder[:-1]}", folder, index)
            name, about = _describe(entry, folder)
            if name and name not in names:
                suffix = "sql" if folder == "models" else "csv"
                entry.problem(
                    f"there is no {folder[:-1]} {name} ({name}.{suffix})", hint(name, sorted(names)), "name"
                )
            elif name in found:
                entry.problem(
                    f"{name} is already described at {found[name].location}", "Remove one of the two", "name"
                )
            elif name:
                found[name] = about
    return found


def _describe(reader: Reader, folder: str) -> tuple[str, Described]:
    _refuse_tests(reader)
    reader.known(*(DESCRIBED_MODEL_KEYS if folder == "models" else DESCRIBED_SEED_KEYS), also=_TEST_KEYS)
    config = Layer()
    if reader.mapping("config"):
        inner = reader.under("config", "config")
        if folder == "seeds":
            inner.known(*SEED_CONFIGS, fixes=_SEED_FIXES)
            for column, kind in inner.mapping("column_types").items():
                if not isinstance(kind, str) or not kind:
                    inner.wrong("column_types", kind, "an SQL type", column)
        config = read_layer(inner)
    name = reader.text("name", required=True)
    described = Described(
        reader.marks.at("name"),
        reader.text("description"),
        config,
        reader.texts("tags"),
        _columns(reader) if folder == "models" else (),
        reader.mapping("meta") if folder == "models" else EMPTY,
    )
    return name, described


def _columns(model: Reader) -> tuple[ColumnDoc, ...]:
    columns: dict[str, ColumnDoc] = {}
    for index in range(len(model.items("columns"))):
        reader = model.under("a column", "columns", index)
        _refuse_tests(reader)
        reader.known(*COLUMN_KEYS, also=_TEST_KEYS)
        column = ColumnDoc(
            reader.text("name", required=True),
            reader.text("description"),
            reader.optional_text("data_type"),
            bool(reader.flag("pii")),
            reader.mapping("meta"),
            reader.marks.at("name"),
        )
        if column.name.casefold() in columns:
            reader.problem(f"column {column.name} is described twice", "Remove one of the two", "name")
        elif column.name:
            columns[column.name.casefold()] = column
    return tuple(columns.values())


def _refuse_tests(reader: Reader) -> None:
    """A test that is written down and not run would be believed."""
    for key in _TEST_KEYS:
        if key in reader.data:
            fix = "Remove them; a suite in expectations/ can check the same"
            reader.key_problem(f"{key} are not run in this release", fix, key)
