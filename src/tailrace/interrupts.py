"""Ctrl-C that cannot get lost: a library may swallow KeyboardInterrupt in a callback, so a flag remembers it.

Steps ask at their boundaries; a second Ctrl-C ends the process at once.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

_ASKED = threading.Event()
_EXIT = 130


def install() -> None:
    """From here on SIGINT and SIGTERM are remembered as well as raised; only the main thread may call this."""
    if threading.current_thread() is threading.main_thread():
        _ASKED.clear()
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGTERM, _interrupt)


def asked() -> bool:
    """Whether somebody asked: an error that comes after it is only its echo."""
    return _ASKED.is_set()


def check() -> None:
    """KeyboardInterrupt where somebody asked the process to end."""
    if _ASKED.is_set():
        raise KeyboardInterrupt


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    if _ASKED.is_set():
        os._exit(_EXIT)
    _ASKED.set()
    raise KeyboardInterrupt
