"""Every file of tests/golden/templates: what its models become, and what is wrong with them."""

from __future__ import annotations

import os

import pytest
from tests.unit.build.template.cases import GOLDEN, bench_of, plain, sections

CASES = sorted(GOLDEN.glob("*.txt"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_exactly_this(case):
    wanted = sections(case)
    bench = bench_of(wanted)
    got = {}
    for model in bench.project.models:
        found = bench.render(model.sql, name=model.name)
        if found is not None:
            got[f"gives {model.name}"] = "\n".join(
                plain(line) for line in found.sql.splitlines() if line.strip()
            )
    got["expect"] = "\n".join(sorted(map(str, bench.problems)))
    if bench.warehouse is not None:
        bench.warehouse.close()
    if os.environ.get("TAILRACE_GOLDEN") == "write":
        kept = "".join(
            f"== {name}\n{text}"
            for name, text in wanted.items()
            if name != "expect" and not name.startswith("gives ")
        )
        case.write_text(
            kept + "".join(f"== {name}\n{text}\n" for name, text in got.items() if text or name != "expect")
        )
        wanted = sections(case)
    expected = {
        name: text.strip("\n")
        for name, text in wanted.items()
        if name == "expect" or name.startswith("gives ")
    }
    assert {name: text for name, text in got.items() if text or name != "expect"} == expected


def test_there_are_cases():
    assert len(CASES) >= 6
