"""What tests say of themselves by config(): singular ones in their file, generic ones in the macro that they call.

A macro's word goes before the folders' of dbt_project.yml, and behind that of the test's own YAML; a file's own goes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tailrace.build.graph import Graph
from tailrace.build.static import CONFIG, config_calls, has_other_config
from tailrace.build.template.index import defined
from tailrace.build.testing.config import DataTestConfig
from tailrace.build.testing.generic import Template, generic_template
from tailrace.errors import Diagnostic
from tailrace.project.spec import DataTest, Project

_TEST_MACRO = re.compile(r"(?:(?:default|duckdb|bigquery)__)?test_(\w+)\Z")
_END = re.compile(r"\{%-?\s*end(?:macro|test|data_test)\b")
_BRANCH = re.compile(r"\{%-?\s*(?:if|for|call|filter|raw|set|macro)\b")


class Configuring:
    """Adds what tests of one project say of themselves; only what is more than a literal is rendered."""

    def __init__(self, project: Project, graph: Graph, problems: list[Diagnostic] | None = None) -> None:
        self._graph = graph
        self._problems = problems
        self._bodies: dict[str, list[str]] = {}
        for name, body in _bodies(project) if project.data_tests else ():
            self._bodies.setdefault(name, []).append(body)

    def configured(self, test: DataTest) -> DataTest:
        """The test with all of its configuration. What is wrong with a singular test's goes to the problems."""
        if not test.test:
            said = self._said([test.sql] if CONFIG.search(test.sql) else [], test)
            return _joined(test, said, {**test.config, **said}) if said else test
        bodies = self._bodies.get(test.test.rpartition(".")[2])
        said = self._said(bodies, test) if bodies else {}
        if not said:
            return test
        own = {key: value for key, value in test.config.items() if key in test.written}
        return _joined(test, said, {**test.config, **said, **own})

    def _said(self, texts: list[str], test: DataTest) -> Mapping[str, Any]:
        if not texts:
            return {}
        found = _literal(texts[0]) if len(texts) == 1 else None
        return self._rendered(test) if found is None else found

    def _rendered(self, test: DataTest) -> Mapping[str, Any]:
        """As dbt parses a test: without a warehouse, `execute` being false."""
        assert self._graph.late is not None, "a compiled graph renders tests"
        template = Template(test.sql)
        if test.test:
            template = generic_template(test, DataTestConfig(), frozenset(), kept=None)
        found, problems = self._graph.late.config(
            template.text, path=test.path, package=test.package, model=test.model, names=template.names
        )
        if problems and self._problems is not None and not test.test:
            self._problems += problems  # a generic test says so itself when it runs
        return {} if problems else found


def _bodies(project: Project) -> Iterator[tuple[str, str]]:
    """(test, text) of the macros of generic tests that call config()."""
    for text in project.macros.values():
        if "test" not in text or not CONFIG.search(text):
            continue
        for _kind, name, offset in defined(text):
            end = _END.search(text, offset)
            body = text[offset : end.start() if end else len(text)]
            if (found := _TEST_MACRO.match(name)) and CONFIG.search(body):
                yield found[1], body


def _literal(text: str) -> dict[str, Any] | None:
    """What its config() calls say; None where only rendering can tell."""
    calls = config_calls(text)
    if has_other_config(text) or any(call.args for call in calls):
        return None
    if _BRANCH.search(text, 0, calls[-1].start):
        return None
    found: dict[str, Any] = {}
    for call in calls:
        found.update(call.kwargs or {})
    return found


def _joined(test: DataTest, said: Mapping[str, Any], config: dict[str, Any]) -> DataTest:
    """Tags add up, and meta merges."""
    tags = said.get("tags") or ()
    tags = (tags,) if isinstance(tags, str) else tuple(map(str, tags))
    every = tuple(dict.fromkeys((*test.tags, *tags)))
    if every:
        config["tags"] = list(every)
    metas = [one.get("meta") for one in ((test.config, said) if not test.test else (said, test.config))]
    merged = {key: value for one in metas if isinstance(one, Mapping) for key, value in one.items()}
    if merged:
        config["meta"] = merged
    return replace(test, config=config, tags=every)
