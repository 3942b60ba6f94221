"""Rows to any URL, as signed webhooks (Standard Webhooks 1.0): for Zapier, Make, Workato, Tray and what people write themselves."""

from __future__ import annotations

from tailrace.connectors.webhook.declaration import DECLARATION

__all__ = ["DECLARATION"]
