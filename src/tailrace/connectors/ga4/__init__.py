"""Google Analytics 4: any report of the Data API by day. Nothing is sent back."""

from __future__ import annotations

from tailrace.connectors.ga4.declaration import DECLARATION

__all__ = ["DECLARATION"]
