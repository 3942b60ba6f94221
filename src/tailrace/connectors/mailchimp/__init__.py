"""Mailchimp: audiences, their members, campaigns and what recipients did with them."""

from __future__ import annotations

from tailrace.connectors.mailchimp.declaration import DECLARATION

__all__ = ["DECLARATION"]
