"""GA4's BigQuery export: one row per event, from BigQuery or from exported files. Nothing is sent back."""

from __future__ import annotations

from tailrace.connectors.ga4_export.declaration import DECLARATION

__all__ = ["DECLARATION"]
