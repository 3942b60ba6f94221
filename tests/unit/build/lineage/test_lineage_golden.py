"""Every query of tests/golden/lineage: its lineage is exactly what stands below it."""

from __future__ import annotations

import os

import pytest
from tests.unit.build.lineage.cases import FOLDER, cases, described, lineage, write

if os.environ.get("TAILRACE_GOLDEN") == "write":
    for path in FOLDER.glob("*.sql"):
        if path.stem != "tables":
            write(path)
CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_exactly_this(case):
    assert described(*lineage(case.sql, case.dialect)) == case.expected


def test_there_are_cases():
    assert len(CASES) >= 110
    assert all(case.expected for case in CASES)
