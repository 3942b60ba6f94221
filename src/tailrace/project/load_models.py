"""The SQL and CSV files of a project or package, and the YAML that describes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tailrace.errors import Diagnostic, Location
from tailrace.project.dbt.described import Context, Described
from tailrace.project.dbt.origin import File, Origin
from tailrace.project.dbt.properties import Properties, YamlSnapshot, read_properties, with_singular
from tailrace.project.dbt.snapshots import Block, snapshot_blocks
from tailrace.project.model_config import Config, Layer, along
from tailrace.project.reader import SQL_NAME
from tailrace.project.spec import DataTest, ModelFile, SeedFile
from tailrace.project.yaml import read_text


@dataclass
class Tables:
    """All that the files of one project or package declare; `fqns` are the paths by which config trees find them, by tree."""

    models: list[ModelFile] = field(default_factory=list)
    seeds: list[SeedFile] = field(default_factory=list)
    tests: list[DataTest] = field(default_factory=list)
    fqns: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    properties: Properties = field(default_factory=Properties)


def read_tables(context: Context) -> Tables:
    """Models, seeds, snapshots and tests, configured by their folders and described by the YAML beside them."""
    origin, problems = context.origin, context.problems
    models = list(origin.files(origin.paths.models, ".sql"))
    seeds = list(origin.files(origin.paths.seeds, ".csv"))
    snapshots = _snapshots(origin, problems)
    names = {
        "models": {file.below.stem for file in models},
        "seeds": {file.below.stem for file in seeds},
        "snapshots": {block.name for _, block in snapshots},
    }
    properties = read_properties(context, names)
    _refuse_python(origin, problems)
    found = Tables(properties=properties)
    maker = _Maker(context, properties)
    found.models += [maker.model(file) for file in models]
    found.models += [maker.snapshot(file, block) for file, block in snapshots]
    found.models += [maker.yaml_snapshot(declared) for declared in properties.snapshots]
    found.seeds += [maker.seed(file) for file in seeds]
    found.tests += [*properties.tests, *_singular_tests(context, properties)]
    found.fqns = maker.fqns
    return found


def read_macros(origin: Origin, problems: list[Diagnostic]) -> dict[str, str]:
    """Macro files, generic tests of tests/generic/ included, by their path in the project."""
    folders = (*origin.paths.macros, *(f"{folder}/generic" for folder in origin.paths.tests))
    texts = (
        (file.shown, read_text(file.path, file.shown, problems)) for file in origin.files(folders, ".sql")
    )
    return {name: text for name, text in texts if text is not None}


@dataclass(frozen=True)
class _Maker:
    context: Context
    properties: Properties
    fqns: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)

    def model(self, file: File) -> ModelFile:
        name = file.below.stem
        self._check_name(file, name, "model")
        about = self.properties.described["models"].get(name) or Described(Location(file.shown))
        text = read_text(file.path, file.shown, self.context.problems)
        if text is not None and not text.strip():
            self._problem(file, "the file is empty", "Write a SELECT, or remove the file")
        return self._made(name, file, text or "", (*file.folders, name), about)

    def snapshot(self, file: File, block: Block) -> ModelFile:
        about = self.properties.described["snapshots"].get(block.name) or Described(Location(file.shown))
        inside = (*file.folders, file.below.stem, block.name)
        return self._made(block.name, file, block.sql, inside, about, block)

    def yaml_snapshot(self, declared: YamlSnapshot) -> ModelFile:
        about = self.properties.described["snapshots"][declared.name]
        sql = f"select * from {{{{ {declared.relation} }}}}"
        block = Block(declared.name, sql, declared.location.line - 1)
        inside = (*declared.file.folders, declared.name)
        return self._made(declared.name, declared.file, sql, inside, about, block)

    def _made(
        self,
        name: str,
        file: File,
        sql: str,
        inside: tuple[str, ...],
        about: Described,
        block: Block | None = None,
    ) -> ModelFile:
        origin = self.context.origin
        tree = "snapshots" if block else "models"
        config, over = self._configured(tree, inside, about)
        return ModelFile(
            name=name,
            path=file.shown,
            schema=self._schema(file),
            sql=sql,
            kind="snapshot" if block else "model",
            package=origin.package,
            line=block.line if block else 0,
            constraints=about.constraints,
            config=config.values,
            description=about.description,
            columns=about.columns,
            tags=config.tags,
            meta=about.meta,
            config_places=config.places,
            overrides=over.overriding(),
        )

    def seed(self, file: File) -> SeedFile:
        name = file.below.stem
        self._check_name(file, name, "seed")
        origin = self.context.origin
        about = self.properties.described["seeds"].get(name) or Described(Location(file.shown))
        config, _ = self._configured("seeds", (*file.folders, name), about)
        return SeedFile(
            name=name,
            path=file.shown,
            schema=origin.schema or "main",
            package=origin.package,
            columns=about.columns,
            meta=about.meta,
            config=config.values,
            description=about.description,
            tags=config.tags,
            config_places=config.places,
        )

    def _configured(self, tree: str, inside: tuple[str, ...], about: Described) -> tuple[Config, Config]:
        self.fqns.setdefault(tree, []).append(self.context.origin.fqn(*inside))
        return _configured(self.context.origin, tree, inside, about)

    def _schema(self, file: File) -> str:
        """The target's in a dbt project, the folder's in one of ours."""
        if self.context.origin.schema is not None:
            return self.context.origin.schema
        if file.folders:
            self._check_name(file, file.folders[0], "schema")
        return file.folders[0] if file.folders else "main"

    def _check_name(self, file: File, name: str, what: str) -> None:
        if not SQL_NAME.match(name):
            fix = "Rename it: letters, digits and _, and no digit first"
            self._problem(file, f"{name[:60]!r} cannot name a {what}", fix)

    def _problem(self, file: File, message: str, fix: str) -> None:
        self.context.problems.append(Diagnostic(Location(file.shown), message, fix))


def _configured(
    origin: Origin, tree: str, inside: tuple[str, ...], about: Described
) -> tuple[Config, Config]:
    """The whole configuration, and what of it the project says of a package's file."""
    path = origin.fqn(*inside)
    config, over = Config(), Config()
    for layer in (*along(origin.trees.get(tree, {}), path), about.config, Layer(tags=about.tags)):
        config.add(layer)
    for layer in along(origin.over.get(tree, {}), path):
        config.add(layer)
        over.add(layer)
    return config, over


