"""How a configuration adds up: defaults per folder, then the YAML's; `pre-hook` and `+tags` are read as `pre_hook` and `tags`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tailrace.errors import Diagnostic, Location
from tailrace.project.reader import Reader, hint
from tailrace.project.spec import Marks

# Configurations that are mappings themselves, in dbt's words; any other table under [tool.tailrace.models] is a folder.
_MAPPING_CONFIGS = ("meta", "labels", "contract", "grants", "partition_by")
_MERGED = ("meta", "docs", "contract", "quoting", "column_types")
_LISTED = ("pre_hook", "post_hook", "packages")

Layers = Mapping[tuple[str, ...], "Layer"]


@dataclass(frozen=True)
class Layer:
    """One place's configuration: its values, where each was written, its tags."""

    values: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Location] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


@dataclass
class Config:
    """Layers added up from the outermost folder inwards, as dbt does: tags and hooks add, meta and its like merge, the rest overrides."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Location] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    def add(self, layer: Layer) -> None:
        for key, value in layer.values.items():
            before = self.values.get(key)
            if key in _LISTED:
                self.values[key] = [*_listed(before), *_listed(value)]
            elif key in _MERGED and isinstance(value, Mapping) and isinstance(before, Mapping):
                self.values[key] = {**before, **value}
            else:
                self.values[key] = value
        self.places.update(layer.places)
        if layer.tags:
            self.tags = tuple(dict.fromkeys(self.tags + layer.tags))
        if self.tags:
            self.values["tags"] = list(self.tags)

    def overriding(self) -> dict[str, Any]:
        """The values that replace others: what adds up or merges is not among them."""
        return {key: value for key, value in self.values.items() if key not in (*_MERGED, *_LISTED, "tags")}


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def read_layer(reader: Reader, keys: Mapping[str, Any] | None = None) -> Layer:
    """A `config:` mapping (or those `keys` of it) as a layer."""
    values: dict[str, Any] = {}
    places: dict[str, Location] = {}
    tags: tuple[str, ...] = ()
    for key, value in (reader.data if keys is None else keys).items():
        name = key if reader.lax is None else key.lstrip("+ ")
        name = name.replace("-", "_") if name in ("pre-hook", "post-hook") else name
        if reader.lax is not None and value is None:
            continue
        values[name], places[name] = value, reader.marks.key(key)
        if name == "tags":
            tags = reader.texts(key)
    return Layer(values, places, tags)


def along(layers: Layers, path: tuple[str, ...]) -> list[Layer]:
    """The layers of every folder on the way to `path`, the outermost first."""
    return [layers[path[:n]] for n in range(len(path) + 1) if path[:n] in layers]


def folder_layers(
    root: Path,
    defaults: Mapping[str, Any],
    marks: Marks,
    problems: list[Diagnostic],
    packages: Collection[str],
) -> dict[tuple[str, ...], Layer]:
    """The layer of each folder under models/, of single models by folder and name, and of the packages' under their names."""
    layers: dict[tuple[str, ...], Layer] = {}
    reader = Reader(defaults, marks, problems, "[tool.tailrace.models]")
    _read_folder(root / "models", (), reader, layers, packages)
    return layers


def _read_folder(
    folder: Path,
    path: tuple[str, ...],
    reader: Reader,
    layers: dict[tuple[str, ...], Layer],
    packages: Collection[str],
) -> None:
    values: dict[str, Any] = {}
    for key, value in reader.data.items():
        inner = folder / key
        within = (not path and key in packages) or (path and path[0] in packages)
        if not isinstance(value, Mapping):
            values[key] = value
        elif inner.is_dir() or inner.with_name(key + ".sql").is_file():
            below = reader.under(f"[tool.tailrace.models] {'/'.join((*path, key))}", key)
            _read_folder(inner, (*path, key), below, layers, packages)
        elif key in _MAPPING_CONFIGS:
            values[key] = value
        elif within:
            below = reader.under(f"[tool.tailrace.models] {'/'.join((*path, key))}", key)
            _read_folder(inner, (*path, key), below, layers, packages)
        else:
            names = [entry.stem for entry in folder.iterdir()] if folder.is_dir() else []
            shown = "/".join(("models", *path, key))
            reader.key_problem(f"{shown} is neither a folder nor a model", hint(key, names), key)
    layers[path] = read_layer(reader, values)
