"""A contract: the built columns are those of the YAML with their types, in its order, and its constraints hold, or nothing is swapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tailrace.build.materialize.foreign_key import lost_keys
from tailrace.build.materialize.job import Job, matching
from tailrace.build.materialize.writer import Check
from tailrace.build.settings.refused import SettingRefused
from tailrace.errors import Location

Wrong = tuple[str, Location | None]
"""What differs, and where the YAML says otherwise."""


def contract_of(job: Job) -> Check | None:
    """What the model's contract has to say of its rows; None where it has none."""
    if not job.node.settings.contract:
        return None
    return lambda table: enforce_contract(job, table)


def enforce_contract(job: Job, table: str) -> None:
    """`table` is quoted and holds the new rows; SettingRefused lists all that differs, at the first column's place."""
    if not job.node.settings.contract:
        return
    columns = job.writer.columns(table)
    wrong = list(_differences(job, columns)) or list(_broken(job, list(columns), table))
    if wrong:
        said = "; ".join(text for text, _ in wrong)
        place = next((place for _, place in wrong if place), None) or job.node.settings.places.get("contract")
        raise SettingRefused(f"the contract is broken: {said}", "mend the SQL or the contract", place)


def ordered_columns(job: Job, select: str) -> list[str]:
    """The columns of a SELECT in the contract's order; none where it has none, or the order is that, or it is broken anyway."""
    if not job.node.settings.contract or not job.node.documented:
        return []
    columns = list(job.writer.result(select))
    wanted = [matching(doc.name, columns) for doc in job.node.documented]
    found = [name for name in wanted if name is not None]
    return found if len(found) == len(wanted) == len(columns) and found != columns else []


def _differences(job: Job, columns: Mapping[str, str]) -> Iterator[Wrong]:
    documented = {doc.name.casefold(): doc for doc in job.node.documented}
    for doc in job.node.documented:
        built = matching(doc.name, list(columns))
        if built is None:
            yield f"{doc.name} is missing", doc.location
        elif doc.data_type is None:
            yield f"{doc.name} has no data_type in the contract", doc.location
        elif (wanted := job.writer.type_of(doc.data_type)) is None:
            yield f"{doc.data_type} of {doc.name} is no type", doc.location
        elif not _same(wanted, columns[built], doc.data_type):
            yield f"{doc.name} is {columns[built]} and not {wanted}", doc.location
    for name in columns:
        if name.casefold() not in documented:
            yield f"{name} is not in the contract", None


def _same(wanted: str, built: str, declared: str) -> bool:
    """A type without its precision means any, as in dbt."""
    return wanted == built or ("(" not in declared and wanted.partition("(")[0] == built.partition("(")[0])


def _broken(job: Job, columns: list[str], table: str) -> Iterator[Wrong]:
    for constraint in job.node.constraints:
        for said in _constraint(job, constraint, constraint.get("columns") or (), columns, table):
            yield said, None
    for doc in job.node.documented:
        for constraint in doc.constraints:
            for said in _constraint(job, constraint, (doc.name,), columns, table):
                yield said, doc.location


def _constraint(
    job: Job, constraint: Mapping[str, Any], named: Any, columns: list[str], table: str
) -> Iterator[str]:
    kind = str(constraint.get("type"))
    names = [matching(str(name), columns) or str(name) for name in named]
    keys = job.listed(names)
    if kind in ("not_null", "primary_key"):
        for name in names:
            rows = _count(job, f"SELECT count(*) FROM {table} WHERE {job.quoted(name)} IS NULL")
            if rows:
                yield f"{name} is NULL in {rows:,} rows"
    if kind in ("unique", "primary_key"):
        rows = _count(
            job,
            f"SELECT count(*) FROM (SELECT {keys} FROM {table} WHERE ({keys}) IS NOT NULL"
            f" GROUP BY ALL HAVING count(*) > 1)",
        )
        if rows:
            yield f"{', '.join(names)} is not unique ({rows:,} values repeat)"
    if kind == "check":
        said = job.writer.words(str(constraint.get("expression")))
        rows = _count(job, f"SELECT count(*) FROM {table} WHERE NOT ({said})")
        if rows:
            yield f"check {constraint.get('expression')} fails in {rows:,} rows"
    if kind == "foreign_key":
        yield from lost_keys(job, constraint, names, table)
    if kind not in ("not_null", "primary_key", "unique", "check", "foreign_key"):
        yield f"a constraint {kind} cannot be enforced here"


def _count(job: Job, sql: str) -> int:
    return int(job.writer.ask(sql)[0][0])
