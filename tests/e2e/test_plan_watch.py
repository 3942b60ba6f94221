"""`build --watch` in a process of its own, told by its JSON lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading

import pytest

from tests.e2e.project import TAILRACE
from tests.unit.plan.field import Field

SEED = "id,visits\n1,5\n2,6\n"


@pytest.fixture
def field(tmp_path):
    found = Field(tmp_path / "acme")
    for name in list(found.root.rglob("*.sql")) + [found.root / "pipelines/hubspot.yml"]:
        name.unlink()
    for folder in ("expectations", "reverse"):
        (found.root / folder / "scores.yml").unlink()
    found.write("seeds/people.csv", SEED)
    found.write("models/marts/scores.sql", "SELECT id, visits * 2 AS score FROM {{ ref('people') }}")
    found.write(
        "models/marts/marts.yml",
        "models:\n  - name: scores\n    columns: [{name: id, data_tests: [unique]}]\n",
    )
    return found


def tailrace(field, *args):
    return subprocess.run([*TAILRACE, *args], cwd=field.root, capture_output=True, text=True, check=False)


def save(field, name, text):
    """As editors do: written aside, then renamed."""
    aside = (field.root / name).with_suffix(".tmp")
    aside.write_text(text)
    aside.replace(field.root / name)


def told(process):
    """Its lines, each at most a minute after the one before."""
    while True:
        timer = threading.Timer(60, process.kill)
        timer.start()
        line = process.stdout.readline()
        timer.cancel()
        yield line


def test_saves_are_built_compared_and_forgotten(field):
    done = tailrace(field, "build", "--publish")
    assert done.returncode == 0, done.stderr
    published = field.path.read_bytes()
    watching = subprocess.Popen(
        [*TAILRACE, "build", "--watch", "--json"], cwd=field.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        lines = told(watching)
        assert json.loads(next(lines))["models"] == []
        save(field, "models/marts/scores.sql", "SELECT id, visits * 3 AS score FROM {{ ref('people') }}")
        first = json.loads(next(lines))
        assert first["saved"] == ["models/marts/scores.sql"]
        (model,) = first["models"]
        assert model["first"] == [{"id": 1, "score": 15}, {"id": 2, "score": 18}]
        assert (model["change"], model["diff"]["key"], model["diff"]["changed"]) == ("breaking", ["id"], 2)
        save(field, "models/marts/scores.sql", "SELCT id, visits")
        wrong = json.loads(next(lines))
        assert (wrong["status"], wrong["diagnostics"][0]["file"]) == ("failed", "models/marts/scores.sql")
        save(field, "models/marts/scores.sql", "SELECT id, visits * 4 AS score FROM {{ ref('people') }}")
        mended = json.loads(next(lines))
        assert mended["models"][0]["diff"]["examples"][0]["fields"] == {"score": [15, 20]}
        (field.root / "models/marts/scores.sql").unlink()
        (field.root / "models/marts/marts.yml").unlink()
        assert json.loads(next(lines))["models"] == []
        save(field, "seeds/people.csv", SEED + "3,7\n")
        assert json.loads(next(lines))["models"][0]["diff"]["only_after"] == 1
        assert field.path.read_bytes() == published
        assert tailrace(field, "build", "--publish").returncode == 0  # no lock is held
    finally:
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=60)
    assert (watching.returncode, "Traceback" in err) == (0, False), err
    assert "stopped watching" in err
    assert "\x1b[2J" not in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--publish"], "it cannot be used with --publish"),
        (["--full-refresh", "--why"], "it cannot be used with --full-refresh, --why"),
        (["nobody"], "nobody selects nothing"),
    ],
)
def test_what_is_refused(field, args, words):
    done = tailrace(field, "build", "--watch", *args)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_a_folder_without_a_project(tmp_path):
    done = subprocess.run(
        [*TAILRACE, "build", "--watch"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "holds no project" in done.stderr) == (2, True), done.stderr
