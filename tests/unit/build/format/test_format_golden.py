"""Every case of tests/golden/format: `== in` becomes `== out`, `== same` stays, and what came out stays as well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tailrace.build.format.text import format_text

GOLDEN = Path(__file__).parents[3] / "golden" / "format"
HEAD = re.compile(r"^== (in|out|same) ?(.*)\n", re.MULTILINE)


def cases():
    for path in sorted(GOLDEN.glob("*.txt")):
        parts = HEAD.split(path.read_text())[1:]
        sections = [tuple(parts[at : at + 3]) for at in range(0, len(parts), 3)]
        for at, (kind, name, text) in enumerate(sections):
            if kind != "out":
                wanted = text if kind == "same" else sections[at + 1][2]
                yield pytest.param(text, wanted, id=f"{path.stem}: {name}")


@pytest.mark.parametrize(("text", "wanted"), list(cases()))
def test_exactly_this(text, wanted):
    assert format_text(text) == wanted
    assert format_text(wanted) == wanted


def test_there_are_cases():
    assert len(list(cases())) >= 50
