"""GA4's BigQuery export: the dataset's tables, their rows, and simple queries, as BigQuery's REST API answers them."""

from __future__ import annotations

from tailrace.sandbox.ga4_export.fake import Ga4Export

__all__ = ["FAKE", "Ga4Export"]

FAKE = Ga4Export
