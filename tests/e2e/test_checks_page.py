"""The suite of docs/checks.md, in the reference project: `check` takes it, and on the sandbox's data every check passes."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()


def test_the_pages_suite_passes_on_the_sandbox(acme):
    (block,) = re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGE, re.MULTILINE)
    path = re.search(r"# (expectations/\S+)", block)[1]
    assert (acme.root / path).is_file()  # the page shows the project's own suite in another dress
    (acme.root / path).write_text(textwrap.dedent(block))
    acme.run("--select", "+daily_campaign_spend")
    found = acme.query(
        "SELECT expectation, success, observed FROM tailrace_meta.validations"
        " WHERE suite = 'daily_campaign_spend' ORDER BY position"
    )
    assert [name for name, _, _ in found] == re.findall(r"^ *- type: (\w+)", block, re.MULTILINE)
    assert [row for row in found if not row[1]] == []
