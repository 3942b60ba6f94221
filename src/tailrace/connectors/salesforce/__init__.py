"""Salesforce: any sObject in, with its deletes and merges, and out, by Collections or Bulk 2.0."""

from __future__ import annotations

from tailrace.connectors.salesforce.declaration import DECLARATION

__all__ = ["DECLARATION"]
