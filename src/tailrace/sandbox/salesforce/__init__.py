"""Salesforce on localhost: REST and Bulk 2.0 over one stateful org (vendor-apis.md 2)."""

from __future__ import annotations

from tailrace.sandbox.salesforce.fake import Salesforce

FAKE = Salesforce

__all__ = ["FAKE", "Salesforce"]
