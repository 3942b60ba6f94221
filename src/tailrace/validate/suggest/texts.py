"""Texts: a form that nearly all have, few values that come again and again, lengths."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tailrace.validate.suggest.patterns import PATTERNS, PREFIX, Pattern, prefixed
from tailrace.validate.suggest.profile import Column, Table, nulls
from tailrace.validate.suggest.rounding import length, slack
from tailrace.validate.suggest.subject import Found, Proposal, Remark, Wish
from tailrace.validate.suggest.weight import GUESS, fact, part_of
from tailrace.validate.suggest.words import OPEN_SETS, is_id, tokens

MATCH = "expect_column_values_to_match_regex"
IN_SET = "expect_column_values_to_be_in_set"
LENGTHS = "expect_column_value_lengths_to_be_between"

FEW, LONGEST_VALUE = 20, 60
ENOUGH, ENOUGH_FOR_SETS = 10, 30
LIKELY, PROPOSED, TOLD = 0.8, 0.99, 0.9
NEW_TOMORROW = 0.02
"""The share of values seen only once is the chance that the next one is new; above this a set is still growing."""

_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")
_WHOLE = frozenset(
    ("grade", "stage", "status", "level", "rating", "tier", "priority", "stars", "step", "phase")
)


def wish_texts(table: Table) -> Iterator[Wish]:
    """One wish for each text: its form, else its values, else its length; sets of whole numbers under names of grades."""
    texts = [column for column in table.columns if column.kind == "text" and column.filled]
    likely = _likely(table, texts)
    for column in table.columns:
        if column.name in likely:
            yield _form(table, column, likely[column.name])
        elif _may_be_set(column):
            yield _values(table, column)
        elif column.kind == "text" and column.filled:
            yield Wish((), _always(_lengths(table, column)))
        elif column.kind == "bool":
            yield Wish((), _always(_flag(table, column)))


def _always(found: list[Found]) -> Callable[[tuple[Any, ...]], list[Found]]:
    return lambda _: found


def _likely(table: Table, texts: list[Column]) -> dict[str, Pattern]:
    """The form that most of a few values have, by column; only guessed, and counted afterwards."""
    tried = [(column, pattern) for column in texts for pattern in PATTERNS if _fits(column, pattern)]
    values = table.ask(table.look, [_matches(table, column.name, pattern) for column, pattern in tried])
    found: dict[str, Pattern] = {}
    filled = dict(zip((c.name for c in texts), table.ask(table.look, [f"count({table.quote(c.name)})" for c in texts]), strict=True))  # fmt: skip
    for (column, pattern), matched in zip(tried, values, strict=True):
        if filled[column.name] and matched >= LIKELY * filled[column.name]:
            found.setdefault(column.name, pattern)
    rest = [column for column in texts if column.name not in found and not column.personal and column.distinct >= ENOUGH]  # fmt: skip
    return found | _prefixes(table, rest)


def _fits(column: Column, pattern: Pattern) -> bool:
    words = set(tokens(column.name))
    spoken = words & pattern.words or ("id" in pattern.words and is_id(column.name))
    return column.filled >= (3 if spoken else ENOUGH) and (not pattern.words or bool(spoken))


def _prefixes(table: Table, columns: list[Column]) -> dict[str, Pattern]:
    """Ids that all begin alike: `cus_...`; not of names and other words that just share their first."""
    ids = [column for column in columns if is_id(column.name) and (column.shortest or 0) >= 5]
    heads = [f"regexp_extract({table.quote(column.name)}, {table.literal(PREFIX)})" for column in ids]
    asks = [f"{least}({head})" for head in heads for least in ("min", "max")]
    values = table.ask(table.look, asks)
    pairs = zip(ids, values[::2], values[1::2], strict=True)
    return {column.name: prefixed(low) for column, low, high in pairs if low and low == high}


def _matches(table: Table, name: str, pattern: Pattern) -> str:
    return f"count_if(regexp_matches({table.quote(name)}, {table.literal(pattern.regex)}))"


def _form(table: Table, column: Column, pattern: Pattern) -> Wish:
    def judged(values: tuple[Any, ...]) -> Iterator[Found]:
        matched = int(values[0])
        share, lost = matched / column.filled, column.filled - matched
        if share < TOLD:
            return
        seen = f"{matched:,} of {column.filled:,} values are {pattern.name}"
        if share < PROPOSED:
            yield Remark(f"{column.name}: {seen} ({share:.1%}): too few to expect it of all")
            return
        kwargs = {"column": column.name, "regex": pattern.regex}
        if not lost:
            severity, on_fail = GUESS if pattern.guess else fact(table, (column.name,))
            yield Proposal(part_of(severity), MATCH, kwargs, f"{seen}; {nulls(table, column)}", severity, on_fail, columns=(column.name,))  # fmt: skip
            return
        mostly = slack(lost, column.filled)
        reason = (
            f"{seen}; without `mostly` and with on_fail: quarantine just the other {lost:,} are held back"
        )
        yield Proposal("statistics", MATCH, {**kwargs, "mostly": mostly}, reason, columns=(column.name,))

    return Wish((_matches(table, column.name, pattern),), judged)


def _may_be_set(column: Column) -> bool:
    if column.personal or column.filled < ENOUGH_FOR_SETS or not 0 < column.distinct <= 2 * FEW:
        return False
    if column.kind == "int":
        return bool(set(tokens(column.name)) & _WHOLE)
    return column.kind == "text" and not is_id(column.name) and (column.longest or 0) <= LONGEST_VALUE


def _values(table: Table, column: Column) -> Wish:
    def judged(values: tuple[Any, ...]) -> Iterator[Found]:
        counted: dict[Any, int] = dict(values[0] or {})
        if not _is_closed(column, counted):
            yield from _lengths(table, column)
            return
        ordered = sorted(counted, key=lambda value: (-counted[value], value))
        shown = ", ".join(f"{value} {counted[value]:,}" for value in ordered[:6])
        more = ", ..." if len(ordered) > 6 else ""
        reason = f"seen: {shown}{more}; {nulls(table, column)}"
        kwargs = {"column": column.name, "value_set": sorted(counted)}
        yield Proposal("statistics", IN_SET, kwargs, reason, columns=(column.name,))

    return Wish((f"histogram({table.quote(column.name)})",), judged)


def _is_closed(column: Column, counted: dict[Any, int]) -> bool:
    """Whether tomorrow is unlikely to bring a value that nobody has seen yet."""
    if (
        not counted
        or len(counted) > FEW
        or any("{{" in str(value) or "{%" in str(value) for value in counted)
    ):
        return False
    once = sum(1 for number in counted.values() if number == 1)
    if once > NEW_TOMORROW * column.filled:
        return False
    if column.kind == "int" or not set(tokens(column.name)) & OPEN_SETS:
        return True
    return all(_CONSTANT.fullmatch(str(value)) for value in counted)


def _flag(table: Table, column: Column) -> list[Found]:
    """A flag that has never been up, or never down, is worth a warning once it is."""
    if column.personal or column.filled < ENOUGH_FOR_SETS or column.high not in (0, column.filled):
        return []
    value = column.high != 0
    reason = f"seen: always {str(value).lower()}; {nulls(table, column)}"
    kwargs = {"column": column.name, "value_set": [value]}
    return [Proposal("statistics", IN_SET, kwargs, reason, columns=(column.name,))]


def _lengths(table: Table, column: Column) -> list[Found]:
    """One length where all have it; else none empty, and room for twice the longest, of what is sent and of ids."""
    if column.shortest is None or column.longest is None or column.filled < ENOUGH_FOR_SETS:
        return []
    about = {"column": column.name}
    if column.shortest == column.longest > 1 and column.distinct >= FEW:
        bounds: dict[str, Any] = {"min_value": column.longest, "max_value": column.longest}
        reason = f"all {column.filled:,} texts are of this length"
    elif table.is_sent((column.name,)) or is_id(column.name):
        most = length(column.longest)
        bounds = {"min_value": 1} if column.shortest else {}
        bounds |= {} if most is None else {"max_value": most}
        reason = f"seen: {column.shortest:,} to {column.longest:,} characters"
    else:
        return []
    return (
        [Proposal("statistics", LENGTHS, {**about, **bounds}, reason, columns=(column.name,))]
        if bounds
        else []
    )
