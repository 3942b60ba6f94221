"""Ctrl-C that cannot get lost: a library may swallow KeyboardInterrupt in a callback, so a flag remembers it.

Steps ask at their boundaries; a second Ctrl-C ends the process at once. While an engine works on one long statement Python
runs no handler: `stopping` has a thread that hears of the signal at once and tells the engine.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ASKED = threading.Event()
_EXIT = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN = 0.05
"""Seconds until an engine is told once more: between two statements it does not listen."""


def install() -> None:
    """From here on SIGINT and SIGTERM are remembered as well as raised; only the main thread may call this."""
    if threading.current_thread() is threading.main_thread():
        _ASKED.clear()
        for number in _SIGNALS:
            signal.signal(number, _interrupt)


def asked() -> bool:
    """Whether somebody asked: an error that comes after it is only its echo."""
    return _ASKED.is_set()


def check() -> None:
    """KeyboardInterrupt where somebody asked the process to end."""
    if _ASKED.is_set():
        raise KeyboardInterrupt


@contextmanager
def stopping(stop: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Inside the block a signal raises nothing: `stop` is called from a thread until the block ends, or calls what it is given.

    The block has to `check`; one that did not ends in KeyboardInterrupt. Where `install` was not called, nothing changes.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not _interrupt:
        yield _nothing
        return
    watcher = _Watcher(stop)
    try:
        yield watcher.end
    finally:
        watcher.end()
    check()


class _Watcher:
    """Reads the numbers of signals from the pipe into which the interpreter's C handler writes them."""

    def __init__(self, stop: Callable[[], object]) -> None:
        self._stop = stop
        self._numbers, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._before = signal.set_wakeup_fd(self._pipe, warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, _heard)
        self._thread.start()
        self._ended = False

    def end(self) -> None:
        """From here on nothing is stopped any more."""
        if self._ended:
            return
        self._ended = True
        for number in _SIGNALS:
            signal.signal(number, _interrupt)
        signal.set_wakeup_fd(self._before)
        os.close(self._pipe)
        self._thread.join()
        os.close(self._numbers)

    def _watch(self) -> None:
        while True:
            ready, _, _ = select.select([self._numbers], [], [], _AGAIN if asked() else None)
            if ready:
                numbers = os.read(self._numbers, 64)
                if not numbers:
                    return
                for _ in (number for number in numbers if number in _SIGNALS):
                    if asked():
                        os._exit(_EXIT)
                    _ASKED.set()
            if asked():
                self._stop()


def _heard(_signal: int, _frame: FrameType | None) -> None:
    """The watcher does what there is to do."""


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    if _ASKED.is_set():
        os._exit(_EXIT)
    _ASKED.set()
    raise KeyboardInterrupt


def _nothing() -> None:
    """There is no watcher to end."""
