"""docs/models.md names what the engine knows, and its reasons are the engine's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tailrace.build import calls, clock, fingerprint
from tailrace.build.settings import model as settings

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
REASONS = (
    "never built", "its {} is gone", "its SQL changed", "its file changed", "it was {} and becomes {}", "it moves from {} to {}",
    "the day turned", "nobody can tell whether that changed", "upstream {} changed", "new data",
)  # fmt: skip


@pytest.mark.parametrize(
    "word",
    [
        *calls.FUNCTIONS,
        *settings.KEYS,
        *settings.MATERIALIZED,
        *sorted(clock.OWN_CLOCK.keys() - {"pg_conf_load_time", "pg_postmaster_start_time"}),
    ],
)
def test_it_is_on_the_page(word):
    assert re.search(rf"`[^`]*\b{word}\b[^`]*`", PAGE), word


@pytest.mark.parametrize("reason", REASONS)
def test_the_reasons_are_those_of_the_engine(reason):
    pattern = re.escape(reason).replace(re.escape("{}"), ".+?")
    assert re.search(pattern, PAGE), "on the page"
    assert re.search(pattern, Path(fingerprint.__file__).read_text()), "in the engine"
