"""Google's Data Manager: members of Customer Match audiences, hashed. Nothing comes in."""

from __future__ import annotations

from tailrace.connectors.google_data_manager.declaration import DECLARATION

__all__ = ["DECLARATION"]
