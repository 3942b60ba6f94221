"""How a model's configuration adds up: defaults per folder of `[tool.tailrace.models]`, then its YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tailrace.errors import Diagnostic, Location
from tailrace.project.reader import Reader, hint
from tailrace.project.spec import Marks

# Configurations that are mappings themselves, in dbt's words; any other table under [tool.tailrace.models] is a folder.
_MAPPING_CONFIGS = ("meta", "labels", "contract", "grants", "partition_by")


@dataclass(frozen=True)
class Layer:
    """One place's configuration: its values, where each was written, its tags."""

    values: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Location] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


@dataclass
class Config:
    """Layers added up from the outermost folder inwards: tags add, meta merges, the rest overrides."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Location] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    def add(self, layer: Layer) -> None:
        for key, value in layer.values.items():
            both = key == "meta" and isinstance(value, Mapping) and isinstance(self.values.get(key), Mapping)
            self.values[key] = {**self.values[key], **value} if both else value
        self.places.update(layer.places)
        if layer.tags:
            self.tags = tuple(dict.fromkeys(self.tags + layer.tags))
            self.values["tags"] = list(self.tags)


def read_layer(reader: Reader, keys: Mapping[str, Any] | None = None) -> Layer:
    """A `config:` mapping (or those `keys` of it) as a layer."""
    values = reader.data if keys is None else keys
    places = {key: reader.marks.key(key) for key in values}
    return Layer(values, places, reader.texts("tags") if "tags" in values else ())


def folder_layers(
    root: Path, defaults: Mapping[str, Any], marks: Marks, problems: list[Diagnostic]
) -> dict[tuple[str, ...], Layer]:
    """The layer of each folder under models/, and of single models by folder and name."""
    layers: dict[tuple[str, ...], Layer] = {}
    _read_folder(root / "models", (), Reader(defaults, marks, problems, "[tool.tailrace.models]"), layers)
    return layers


def _read_folder(
    folder: Path, path: tuple[str, ...], reader: Reader, layers: dict[tuple[str, ...], Layer]
) -> None:
    values: dict[str, Any] = {}
    for key, value in reader.data.items():
        inner = folder / key
        if not isinstance(value, Mapping):
            values[key] = value
        elif inner.is_dir() or inner.with_name(key + ".sql").is_file():
            below = reader.under(f"[tool.tailrace.models] {'/'.join((*path, key))}", key)
            _read_folder(inner, (*path, key), below, layers)
        elif key in _MAPPING_CONFIGS:
            values[key] = value
        else:
            names = [entry.stem for entry in folder.iterdir()] if folder.is_dir() else []
            shown = "/".join(("models", *path, key))
            reader.key_problem(f"{shown} is neither a folder nor a model", hint(key, names), key)
    layers[path] = read_layer(reader, values)
