"""What names the rows: looked for where the project says, then by names, then in combinations; proven on all rows."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.project.spec import OnFail, Severity
from tailrace.validate.suggest.grain import ENOUGH, combination, different
from tailrace.validate.suggest.profile import Column, Table, nulls
from tailrace.validate.suggest.subject import Found, Key, Proposal, Remark
from tailrace.validate.suggest.words import is_id, tokens

UNIQUE = "expect_column_values_to_be_unique"
COMPOUND = "expect_compound_columns_to_be_unique"
NOT_NULL = "expect_column_values_to_not_be_null"

TRIED = 5
"""Columns whose values are counted one by one, which is the most that one question costs."""


def propose_keys(table: Table) -> Iterator[Found]:
    """The key's expectations; sets `table.key` where one column is known to name the rows, `table.grain` where several do.

    What only looks like a key warns: a guess that tomorrow's rows refute must not stop anything.
    """
    if not table.rows:
        return
    for key in table.subject.keys:
        columns = _spelled(table, key)
        if columns is None:
            yield Remark(
                f"{', '.join(key.columns)} is the key, says {key.said}, and the table has no such column"
            )
        elif wrong := _why_not(table, columns):
            yield Remark(
                f"{', '.join(columns)} is the key, says {key.said}, but {wrong}: it cannot name rows"
            )
        else:
            yield from _proven(table, columns, f"the key, says {key.said}")
            return
    own, others = _candidates(table)
    named = next((name for name in own if _why_not(table, (name,)) is None), None)
    if named is not None:
        yield from _proven(table, (named,), "called as a key is")
        return
    unique = [name for name in others if _why_not(table, (name,)) is None]
    if len(unique) == 1:
        yield _looks_like(table, unique[0])
        return
    yield from _combined(table)


def _looks_like(table: Table, name: str) -> Found:
    table.grain = (name,)
    reason = f"{table.rows:,} different values in {table.rows:,} rows; if it is the key, say `key: {name}`, and critical here"
    return Proposal("key", UNIQUE, {"column": name}, reason, columns=(name,))


def _combined(table: Table) -> Iterator[Found]:
    columns = combination(table)
    if columns is None:
        yield Remark("no column names the rows: without a key no single row can be quarantined")
        return
    parts = [table.by_name[name.lower()] for name in columns]
    sure = all(part.kind == "date" or is_id(part.name) for part in parts)
    yield from _proven(table, columns, "the smallest combination found without equal rows", sure=sure)


def _spelled(table: Table, key: Key) -> tuple[str, ...] | None:
    found = [table.by_name.get(name.lower()) for name in key.columns]
    return tuple(column.name for column in found if column) if all(found) else None


def _why_not(table: Table, columns: tuple[str, ...]) -> str | None:
    """What keeps columns from naming the rows, counted in all of them."""
    if len(columns) == 1 and (missing := table.rows - table.by_name[columns[0].lower()].present):
        return f"NULL in {missing:,} of {table.rows:,} rows"
    repeated = table.rows - different(table, table.whole, columns)
    return f"{repeated:,} of {table.rows:,} rows repeat it" if repeated else None


def _proven(table: Table, columns: tuple[str, ...], why: str, *, sure: bool = True) -> Iterator[Found]:
    table.grain = columns
    weight: tuple[Severity, OnFail] = ("critical", "block") if sure else ("warning", "warn")
    if len(columns) == 1:
        table.key = columns[0]
        reason = f"{why}; {table.rows:,} different values in {table.rows:,} rows"
        yield Proposal("key", UNIQUE, {"column": columns[0]}, reason, *weight, columns=columns)
    else:
        reason = f"{why}; {table.rows:,} different combinations in {table.rows:,} rows"
        twice = "the same row stands twice"
        yield Proposal("key", COMPOUND, {"column_list": list(columns)}, reason, *weight, twice, columns)
    for name in columns:
        column = table.by_name[name.lower()]
        if column.present == table.rows:
            yield Proposal("key", NOT_NULL, {"column": name}, nulls(table, column), *weight, columns=(name,))


def _candidates(table: Table) -> tuple[list[str], list[str]]:
    """Columns that are called as the model's own key is, and others that are likely to name the rows."""
    full = [column for column in table.columns if column.present == table.rows and _is_keyish(column)]
    close = [column for column in full if 2 * column.distinct >= table.looked_at]
    own = [column.name for column in close if _is_own(table, column.name)]
    others = sorted((column for column in close if _may_name(column)), key=lambda column: column.personal)
    enough = table.rows >= ENOUGH
    return own[:TRIED], [column.name for column in others if enough and column.name not in own][:TRIED]


def _is_keyish(column: Column) -> bool:
    return column.kind in ("int", "text", "uuid") and not column.blank


def _may_name(column: Column) -> bool:
    words = tokens(column.name)
    return is_id(column.name) or (len(words) == 1 and words[0] in ("email", "domain", "slug", "url", "code"))


def _is_own(table: Table, name: str) -> bool:
    """`id`, or the id of what the model is called after: `company_id` in stg_hubspot__companies, not in deal_companies."""
    words = tokens(name)
    if not is_id(name) or len(words) == 1:
        return name.lower() in ("id", "uuid", "key")
    entity = tokens(table.subject.model.rpartition("__")[2])
    entity = entity[1:] if len(entity) > 1 and entity[0] in _PREFIXES else entity
    return bool(entity) and words[:-1] in [(*entity[:-1], singular) for singular in _singulars(entity[-1])]


_PREFIXES = frozenset(("stg", "dim", "fct", "fact", "int", "raw", "mart", "src", "base"))


def _singulars(word: str) -> tuple[str, ...]:
    return word, word.removesuffix("s"), word.removesuffix("es"), f"{word.removesuffix('ies')}y"
