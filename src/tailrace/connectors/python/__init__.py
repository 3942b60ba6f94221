"""A dlt source or resource that a person wrote, in the project's own pipelines/*.py."""

from __future__ import annotations

from tailrace.connectors.python.declaration import DECLARATION

__all__ = ["DECLARATION"]
