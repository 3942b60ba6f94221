"""What became of each step of a build, told as soon as it is final."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from tailrace.state.runs import StepResult

Tell = Callable[[Sequence[StepResult]], None]


class Results:
    """Told once each, in the order given: a result waits for those before it."""

    def __init__(self, order: Sequence[str], tell: Tell) -> None:
        self._found: dict[str, StepResult] = {}
        self._waiting = deque(order)
        self._tell = tell

    @property
    def found(self) -> Mapping[str, StepResult]:
        return self._found

    def keep(self, result: StepResult) -> None:
        """It is told with the next that calls for it."""
        self._found[result.name] = result

    def keep_hook(self, result: StepResult, *, first: bool) -> None:
        """A project's hook that failed, before or after all models."""
        (self._waiting.appendleft if first else self._waiting.append)(result.name)
        self.keep(result)

    def tell(self) -> None:
        """All that is final, at once."""
        ready = []
        while self._waiting and self._waiting[0] in self._found:
            ready.append(self._found[self._waiting.popleft()])
        if ready:
            self._tell(ready)
