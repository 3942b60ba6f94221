"""The GA4 Data API: runReport, batchRunReports, metadata, and a token endpoint."""

from __future__ import annotations

from tailrace.sandbox.ga4.fake import Ga4

__all__ = ["FAKE", "Ga4"]

FAKE = Ga4
