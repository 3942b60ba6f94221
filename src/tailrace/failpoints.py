"""Places where a test may end the process as a kill would: `TAILRACE_FAILPOINT=land:before_commit`.

A name may carry `@3`: the third time it is reached. Without the variable this costs one dictionary look-up.
"""

from __future__ import annotations

import os

_WANTED, _, _COUNT = os.environ.get("TAILRACE_FAILPOINT", "").partition("@")
_seen: list[str] = []


def reach(name: str) -> None:
    """End the process here, without any clean-up, if the environment asks for it."""
    if name != _WANTED:
        return
    _seen.append(name)
    if len(_seen) >= int(_COUNT or 1):
        os._exit(137)
