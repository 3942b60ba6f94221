"""HubSpot CRM: contacts, companies, deals, owners, custom objects and associations in; objects back out."""

from __future__ import annotations

from tailrace.connectors.hubspot.declaration import DECLARATION

__all__ = ["DECLARATION"]
