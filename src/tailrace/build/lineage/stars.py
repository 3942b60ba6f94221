"""Items of a SELECT list that are many columns: `*`, `t.*`, EXCLUDE, REPLACE, RENAME, COLUMNS(...), unnest of a struct."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from sqlglot import exp

from tailrace.build.lineage.expressions import gathered, name_of
from tailrace.build.lineage.relation import NONE, Output, Part, Relation, Rest, named, with_name
from tailrace.build.lineage.scope import Scope

if TYPE_CHECKING:
    from tailrace.build.lineage.query import Reader

Test = Callable[[str], bool]
_LIKES: dict[type[exp.Expr], int] = {exp.Like: 0, exp.ILike: re.IGNORECASE}


def beside(left: Rest, right: Rest) -> Rest:
    """Two tables' unnamed columns in one list: a name may be of either."""
    if not left or not right:
        return left or right
    more = tuple(part for group in right for part in group)
    return tuple(group + more for group in left)


def expanded(reader: Reader, item: exp.Expr, scope: Scope, *, rare: bool) -> Relation | None:
    """The columns of such an item, `filters` being those that make rows; None for an item that is one column.

    `rare`: look for COLUMNS() inside of it, too.
    """
    if isinstance(item, exp.Star):
        return _star(reader, item, scope, "")
    if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
        return _star(reader, item.this, scope, item.table)
    if isinstance(item, exp.Explode) and not isinstance(item, exp.Posexplode):
        fixed = frozenset(gathered(reader, item.this, scope)[0])
        return Relation({}, ((Part("", "", fixed=fixed),),), fixed)
    if isinstance(item, exp.Binary) and isinstance(item.this, exp.Star):
        return _only(_star(reader, item.this, scope, ""), _test(item), scope)
    return _columns(reader, item, scope) if rare else None


def _star(reader: Reader, star: exp.Star, scope: Scope, table: str) -> Relation:
    """All columns of the FROM, or of one table; what USING made one comes once."""
    if table:
        source = scope.source(table)
        relation = source.relation if source is not None else _fields(scope, table)
    else:
        of_one = {(node.text("table").lower(), node.name.lower()) for node in _listed(star, "except_")}
        relation = _all(scope, of_one)
    excluded = {node.name.lower() for node in _listed(star, "except_") if not node.text("table") or table}
    replaced = {node.alias.lower(): node.this for node in _listed(star, "replace")}
    renamed = {node.this.name.lower(): node.alias for node in _listed(star, "rename")}
    if not (excluded or replaced or renamed):
        return relation
    outputs = []
    for name in dict.fromkeys([*relation.columns, *replaced, *renamed]):
        known = relation.find(name)[0]
        if known is None or name in excluded:
            continue
        if name in replaced:
            direct, indirect = gathered(reader, replaced[name], scope)
            known = Output(known.name, frozenset(direct), frozenset(indirect), replaced[name])
        outputs.append(with_name(known, renamed.get(name, known.name)))
    gone = {*excluded, *replaced, *renamed}
    rest = tuple(tuple(part.without(gone) for part in group) for group in relation.rest)
    return named(outputs, rest)


def _listed(star: exp.Star, key: str) -> list[exp.Expr]:
    return list(star.args.get(key) or ())


def _all(scope: Scope, excluded: set[tuple[str, str]]) -> Relation:
    """The columns of every table; `excluded` are those that EXCLUDE names with their table."""
    outputs: list[Output] = []
    rest: Rest = ()
    emitted: set[str] = set()
    for source in scope.visible():
        gone = [name for table, name in excluded if table == source.alias]
        for name, output in source.relation.columns.items():
            if name in gone:
                continue
            if name not in scope.merged:
                outputs.append(output)
            elif name not in emitted:
                emitted.add(name)
                outputs.append(scope.merged[name])
        rest = beside(
            rest, tuple(tuple(part.without(gone) for part in group) for group in source.relation.rest)
        )
    if rest and scope.merged:
        outputs += [output for name, output in scope.merged.items() if name not in emitted]
        rest = tuple(tuple(part.without(scope.merged) for part in group) for group in rest)
    return named(outputs, rest)


def _fields(scope: Scope, name: str) -> Relation:
    """`struct.*`: names are unknown here, but all of them come from the struct."""
    found = scope.bare(name)
    return Relation({}, ((Part("", "", fixed=found.direct),),))


