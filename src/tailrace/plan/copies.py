"""The file that commands read: DuckDB's published one, or of a BigQuery target the copies of this machine, if need be fetched anew."""

from __future__ import annotations

from tailrace.errors import AuthError, WarehouseError
from tailrace.events import Notice, emit
from tailrace.project.spec import Project
from tailrace.warehouse.duckdb import DuckDBWarehouse


def is_readable(project: Project) -> bool:
    """Whether anything was published; what another machine wrote to a BigQuery target since is fetched first."""
    if project.target.type == "bigquery":
        _renew(project)
    return project.published.exists()


def open_published(project: Project) -> DuckDBWarehouse:
    """Read-only; the caller closes it."""
    target = project.target
    settings = target.settings if target.type == "duckdb" else {}
    return DuckDBWarehouse(project.published, read_only=True, settings=settings, attach=target.attach)


def _renew(project: Project) -> None:
    """Where BigQuery cannot be asked, what is here is shown, and said to be old."""
    from tailrace.warehouse.bigquery.copies import renew

    try:
        renew(project.target.settings, project.published, project.state_dir / "work.duckdb")
    except (WarehouseError, AuthError) as error:
        if not project.published.exists():
            raise
        emit(
            Notice(
                "warning", f"this machine's copies are shown, since BigQuery cannot be asked: {error.message}"
            )
        )
