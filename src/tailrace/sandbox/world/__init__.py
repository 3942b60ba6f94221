"""The generated world: one fictional B2B company as its CRM, its ad accounts and its web analytics know it."""

from __future__ import annotations

from tailrace.sandbox.world.model import World, make_world

__all__ = ["World", "make_world"]
