"""Slack: one message a row, by an incoming webhook. Nothing comes in."""

from __future__ import annotations

from tailrace.connectors.slack.declaration import DECLARATION

__all__ = ["DECLARATION"]
