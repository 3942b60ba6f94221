"""Logs of what happened, made from events."""
