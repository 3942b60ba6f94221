"""What ends a run on BigQuery: its tables are there already, so views move, its row marks it complete, this machine's copies follow."""

from __future__ import annotations

from collections.abc import Iterator

from tailrace.build.built import read_built, read_built_sql
from tailrace.runner.meta import copy_runs
from tailrace.runner.session import Session
from tailrace.warehouse.base import TableRef
from tailrace.warehouse.bigquery import complete
from tailrace.warehouse.bigquery.complete import Live
from tailrace.warehouse.bigquery.warehouse import BigQueryWarehouse
from tailrace.warehouse.landed import CURSORS
from tailrace.warehouse.publish import publish


def complete_run(session: Session, *, meta_only: bool) -> int:
    """Returns the bytes of the copies that commands read. With `meta_only` no view moves: a gate said no, or another run is at work."""
    with session.warehouse() as warehouse:
        assert isinstance(warehouse, BigQueryWarehouse)
        if wants_views(session) and not meta_only:
            complete.publish(warehouse, list(_live(warehouse)), run_id=session.run_id, now=session.now())
        _mark(session, warehouse)
        warehouse.checkpoint()
    return publish(session.work, session.published, keep=0).copied


def wants_views(session: Session) -> bool:
    """Whether the target's profile says `publish: {views: true}`."""
    return bool(session.project.target.settings.get("publish_views"))


def _mark(session: Session, warehouse: BigQueryWarehouse) -> None:
    """The last statement of a run."""
    with warehouse.transaction():
        complete.settle(warehouse)
        copy_runs(warehouse, session.store, ended_only=True)


def roll_back_views(session: Session) -> int:
    """The views show the run before; returns how many moved."""
    with session.warehouse() as warehouse:
        assert isinstance(warehouse, BigQueryWarehouse)
        moved = complete.roll_back(warehouse, run_id=session.run_id, now=session.now())
        with warehouse.transaction():
            complete.settle(warehouse)
        warehouse.checkpoint()
    publish(session.work, session.published, keep=0)
    return moved


def _live(warehouse: BigQueryWarehouse) -> Iterator[Live]:
    """Every model that stands, and of what is landed the current rows and the change log."""
    there: dict[str, dict[str, str]] = {}

    def stands(ref: TableRef) -> bool:
        if ref.schema not in there:
            there[ref.schema] = warehouse.tables(ref.schema)
        return ref.name in there[ref.schema]

    sql = {model: text for model, (text, _) in read_built_sql(warehouse).items()}
    for model, built in read_built(warehouse).items():
        ref = built.table(model)
        if stands(ref):
            yield Live(ref, built.parts.content(), sql.get(model, "") if built.materialized == "view" else "")
    for resource, version in _landed(warehouse):
        schema, _, name = resource.partition(".")
        for ref in (TableRef(schema, name), TableRef(schema, name).suffixed("__changes")):
            if stands(ref):
                yield Live(ref, version)


def _landed(warehouse: BigQueryWarehouse) -> list[tuple[str, str]]:
    """Each resource with a text that changes with its rows."""
    if not warehouse.columns(CURSORS):
        return []
    return [
        (str(row[0]), ":".join(str(number) for number in row[1:]))
        for row in warehouse.query(
            "SELECT resource, data_version, touch_version, raw_done, own_version"
            f" FROM {warehouse.dialect.table(CURSORS)} ORDER BY resource"
        )
    ]
