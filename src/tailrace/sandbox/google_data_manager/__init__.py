"""Google's Data Manager API: members of audiences in and out, judged some moments later."""

from __future__ import annotations

from tailrace.sandbox.google_data_manager.fake import GoogleDataManager

__all__ = ["FAKE", "GoogleDataManager"]

FAKE = GoogleDataManager
