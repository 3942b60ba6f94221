"""Where each model is built and whether it is enabled: known before any template is rendered, since ref() needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tailrace.build.names import Named
from tailrace.build.settings.model import Settings, settings_of
from tailrace.build.static import config_calls, has_other_config, place
from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import ModelFile, Project, SeedFile

Early = Callable[[ModelFile], Mapping[str, Any]]
"""Renders a template for nothing but its configuration."""
Generate = Callable[[str, ModelFile | SeedFile, str | None], str | None]
"""A project's own generate_schema_name or generate_alias_name; None where it has none."""


class Placing:
    """Places models and seeds; `early` is asked only where config() is more than literals."""

    def __init__(
        self, project: Project, early: Early, generate: Generate, problems: list[Diagnostic]
    ) -> None:
        self._project = project
        self._early = early
        self._generate = generate
        self._problems = problems
        self._known: dict[str, Mapping[str, Any]] = {}

    def placed(self) -> dict[str, Named]:
        """Every model and seed by its casefolded name."""
        found = {seed.name.casefold(): self._seed(seed) for seed in self._project.seeds}
        for model in self._project.models:
            found[model.name.casefold()] = self._model(model)
        self._refuse_datasets(found)
        self._refuse_twins(found)
        return found

    def early_config(self, model: ModelFile) -> Mapping[str, Any]:
        """What config() says, as far as it can be known before the model is rendered."""
        if model.name not in self._known:
            self._known[model.name] = self._config(model)
        return self._known[model.name]

    def _config(self, model: ModelFile) -> Mapping[str, Any]:
        if "config" not in model.sql:
            return {}
        if has_other_config(model.sql):
            return self._early(model)
        found: dict[str, Any] = {}
        for call in config_calls(model.sql):
            found.update(call.kwargs or {})
        return found

    def _model(self, model: ModelFile) -> Named:
        lenient = is_lenient(self._project, model.package)
        settings = settings_of(
            model, self.early_config(model), partial(_anywhere, model), [], lenient=lenient
        )
        return Named(
            model.name,
            self._schema(model, settings),
            "snapshot" if settings.materialized == "snapshot" else "model",
            settings.enabled,
            self._alias(model, settings),
            settings.materialized,
            settings.event_time,
            model.package,
        )

    def _schema(self, model: ModelFile, settings: Settings) -> str:
        if self._project.dbt is None and not model.package:
            return settings.schema or model.schema
        if settings.materialized == "snapshot" and settings.config.get("target_schema"):
            return settings.schema
        custom = settings.schema or None
        return self._generate("schema", model, custom) or _dbt_schema(self._project, custom)

    def _alias(self, model: ModelFile, settings: Settings) -> str:
        if self._project.dbt is None and not model.package:
            return settings.alias
        custom = settings.alias or None
        return self._generate("alias", model, custom) or settings.alias

    def _seed(self, seed: SeedFile) -> Named:
        config = seed.config
        custom = str(config["schema"]) if config.get("schema") else None
        schema = seed.schema
        if self._project.dbt is not None or seed.package:
            schema = self._generate("schema", seed, custom) or _dbt_schema(self._project, custom)
        elif custom:
            schema = custom
        alias = str(config.get("alias") or "")
        if self._project.dbt is not None or seed.package:
            alias = self._generate("alias", seed, alias or None) or alias
        return Named(
            seed.name, schema, "seed", config.get("enabled") is not False, alias, "seed",
            str(config.get("event_time") or ""), seed.package,
        )  # fmt: skip

    def _refuse_datasets(self, placed: Mapping[str, Named]) -> None:
        datasets = {pipeline.dataset.casefold() for pipeline in self._project.pipelines}
        for model in self._project.models:
            schema = placed[model.name.casefold()].schema
            if schema != model.schema and schema.casefold() in datasets:
                at = word_place(model, "schema")
                fix = "Choose another schema"
                self._problems.append(Diagnostic(at, f"schema {schema} is a pipeline's dataset", fix))

    def _refuse_twins(self, placed: Mapping[str, Named]) -> None:
        """Two models, or a model and a seed, that would build one table."""
        seen: dict[tuple[str, str], ModelFile | SeedFile] = {}
        files: tuple[ModelFile | SeedFile, ...] = (*self._project.seeds, *self._project.models)
        for model in files:
            named = placed[model.name.casefold()]
            key = (named.table.schema.casefold(), named.table.name.casefold())
            if not named.enabled or named.materialized == "ephemeral":
                continue
            if (other := seen.setdefault(key, model)) is not model:
                said = f"{model.name} and {other.name} ({other.path}) would both build {named.table}"
                fix = "Give one of them another alias or schema"
                at = word_place(model, "alias") if isinstance(model, ModelFile) else Location(model.path)
                self._problems.append(Diagnostic(at, said, fix))


def is_lenient(project: Project, package: str) -> bool:
    """Whether keys that we do not know are somebody else's, as dbt has it."""
    return project.dbt is not None or bool(package)


def word_place(model: ModelFile, word: str) -> Location:
    """Where a configuration key stands: in the YAML, or in the file."""
    found = model.sql.find(word)
    return model.config_places.get(word) or place(model.path, model.sql, max(0, found))


def _dbt_schema(project: Project, custom: str | None) -> str:
    """Dbt's own rule: a schema of one's own is a suffix of the target's."""
    own = project.target.schema
    return f"{own}_{custom.strip()}" if custom else own


def _anywhere(model: ModelFile, _key: str) -> Location:
    return Location(model.path)