def _only(relation: Relation, test: Test | None, scope: Scope) -> Relation:
    """The columns whose names pass; all of them, with a note, where the test cannot be evaluated here."""
    if test is None:
        scope.note("COLUMNS() chooses by an expression: every column counts")
        return relation
    if relation.rest:
        scope.note("COLUMNS() chooses among columns that are not known: every name counts")
    passed = [output for output in relation.columns.values() if test(output.name)]
    failed = [name for name, output in relation.columns.items() if not test(output.name)]
    return named(passed, tuple(tuple(part.without(failed) for part in group) for group in relation.rest))


def _test(node: exp.Expr) -> Test | None:
    """`* LIKE 'a%'` and its kin as a test of a name."""
    pattern = node.args.get("expression")
    inverted = bool(node.args.get("negate"))
    while isinstance(node, exp.Not):
        node, inverted = node.this, not inverted
        pattern = node.args.get("expression")
    if type(node) not in _LIKES or not isinstance(pattern, exp.Literal):
        return None
    text = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in pattern.name)
    found = re.compile(text, _LIKES[type(node)])
    return lambda name: (found.fullmatch(name) is None) == inverted


def _columns(reader: Reader, item: exp.Expr, scope: Scope) -> Relation | None:
    """An expression with COLUMNS(...) in it, once for each column that it stands for."""
    place = next(_places(item), None)
    if place is None:
        return None
    relation = _chosen(reader, place.this, scope)
    inner = item.this if isinstance(item, exp.Alias) else item
    around = _around(reader, inner, place, scope)
    if place.args.get("unpack"):  # all of them as the arguments of one function
        whole = relation.whole()
        name = item.alias_or_name or name_of(item)
        return named([Output(name, whole.direct | around[0], whole.indirect | around[1], inner)])
    outputs = []
    for output in relation.columns.values():
        expression = output.expression if inner is place else inner
        direct = output.direct | around[0]
        outputs.append(
            Output(_name(item, place, output.name), direct, output.indirect | around[1], expression)
        )
    return named(outputs, relation.rest)


def _places(item: exp.Expr) -> Iterator[exp.Columns]:
    return item.find_all(exp.Columns)


def _chosen(reader: Reader, argument: exp.Expr, scope: Scope) -> Relation:
    """The columns that the argument of COLUMNS() picks."""
    table = ""
    if isinstance(argument, exp.Column) and isinstance(argument.this, exp.Star):
        table, argument = argument.table, argument.this
    if isinstance(argument, exp.Star):
        return _star(reader, argument, scope, table)
    relation = _star(reader, exp.Star(), scope, table)
    if isinstance(argument, exp.Literal):
        found = re.compile(argument.name)
        return _only(relation, lambda name: found.search(name) is not None, scope)
    if isinstance(argument, exp.Array):
        names = {node.name.lower() for node in argument.expressions}
        outputs = [output for name in names if (output := relation.find(name)[0])]
        return named(sorted(outputs, key=lambda output: _rank(relation, output.name)))
    body = argument.this if isinstance(argument, exp.Lambda) else argument
    return _only(relation, _test(body), scope)


def _rank(relation: Relation, name: str) -> int:
    return list(relation.columns).index(name.lower()) if name.lower() in relation.columns else 0


def _around(
    reader: Reader, inner: exp.Expr, place: exp.Expr, scope: Scope
) -> tuple[frozenset[tuple[str, str, str]], frozenset[tuple[str, str, str]]]:
    """The columns that the expression names besides COLUMNS()."""
    if inner is place:
        return NONE, NONE
    copied = inner.copy()
    for node in list(_places(copied)):
        node.replace(exp.null())
    direct, indirect = gathered(reader, copied, scope)
    return frozenset(direct), frozenset(indirect)


def _name(item: exp.Expr, place: exp.Columns, column: str) -> str:
    """The column's own, or the alias with what the pattern's groups caught."""
    if not isinstance(item, exp.Alias):
        return column
    pattern = place.this
    caught = re.search(pattern.name, column) if isinstance(pattern, exp.Literal) else None
    texts: Iterable[str | None] = (caught[0], *caught.groups()) if caught else (column,)
    name = item.alias
    for number, text in enumerate(texts):
        name = name.replace(f"\\{number}", text or "")
    return name
