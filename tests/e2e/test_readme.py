"""The README's tutorial, line by line, as its reader types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SANDBOX = "http://127.0.0.1:8080"


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_the_tutorial_works_as_it_is_written(tmp_path, world):
    subprocess.run(
        ["curl", "-sfX", "POST", f"{world.url}/_sandbox/reset"], check=True, stdout=subprocess.DEVNULL
    )
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    command = bin_folder / "tailrace"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m tailrace "$@"\n')
    command.chmod(0o755)
    env = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "TAILRACE_SANDBOX": world.url}

    def sh(block: str, folder: Path, code: int = 0) -> str:
        script = block.replace(SANDBOX, world.url)
        done = subprocess.run(
            ["bash", "-euc", script], cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (block, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout

    make, init, serve, first, ask, report, day, plan, run = blocks()
    assert make.split() == ["make", "demo", "make", "test"]
    assert serve.strip() == "tailrace sandbox"
    sh(init, tmp_path)
    acme = tmp_path / "acme"
    out = sh(first, acme)
    assert out.count("write request") == 2
    assert "0 write requests" in out
    answers = sh(ask, acme)
    assert "grade" in answers
    assert "insert" in answers
    assert "malformed" in answers
    assert "acked" in answers
    assert "suite: daily_sessions" in sh(report, acme)
    assert "malformed" in (acme / "report.html").read_text()
    assert "updated" in sh(day, acme)
    old, new = re.search(
        r"`(2 \* visits)` becomes `(3 \* visits)`", (ROOT / "README.md").read_text()
    ).groups()
    model = acme / "models" / "marts" / "lead_scores.sql"
    assert old in model.read_text()
    model.write_text(model.read_text().replace(old, new))
    planned = sh(plan, acme)
    assert "lead_scores" in planned
    assert "before" in planned
    stopped = sh(run, acme, code=3)
    changeset = re.search(r"tailrace approve (\w+)", stopped)[1]
    sh(f"tailrace approve {changeset}", acme)
    assert " updated" in sh(run, acme)
