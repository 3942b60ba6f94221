"""What a lease's table says of it: JSON in the table's description, so that looking costs nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

NAME = re.compile(r"lease_(?:(?P<lock>.+)_)?(?P<number>\d{12})")
RUN = "run"
MOST = 16_000
"""Characters that Google takes as a table's description."""


def table_of(lock: str, number: int) -> str:
    """`lease_000000000012`; another lock than the target's own has its name in it."""
    return f"lease_{number:012}" if lock == RUN else f"lease_{lock}_{number:012}"


def lock_of(table: str) -> tuple[str, int] | None:
    """A lease's lock and number; None for a table that is no lease."""
    found = NAME.fullmatch(table)
    return (found["lock"] or RUN, int(found["number"])) if found else None


@dataclass(frozen=True)
class Entry:
    """`expires` in seconds since 1970, by Google's clock or (`by_google` false) by the holder's own.

    `file` names the work file whose copies are as the target is, `copying` the target from which a copy has not ended; `budgets` what the holder knew of the accounts' buckets.
    """

    number: int
    nonce: str
    host: str
    pid: int
    run: str
    expires: float
    by_google: bool
    released: bool = False
    file: str = ""
    copying: str = ""
    budgets: Mapping[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Budgets are left out where they are too long: the next holder learns them from the vendor."""
        told = asdict(self)
        del told["number"]
        text = json.dumps(told, separators=(",", ":"))
        return text if len(text) <= MOST else json.dumps({**told, "budgets": {}}, separators=(",", ":"))

    @classmethod
    def read(cls, number: int, text: str) -> Entry | None:
        """None where somebody else has written the description."""
        try:
            told = json.loads(text)
            return cls(
                number, str(told["nonce"]), str(told["host"]), int(told["pid"]), str(told["run"]), float(told["expires"]),
                bool(told["by_google"]), bool(told["released"]), str(told["file"]), str(told["copying"]), dict(told["budgets"]),
            )  # fmt: skip
        except (ValueError, TypeError, KeyError):
            return None

    @property
    def holder(self) -> str:
        return f"process {self.pid} on {self.host}" + (f", run {self.run}" if self.run else "")
