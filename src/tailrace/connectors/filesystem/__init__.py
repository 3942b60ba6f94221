"""CSV, JSON lines and Parquet files in or beside the project."""

from __future__ import annotations

from tailrace.connectors.filesystem.declaration import DECLARATION

__all__ = ["DECLARATION"]
