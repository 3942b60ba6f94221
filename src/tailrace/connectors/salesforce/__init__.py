"""Salesforce: any sObject in, with its deletes and merges. Nothing is sent back yet."""

from __future__ import annotations

from tailrace.connectors.salesforce.declaration import DECLARATION

__all__ = ["DECLARATION"]
