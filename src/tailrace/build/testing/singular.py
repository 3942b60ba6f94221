"""Singular tests: a query of its own file, which may hold its configuration, as a model's does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tailrace.build.static import config_calls, has_other_config
from tailrace.errors import Diagnostic
from tailrace.project.spec import DataTest


def configured(test: DataTest) -> DataTest:
    """The test with what its own config() calls say, on top of what the project says of it."""
    if test.test or "config" not in test.sql:
        return test
    said: dict[str, Any] = {}
    for call in config_calls(test.sql):
        said.update(call.kwargs or {})
    found = said.get("tags") or ()
    tags = (found,) if isinstance(found, str) else tuple(map(str, found))
    return replace(test, config={**test.config, **said}, tags=tuple(dict.fromkeys((*test.tags, *tags))))


def config_problem(test: DataTest) -> Diagnostic | None:
    """A configuration that only a rendering could tell: a test is judged by it, so it is known before."""
    if test.test or "config" not in test.sql or not has_other_config(test.sql):
        return None
    return Diagnostic(
        test.location, f"the configuration of {test.name} has to be literals", "Write config(severity='warn')"
    )
