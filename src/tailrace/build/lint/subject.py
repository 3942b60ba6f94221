"""A model as rules see it: its tree, its place in the project, and how to find things in both."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import sqlglot
from sqlglot import Token, exp

from tailrace.build.graph import Graph, ModelNode
from tailrace.build.lint.template import Read, parsed, read_template
from tailrace.errors import Diagnostic, Location
from tailrace.project.spec import ModelFile, Project


@dataclass(frozen=True)
class Found:
    """What a rule found: at an offset of the model's SQL, at a `location` of another file, or (neither) of the model as a whole."""

    message: str
    fix: str
    offset: int = -1
    location: Location | None = None


@dataclass(frozen=True)
class Subject:
    """One model. Rules that need its tree are not asked where `tree` is None."""

    project: Project
    graph: Graph
    file: ModelFile
    node: ModelNode
    read: Read | None
    written: bool = True
    """Whether places are the file's own; the compiled SQL's where no SQL was to be seen behind the Jinja."""

    @property
    def tree(self) -> exp.Query:
        assert self.read is not None
        return self.read.tree

    @property
    def sql(self) -> str:
        return self.read.sql if self.read else ""

    @property
    def is_mart(self) -> bool:
        return "marts" in self.file.path.split("/")[:-1]

    @cached_property
    def tokens(self) -> list[Token]:
        return sqlglot.tokenize(self.sql, read=self.project.dialect)

    @cached_property
    def selects(self) -> list[exp.Select]:
        return list(self.tree.find_all(exp.Select, bfs=False))

    def keyword_at(self, offset: int, word: str) -> int:
        """The offset of the last token `word` before an offset; the offset itself where there is none."""
        last = bisect_left(self.tokens, offset, key=lambda token: token.start)
        found = (t.start for t in reversed(self.tokens[:last]) if t.text.upper() == word)
        return next(found, offset)

    def diagnostic(self, found: Found) -> Diagnostic:
        """The finding with its place."""
        if found.location is not None:
            return Diagnostic(found.location, found.message, found.fix)
        if found.offset < 0:
            return Diagnostic(Location(self.file.path, self.file.line + 1), found.message, found.fix)
        line = self.sql.count("\n", 0, found.offset)
        col = found.offset - (self.sql.rfind("\n", 0, found.offset) + 1) + 1
        if self.written:
            return Diagnostic(
                Location(self.file.path, self.file.line + line + 1, col), found.message, found.fix
            )
        row = self.sql.split("\n")[line].strip()[:80]
        said = f"{found.message} (line {line + 1} of the compiled SQL: {row})"
        return Diagnostic(Location(self.file.path), said, found.fix)


def subject_of(project: Project, graph: Graph, file: ModelFile, node: ModelNode) -> Subject:
    """The model read through its Jinja; its compiled SQL where that cannot be."""
    read = read_template(file.sql, project.dialect)
    if read is not None:
        return Subject(project, graph, file, node, read)
    tree = parsed(node.sql, "bigquery" if project.target.type == "bigquery" else "duckdb")
    return Subject(project, graph, file, node, Read(node.sql, tree) if tree else None, written=False)


def start_of(node: exp.Expr) -> int:
    """The offset of the first token that the parser noted inside a node."""
    return min((int(part.meta["start"]) for part in node.walk() if "start" in part.meta), default=0)


def arms(query: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs that a query's rows come from: one, or those of a UNION."""
    if isinstance(query, exp.Select):
        yield query
    elif isinstance(query, exp.SetOperation):
        yield from arms(query.this)
        yield from arms(query.expression)
    elif isinstance(query, exp.Subquery):
        yield from arms(query.this)


def sources_of(select: exp.Select) -> list[exp.Expr]:
    """What stands in FROM and in the joins."""
    from_ = select.args.get("from_")
    return ([from_.this] if from_ is not None else []) + [
        join.this for join in select.args.get("joins") or ()
    ]


def cte_of(table: exp.Expr) -> exp.CTE | None:
    """The CTE that a table's name means where it stands."""
    if not isinstance(table, exp.Table) or table.db or not table.name:
        return None
    node: exp.Expr | None = table
    while node is not None:
        with_ = node.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            if cte.alias.lower() == table.name.lower() and table.find_ancestor(exp.CTE) is not cte:
                return cte  # type: ignore[no-any-return]
        node = node.parent
    return None


def own(select: exp.Select, *kinds: type[exp.Expr]) -> Iterator[exp.Expr]:
    """The nodes of a SELECT that are in no query inside of it."""
    for node in select.walk(prune=lambda one: one is not select and isinstance(one, exp.Query)):
        if isinstance(node, kinds):
            yield node
