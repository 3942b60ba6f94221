"""The line that a terminal shows, as a terminal gets it."""

from __future__ import annotations

import os
import pty
import re
import select
from contextlib import redirect_stderr

import pytest

from tailrace import events
from tailrace.cli import progress
from tailrace.cli.frame import Frame
from tailrace.events import Notice, Progress, RequestDone, StepFinished, StepStarted, Waiting, emit

CLEAR = re.compile(r"\r\x1b\[2K")


@pytest.fixture
def terminal(monkeypatch):
    """A real terminal as stderr, and a clock that a test sets; calling it gives every line drawn, in order."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    stream = os.fdopen(theirs, "w", buffering=1)
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])

    def drawn() -> list[str]:
        stream.flush()
        seen = b""
        while select.select([ours], [], [], 0.3)[0]:  # the kernel hands a terminal's bytes on in its own time
            seen += os.read(ours, 65536)
        return [line for line in CLEAR.split(seen.decode()) if line]

    drawn.clock, drawn.stream = clock, stream
    yield drawn
    stream.close()
    os.close(ours)


def asked(connection="hubspot"):
    return RequestDone(connection, "GET", "/x", 200, 0.1, 1)


def land(terminal, *what):
    """Emits each event a second after the one before."""
    with redirect_stderr(terminal.stream), progress.shown(Frame()):
        for event in what:
            terminal.clock[0] += 1.5
            emit(event)
    return terminal()


def test_rows_pages_and_the_reason_of_a_wait(terminal):
    lines = land(
        terminal,
        StepStarted("land", "hubspot.contacts"),
        Progress("land", "hubspot.contacts", 12300, None, "rows", 123),
        Waiting("hubspot", 8.2, "rate limit"),
    )
    assert lines == [
        "  land hubspot.contacts  12,300 rows  123 pages",
        "  land hubspot.contacts  12,300 rows  123 pages  waiting 8 s: rate limit",
    ]


def test_the_wait_goes_when_an_answer_comes(terminal):
    lines = land(
        terminal,
        StepStarted("land", "hubspot.contacts"),
        Progress("land", "hubspot.contacts", 1, None, "rows", 1),
        Waiting("hubspot", 3, "status 503"),
        asked(),
    )
    assert lines[-2:] == [
        "  land hubspot.contacts  1 rows  1 page  waiting 3 s: status 503",
        "  land hubspot.contacts  1 rows  1 page",
    ]


def test_requests_are_counted_until_rows_come(terminal):
    lines = land(
        terminal,
        StepStarted("land", "salesforce.Contact"),
        asked("salesforce"),
        asked("salesforce"),
        Progress("land", "salesforce.Contact", 2000, None, "rows", 1),
        StepFinished("land", "salesforce.Contact", "ok", 2000, 2000, 1.0),
        StepStarted("land", "salesforce.Lead"),
        asked("salesforce"),
    )
    assert lines == [
        "  land salesforce.Contact  1 request",
        "  land salesforce.Contact  2 requests",
        "  land salesforce.Contact  2,000 rows  1 page",
        "  land salesforce.Lead  1 request",
    ]


def test_what_is_quick_draws_nothing(terminal):
    with redirect_stderr(terminal.stream), progress.shown(Frame()):
        emit(StepStarted("land", "ga4.sessions"))
        emit(Progress("land", "ga4.sessions", 10, None, "rows", 1))
        emit(Waiting("ga4", 0.2, "rate limit"))
        emit(Notice("warning", "end"))
    assert terminal() == ["warning: end\r\n"]


def test_a_known_total_is_a_bar(terminal):
    (line,) = land(terminal, Progress("activate", "scores", 50, 200, "rows"))
    assert line == f"  activate scores  [{'#' * 7}{'.' * 21}] 50 of 200 rows"


def test_a_line_never_wraps(terminal, monkeypatch):
    monkeypatch.setattr(progress.os, "get_terminal_size", lambda _: os.terminal_size((40, 20)))
    (line,) = land(terminal, Progress("land", "a" * 60, 1, None, "rows"))
    assert len(line) == 39


def test_json_draws_nothing(terminal, monkeypatch):
    monkeypatch.setattr(events._BUS, "subscribers", [])  # those of other tests' open warehouses
    with redirect_stderr(terminal.stream), progress.shown(Frame(as_json=True)):
        terminal.clock[0] += 5
        emit(Progress("land", "x", 1, None, "rows"))
        emit(Notice("info", "told"))
    assert terminal() == ["info: told\r\n"]
    assert not events._BUS.subscribers


def test_a_model_shows_itself_as_it_begins(terminal):
    """Nothing is heard of a long statement until it has ended: one that is built shows at once, one that is skipped never."""
    with redirect_stderr(terminal.stream), progress.shown(Frame()):
        emit(Progress("build", "stg_deals", 11, 300, "models"))
        emit(StepStarted("build", "people"))
        emit(Progress("build", "people", 12, 300, "models"))
    assert terminal() == [f"  build people  [{'#'}{'.' * 27}] 12 of 300 models"]
