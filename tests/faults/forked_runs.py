"""Runs of `tailrace`, each in a process of its own that is forked from one which has imported the heavy packages.

A plain start spends 4 CPU s on dlt and Great Expectations; a test that kills thirty runs cannot pay that each time.
As a script it serves: one JSON request a line on stdin, one answer a line on stdout. It imports nothing of tailrace
that a run would look at again (failpoints read the environment on import), and it starts no thread before a fork.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ForkedRuns:
    """The client's side: `start` a command line, then `kill` it or wait for its `end`."""

    def __init__(self, log: Path) -> None:
        self._folder = log
        self._number = 0
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )
        self._read()

    def start(self, cwd: Path, args: list[str], env: dict[str, str]) -> Forked:
        self._number += 1
        out, err = self.log("out"), self.log("err")
        err.touch()  # the child makes it only once it runs
        pid = self._ask(cwd=str(cwd), args=args, env=env, out=str(out), err=str(err))["pid"]
        return Forked(self, pid, out, err)

    def log(self, name: str) -> Path:
        """What the last run wrote to `out` or `err`."""
        return self._folder / f"{self._number}.{name}"

    def wait(self, pid: int) -> int:
        """The exit code; negative where a signal ended it."""
        return int(self._ask(wait=pid)["code"])

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        return json.loads(self._server.stdout.readline())

    def close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=30)


@dataclass
class Forked:
    """One run on its way."""

    runs: ForkedRuns
    pid: int
    out: Path
    err: Path

    def kill_at(self, line: int, pause: float) -> int:
        """SIGKILL once it has logged so many lines and `pause` seconds went by; returns how it ended."""
        while self.lines() < line and not self.has_ended():
            time.sleep(0.002)
        time.sleep(pause)
        os.kill(self.pid, signal.SIGKILL)  # not reaped yet, so the pid is still its own
        return self.runs.wait(self.pid)

    def lines(self) -> int:
        return self.err.read_bytes().count(b"\n")

    def has_ended(self) -> bool:
        """A child that ended waits as a zombie until the server is asked for its code."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    def end(self) -> int:
        return self.runs.wait(self.pid)


def _serve() -> None:
    import dlt.destinations.impl.duckdb.duck
    import dlt.pipeline.pipeline  # noqa: F401
    import duckdb  # noqa: F401
    import httpx2  # noqa: F401
    import pandas  # noqa: F401, ICN001
    import pyarrow.parquet  # noqa: F401
    import sqlalchemy  # noqa: F401
    import sqlglot.optimizer  # noqa: F401

    from tailrace.validate.gx.lean import load

    load()
    _say({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            _say({"code": os.waitstatus_to_exitcode(status)})
        else:
            pid = os.fork()
            if pid == 0:
                _run(request)
            _say({"pid": pid})


def _run(request: dict[str, Any]) -> None:
    """In the child: become the command; never return."""
    code = 70
    try:
        for number, name, mode in (
            (0, os.devnull, os.O_RDONLY),
            (1, request["out"], _NEW),
            (2, request["err"], _NEW),
        ):
            os.dup2(os.open(name, mode, 0o644), number)
        os.chdir(request["cwd"])
        os.environ.update(request["env"])
        from tailrace.cli.frame import invoke
        from tailrace.cli.main import cli

        code = invoke(cli, request["args"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
