"""Any HTTP API that pages through JSON, described by dlt's own RESTAPIConfig."""

from __future__ import annotations

from tailrace.connectors.rest_api.declaration import DECLARATION

__all__ = ["DECLARATION"]
