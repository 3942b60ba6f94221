"""Tables of an SQL database that SQLAlchemy reaches, through dlt's sql_database."""

from __future__ import annotations

from tailrace.connectors.sql_database.declaration import DECLARATION

__all__ = ["DECLARATION"]
