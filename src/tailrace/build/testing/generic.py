"""Generic tests: a macro called on a model or source, its arguments rendered as dbt renders them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tailrace.build.testing.config import DataTestConfig
from tailrace.project.spec import DataTest, Project

BUILT_IN = ("not_null", "unique", "accepted_values", "relationships")
ARGUMENTS = "tailrace_arguments"
_MACRO = re.compile(r"\{%-?\s*(macro|test|data_test)\s+(\w+)\s*\(")
_CALL = re.compile(r"\s*(env_var|ref|var|source|doc)\s*\(.+\)\s*\Z", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass
class Template:
    """A test as a template: its text, and the values that the text names."""

    text: str = ""
    names: dict[str, Any] = field(default_factory=dict)


def generic_template(
    test: DataTest, config: DataTestConfig, reserved: frozenset[str], *, kept: bool | None
) -> Template:
    """The call of the test's macro. `reserved` are the words that no column can be called without quotes.

    `kept`: all failing rows are kept, which macros may know as should_store_failures(); None where the macro's own configuration
    is asked for, so that no other is told it.
    """
    found = _Arguments()
    parts = [f"model=get_where_subquery({_relation(test)})"]
    kwargs = {**({"column_name": test.column} if test.column else {}), **test.kwargs}
    for name, value in kwargs.items():
        if name == "column_name":
            written_there = bool(test.column) and value == test.column
            parts.append(f"{name}={found.kept(_column(value, reserved) if written_there else value)}")
        else:
            parts.append(f"{name}={found.expression(value)}")
    said = ""
    if kept is not None:
        said = f"{{%- do config(where={found.kept(config.where)}, store_failures={found.kept(kept)}) -%}}"
    call = f"{{{{ {_macro_of(test.test)}({', '.join(parts)}) }}}}"
    return Template(f"{said}{found.blocks}{call}", {ARGUMENTS: found.values})


def _relation(test: DataTest) -> str:
    if test.source is not None:
        return f"source({_text(test.source[0])}, {_text(test.source[1])})"
    return f"ref({_text(test.model)})"


def _macro_of(test: str) -> str:
    package, dot, name = test.rpartition(".")
    return f"{package}{dot}test_{name}"


def _column(name: Any, reserved: frozenset[str]) -> Any:
    """A column as SQL names it: quoted only where it has to be, since a macro may use the name as a text, too."""
    if not isinstance(name, str) or name.startswith('"'):
        return name
    plain = _PLAIN.match(name) and name.lower() not in reserved
    return name if plain else '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    """A text as a Jinja literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Arguments:
    """Values go by name, so that no sign of theirs is read as a template; texts that hold Jinja become expressions."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.blocks = ""

    def kept(self, value: Any) -> str:
        self.values.append(value)
        return f"{ARGUMENTS}[{len(self.values) - 1}]"

    def expression(self, value: Any) -> str:
        if isinstance(value, Mapping):
            items = (f"{_text(str(key))}: {self.expression(item)}" for key, item in value.items())
            return "{" + ", ".join(items) + "}"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(self.expression(item) for item in value) + "]"
        return self._of_text(value) if isinstance(value, str) else self.kept(value)

    def _of_text(self, value: str) -> str:
        if _CALL.match(value):
            return f"({value.strip()})"
        if "{{" not in value and "{%" not in value:
            return self.kept(value)
        whole = _EXPRESSION.fullmatch(value.strip())
        if whole is not None and "{{" not in whole[1]:
            return f"({whole[1].strip()})"
        name = f"tailrace_text_{self.blocks.count('endset')}"
        self.blocks += f"{{%- set {name} -%}}{value}{{%- endset -%}}\n"
        return name


@dataclass(frozen=True)
class KnownTests:
    """Names of generic tests, as YAML writes them; `own` are those of the project, and `package.name` of packages."""

    own: frozenset[str]

    @property
    def names(self) -> list[str]:
        return sorted({*self.own, *BUILT_IN})

    def has(self, test: str, package: str) -> bool:
        """Whether YAML of the package ("" is the project) can name the test."""
        return test in self.own or f"{package}.{test}" in self.own or test.removeprefix("dbt.") in BUILT_IN

    def is_built_in(self, test: str) -> bool:
        """Whether nobody has put something of their own in the place of one of dbt's four."""
        own = (test, f"duckdb__{test}", f"default__{test}")
        return test in BUILT_IN and self.own.isdisjoint(own)


def known_tests(project: Project) -> KnownTests:
    """Every generic test that a macro file defines."""
    return KnownTests(frozenset(_defined(project)))


def _defined(project: Project) -> Iterator[str]:
    root = project.dbt.name if project.dbt else project.name
    for path, text in project.macros.items():
        if "test" not in text:
            continue
        package = project.macro_packages.get(path, "")
        folder = _folder_package(project, path)
        for found in _MACRO.finditer(text):
            name = found[2]
            if found[1] == "macro":
                if "test_" not in name:
                    continue
                name = name.replace("test_", "", 1)
            if not package:
                yield name
            yield f"{package or folder or root}.{name}"


def _folder_package(project: Project, path: str) -> str:
    parts = path.split("/")
    own = project.dbt is None and parts[0] == "macros" and len(parts) > 2
    return parts[1] if own else ""
