"""What goes wrong in a template, as exceptions on their way to a diagnostic."""

from __future__ import annotations

from typing import Any


class Mistake(Exception):
    """A call that cannot be answered: what is wrong, and the fix."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class NotText(Exception):
    """Something is printed that is no text, number or list."""


class Returned(Exception):
    """A macro said return(); carries the value, whatever its type."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value
