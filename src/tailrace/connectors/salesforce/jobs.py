"""Waiting for a bulk job, of either kind: looks that become rarer until the job has ended (vendor-apis.md 2.5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tailrace import interrupts
from tailrace.connectors.salesforce.api import Api
from tailrace.errors import Unavailable
from tailrace.events import Waiting, emit

LONGEST_PAUSE = 30.0
SLICE = 0.2
ENDED = ("JobComplete", "Failed", "Aborted")


class StillRunning(Unavailable):
    """The job has not ended within the time that one run waits."""


def rest(seconds: float) -> None:
    """Sleeps, but no longer than until somebody asks the process to end."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0 and not interrupts.asked():
        time.sleep(min(left, SLICE))


@dataclass(frozen=True)
class Watch:
    """How long a run waits for a job (`longest`), and between its first two looks (`first`), in seconds.

    Somebody who ends the process ends the waiting, too, whichever thread it is in.
    """

    api: Api
    longest: float
    first: float
    pause: Callable[[float], None] = rest

    def ended(self, job: str, path: str) -> Mapping[str, Any]:
        """The job once it has ended, however it did; StillRunning, or Refused NOT_FOUND where it is gone."""
        waited, pause = 0.0, self.first
        while True:
            found: Mapping[str, Any] = self.api.get(path, known=("NOT_FOUND",))
            state = str(found.get("state"))
            if state in ENDED:
                return found
            if waited + pause > self.longest or interrupts.asked():
                raise StillRunning(
                    f"{self.api.connection}: bulk job {job} is {state} after {waited:.0f} s",
                    "run again, and it goes on with this job; bulk_wait sets how long to wait",
                )
            emit(Waiting(self.api.connection, pause, f"bulk job {state}"))
            self.pause(pause)
            waited, pause = waited + pause, min(LONGEST_PAUSE, pause * 2)
