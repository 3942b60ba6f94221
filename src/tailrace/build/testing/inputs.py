"""What a unit test's `input` names: a model, a source's table, or the tested model's own table as it stood."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.testing.reading import source_table
from tailrace.errors import Diagnostic, near_miss
from tailrace.project.spec import Fixture, Project, UnitTest
from tailrace.warehouse.base import TableRef


@dataclass(frozen=True)
class Input:
    """`model` is the input's name where it is one of the graph; `database` is "" but for a table of an attached file."""

    fixture: Fixture
    table: TableRef
    model: str = ""
    source: tuple[str, str] | None = None
    database: str = ""
    is_this: bool = False

    @property
    def shown(self) -> str:
        return " ".join(self.fixture.input.split())


def inputs_of(
    project: Project, graph: Graph, test: UnitTest, problems: list[Diagnostic]
) -> tuple[Input, ...]:
    """What a unit test is given; what cannot be is added to `problems`. The tested model is in the graph."""
    found: list[Input] = []
    seeds = {seed.name.casefold() for seed in project.seeds}
    for fixture in test.given:
        one = _input(project, graph, test, fixture, problems)
        if one is None:
            continue
        if fixture.is_blank and one.model.casefold() not in seeds:
            fix = "Write `rows:`, or `rows: []` where it is empty; only a seed has rows of its own"
            problems.append(Diagnostic(fixture.location, f"{one.shown} has no rows", fix))
        if any((other.database, other.table) == (one.database, one.table) for other in found):
            problems.append(Diagnostic(fixture.location, f"{one.shown} is given twice", "Remove one of them"))
        else:
            found.append(one)
    if test.expect.is_blank:
        fix = "Write `rows:`, or `rows: []` where none is expected"
        problems.append(Diagnostic(test.expect.location, "expect has no rows", fix))
    return tuple(found)


def _input(
    project: Project, graph: Graph, test: UnitTest, fixture: Fixture, problems: list[Diagnostic]
) -> Input | None:
    node = graph.nodes[test.model]
    if fixture.input.strip() == "this":
        return Input(fixture, node.table, test.model, is_this=True)
    function, names = call_of(fixture.input)
    if not function:
        shown = fixture.input[:60] or "nothing"
        fix = "Write ref('x'), source('a', 'b') or this"
        problems.append(Diagnostic(fixture.location, f"{shown} is no input", fix))
        return None
    found = (
        _of_ref(graph, node, fixture, names)
        if function == "ref"
        else _of_source(project, node, fixture, names)
    )
    if isinstance(found, Diagnostic):
        problems.append(found)
        return None
    return found


def _of_ref(graph: Graph, node: ModelNode, fixture: Fixture, names: tuple[str, str]) -> Input | Diagnostic:
    name = next((one for one in graph.nodes if one.casefold() == names[1].casefold()), None)
    if name is None:
        fix = near_miss(names[1], sorted(graph.nodes))
        said = f"there is no model or seed {names[1]}"
        return Diagnostic(fixture.location, said, fix[:1].upper() + fix[1:])
    if name not in (*node.depends_on, node.name):
        return Diagnostic(fixture.location, f"{node.name} does not read ref('{name}')", _what_it_reads(node))
    return Input(fixture, graph.nodes[name].table, name, is_this=name == node.name)


def _of_source(
    project: Project, node: ModelNode, fixture: Fixture, names: tuple[str, str]
) -> Input | Diagnostic:
    database, table = source_table(project, *names)
    wanted = f"{database}.{table}" if database else str(table)
    if wanted.casefold() not in {name.casefold() for name in tables_read(node)}:
        said = f"{node.name} does not read source('{names[0]}', '{names[1]}')"
        return Diagnostic(fixture.location, said, _what_it_reads(node))
    return Input(fixture, table, source=names, database=database)


def _what_it_reads(node: ModelNode) -> str:
    reads = [*(f"ref('{name}')" for name in node.depends_on), *tables_read(node)]
    return f"It reads {', '.join(reads)}" if reads else "It reads nothing: remove the input"


def call_of(text: str) -> tuple[str, tuple[str, str]]:
    """("ref", ("", "x")) or ("source", ("a", "b")) of the template's own words; ("", ...) where it is neither."""
    none = ("", ("", ""))
    inner = text.strip().removeprefix("{{").removesuffix("}}").strip()
    try:
        call = ast.parse(inner, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return none
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return none
    args = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if len(args) != len(call.args):
        return none
    if call.func.id == "ref" and len(args) in (1, 2):
        version = next((k.value for k in call.keywords if k.arg in ("v", "version")), None)
        name = f"{args[-1]}_v{version.value!s}" if isinstance(version, ast.Constant) else args[-1]
        return "ref", (args[0] if len(args) == 2 else "", name)
    if call.func.id == "source" and len(args) == 2 and not call.keywords:
        return "source", (args[0], args[1])
    return none


def tables_read(node: ModelNode) -> tuple[str, ...]:
    """Landed and other people's tables that a model reads, `schema.name` or `database.schema.name`."""
    others = (name for name in node.externals if not name.endswith("()"))
    return (*(str(table) for table in node.reads), *others)
