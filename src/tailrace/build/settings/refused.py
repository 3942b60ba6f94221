"""A setting that only the built rows show to be wrong, with the place where a person wrote it."""

from __future__ import annotations

from tailrace.errors import Location, WarehouseError


class SettingRefused(WarehouseError):
    """`place` is where the setting stands; None where nobody knows any more."""

    def __init__(self, message: str, fix: str = "", place: Location | None = None) -> None:
        super().__init__(message, fix)
        self.place = place
