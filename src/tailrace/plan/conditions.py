"""SQL conditions in a sync's YAML: one boolean expression over the model's columns."""

from __future__ import annotations

from collections.abc import Sequence

from tailrace.errors import Diagnostic, Location, near_miss


def check_condition(
    sql: str, location: Location, key: str, columns: Sequence[str] | None, dialect: str
) -> list[Diagnostic]:
    """What is wrong with `where` or `suppress`: it does not parse, is a query, or names columns that are not there."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        parsed = sqlglot.parse_one(f"SELECT 1 WHERE {sql}", read=dialect)
    except SqlglotError as error:
        return [
            Diagnostic(location, f"{key} is not a SQL condition: {_first(error)}", "Write it as after WHERE")
        ]
    where = parsed.args.get("where")
    rest = [
        name for name, value in parsed.args.items() if value and name not in ("expressions", "where", "kind")
    ]
    if where is None or rest:
        return [Diagnostic(location, f"{key} must be one condition, as after WHERE", "")]
    if where.find(exp.Subquery, exp.Select, exp.AggFunc, exp.Window):
        return [
            Diagnostic(
                location,
                f"{key} reads one row only: no subquery, aggregate or window",
                "Compute it in the model",
            )
        ]
    if columns is None:
        return []
    known = {column.lower() for column in columns}
    names = sorted({column.name for column in where.find_all(exp.Column) if column.name.lower() not in known})
    return [
        Diagnostic(location, f"{key} names {name}, which the model does not have", near_miss(name, columns))
        for name in names
    ]


def _first(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