def _snapshots(origin: Origin, problems: list[Diagnostic]) -> list[tuple[File, Block]]:
    found = []
    for file in origin.files(origin.paths.snapshots, ".sql"):
        text = read_text(file.path, file.shown, problems)
        if text is not None:
            found += [(file, block) for block in snapshot_blocks(text, file.shown, problems)]
    return found


def _singular_tests(context: Context, properties: Properties) -> list[DataTest]:
    """SQL files under tests/: each row that one returns is a failure."""
    origin = context.origin
    found = []
    for file in origin.files(origin.paths.tests, ".sql"):
        if file.folders[:1] in (("generic",), ("fixtures",)):
            continue
        name = file.below.stem
        text = read_text(file.path, file.shown, context.problems)
        config, _ = _configured(origin, "data_tests", (*file.folders, name), Described(Location(file.shown)))
        test = DataTest(
            name=name,
            path=file.shown,
            location=Location(file.shown),
            sql=text or "",
            package=origin.package,
            config=config.values,
            tags=config.tags,
        )
        if about := properties.singular.get(name):
            test = with_singular(test, about)
        if test.config.get("enabled") is not False:
            found.append(test)
    return found


def _refuse_python(origin: Origin, problems: list[Diagnostic]) -> None:
    if origin.lax is None:
        return
    for file in origin.files(origin.paths.models, ".py"):
        fix = "Write it in SQL, or land its result by a pipeline with `source: python`"
        problems.append(Diagnostic(Location(file.shown), "models in Python are not built", fix))
