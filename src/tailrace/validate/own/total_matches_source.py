"""`total_matches_source`: a column adds up to what its source adds up to, for the whole table or group by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.project.spec import Expectation
from tailrace.validate.entry import Entry, Problem
from tailrace.validate.own import kwargs as values
from tailrace.validate.own import sql
from tailrace.validate.own.columns import shown_group
from tailrace.validate.own.declaration import Asked, Context, Found, OwnCheck
from tailrace.validate.own.tables import table_of
from tailrace.validate.question import Answer
from tailrace.warehouse.base import TableRef

TOLERANCE = 0.001
_EXACT = "DECIMAL(38, 9)"
"""Sums of it are exact, in any order of the rows; BigQuery's NUMERIC is the same."""

_SHOWN = 3
_GIVEN = ("model_total", "source_total", "difference", "ours", "theirs")
"""What the query calls its own columns."""


def _wrong_with(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    yield from values.table(kwargs, "source")
    yield from values.sql(("kwargs", "source_column"), kwargs.get("source_column"))
    yield from values.sql(("kwargs", "source_where"), kwargs.get("source_where"))
    yield from values.texts(kwargs, "by")
    yield from _names(kwargs)
    theirs = kwargs.get("source_by")
    for place, text in enumerate(theirs if isinstance(theirs, list | tuple) else ()):
        yield from values.sql(("kwargs", "source_by", place), text)
    yield from values.number(kwargs, "tolerance", TOLERANCE, high=1)
    yield from values.number(kwargs, "absolute", 0.01)
    yield from _pairs(kwargs)


def _names(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    groups = kwargs.get("by")
    for place, name in enumerate(groups if isinstance(groups, list | tuple) else ()):
        if str(name).lower() in _GIVEN:
            yield (
                ("kwargs", "by", place),
                f"by cannot be {name}: the totals are called so",
                "Rename it in the model",
            )


def _pairs(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    ours, theirs = kwargs.get("by") or (), kwargs.get("source_by")
    if isinstance(theirs, list | tuple) and isinstance(ours, list | tuple) and len(ours) != len(theirs):
        why = f"source_by has {len(theirs)} of by's {len(ours)} parts"
        yield ("kwargs", "source_by"), why, "Write one SQL expression per column of by, in its order"


def query(kwargs: Mapping[str, Any], source: TableRef, *, all_groups: bool = False) -> str:
    """One row per group whose totals differ: the group's columns, model_total, source_total, difference; `all_groups`: for every group.

    Both sides are added up in one grouping, in which NULL is a group like any other and a group that one side lacks is 0 there.
    """
    ours = [str(name) for name in kwargs.get("by") or ()]
    theirs = [str(text) for text in kwargs.get("source_by") or [sql.name(name) for name in ours]]
    by = [sql.name(name) for name in ours]
    our_groups = "".join(f"{name}, " for name in by)
    their_groups = "".join(f"{sql.enclosed(text)} AS {name}, " for text, name in zip(theirs, by, strict=True))
    where = f" WHERE {sql.enclosed(kwargs['source_where'])}" if kwargs.get("source_where") else ""
    grouped = f" GROUP BY {', '.join(by)}" if by else ""
    return f"""WITH amounts AS (
  SELECT {our_groups}CAST({sql.name(str(kwargs["column"]))} AS {_EXACT}) AS ours, CAST(NULL AS {_EXACT}) AS theirs FROM {sql.BATCH}
  UNION ALL
  SELECT {their_groups}CAST(NULL AS {_EXACT}) AS ours, CAST({sql.enclosed(kwargs["source_column"])} AS {_EXACT}) AS theirs FROM {sql.name(source.schema)}.{sql.name(source.name)}{where}
), totals AS (
  SELECT {our_groups}coalesce(sum(ours), 0) AS model_total, coalesce(sum(theirs), 0) AS source_total FROM amounts{grouped}
)
SELECT {our_groups}model_total, source_total, model_total - source_total AS difference FROM totals""" + (
        "" if all_groups else f"\nWHERE {_differs(kwargs)}"
    )


def _differs(kwargs: Mapping[str, Any]) -> str:
    """By more than the larger of a share of the source's total and an absolute amount; of 0 and 0 by nothing."""
    share, absolute = float(kwargs.get("tolerance", TOLERANCE)), float(kwargs.get("absolute", 0))
    allowed = f"greatest(CAST(abs(source_total) AS DOUBLE) * {share!r}, {absolute!r})"
    return f"CAST(abs(model_total - source_total) AS DOUBLE) > {allowed}"


def _ask(context: Context, item: Expectation) -> Asked | Found:
    source = table_of(context.warehouse, str(item.kwargs["source"]))
    told = sql.spelled(context.warehouse.dialect, query(item.kwargs, source))
    relation = context.relations.named(item.where)
    return Asked(relation, "unexpected_rows_expectation", {"unexpected_rows_query": told}, source)


def _tell(context: Context, item: Expectation, asked: Asked, answer: Answer) -> Found:
    """The largest differences in words; the number is the largest, as a share of its source's total."""
    by = [str(name) for name in item.kwargs.get("by") or ()]
    whole = sql.spelled(context.warehouse.dialect, query(item.kwargs, asked.note, all_groups=answer.success))
    rows = f"({whole.replace(sql.BATCH, asked.relation)}\n) AS found"
    quoted = [context.warehouse.dialect.quote(name) for name in by]
    order = ", ".join(["abs(difference) DESC", *quoted])
    groups = context.warehouse.query(f"SELECT count(*) FROM {rows}")[0][0]
    found = context.warehouse.query(f"SELECT * FROM {rows} ORDER BY {order} LIMIT {_SHOWN}")
    worst = max((_share(row[-1], row[-2]) for row in found), default=0.0)
    if answer.success:
        return Found(
            f"{values.counted(groups, 'total')} compared, the largest difference is {worst:.4%}", worst
        )
    hidden = str(item.kwargs["column"]).lower() in context.personal
    told = ", ".join(_difference(context, by, row, hidden=hidden) for row in found)
    more = f", and {groups - _SHOWN:,} more" if groups > _SHOWN else ""
    return Found(f"{values.counted(groups, 'total')} differ{'s' if groups == 1 else ''}: {told}{more}", worst)


def _share(difference: Any, total: Any) -> float:
    return abs(float(difference)) / abs(float(total)) if total else float(bool(difference))


def _difference(context: Context, by: list[str], row: tuple[Any, ...], *, hidden: bool) -> str:
    ours, theirs = ("***", "***") if hidden else (_amount(row[-3]), _amount(row[-2]))
    return f"{ours} here, {theirs} in the source{shown_group(context, by, row[: len(by)])}"


def _amount(value: Any) -> str:
    """Without the zeros that only the type has."""
    whole, _, rest = f"{value:,f}".partition(".")
    return f"{whole}.{rest.rstrip('0'):0<2}" if rest.rstrip("0") else whole


def _expected(kwargs: Mapping[str, Any]) -> str:
    of = f" for every {values.listed(kwargs['by'])}" if kwargs.get("by") else ""
    share, absolute = kwargs.get("tolerance", TOLERANCE), kwargs.get("absolute")
    within = f" within {share * 100:g}%" if share else " exactly"
    within += f" or {absolute:g}" if absolute else ""
    return f"{kwargs['column']} adds up to what {kwargs['source']} has{of},{within}"


def _failure(kwargs: Mapping[str, Any]) -> str:
    return f"{kwargs['column']} does not add up to what {kwargs['source']} has"


CHECK = OwnCheck(
    "total_matches_source",
    Entry(
        "column",
        by_row=False,
        kwargs={
            "column": ("text",), "source": ("text",), "source_column": ("text",), "by": ("list",), "source_by": ("list",),
            "source_where": ("text",), "tolerance": ("number",), "absolute": ("number",),
        },
        required=("column", "source", "source_column"),
        own=True,
    ),
    _wrong_with,
    _ask,
    _tell,
    _expected,
    _failure,
    tables=("source",),
)  # fmt: skip
