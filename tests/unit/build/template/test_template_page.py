"""docs/templates.md names everything that a template may call."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.build.template.cases import Bench

from tailrace.build.template.adapter import Adapter
from tailrace.build.template.column import Column
from tailrace.build.template.filters import FILTERS
from tailrace.build.template.index import defined, internal_texts
from tailrace.build.template.relation import Relation

PAGE = (Path(__file__).parents[4] / "docs" / "templates.md").read_text()
WORDS = set(re.findall(r"[A-Za-z_]\w*", " ".join(re.findall(r"`[^`]+`|\*\*\w+\*\*", PAGE))))
FORMS = ("default_", "duckdb__", "bigquery__")


def public(kind):
    return {name for name in vars(kind) if not name.startswith("_")}


def test_every_name_is_on_the_page():
    scope = Bench({}).templates._scope
    macros = {name for text in internal_texts().values() for _kind, name, _at in defined(text)}
    names = (
        set(scope.functions) | set(scope.internal) | {name for name in macros if not name.startswith(FORMS)}
    )
    filters = {
        name
        for name in FILTERS
        if name
        not in (
            "tailrace_concat",
            "center",
            "indent",
            "replace",
            "format",
            "wordwrap",
            "round",
            "sum",
            "string",
            "join",
            "slice",
            "batch",
        )
    }
    classes = (
        public(Adapter)
        | public(Relation)
        | (public(Column) - {"char_size", "numeric_precision", "numeric_scale", "mark", "expanded_data_type"})
    )
    assert (names | filters | classes) - WORDS - {"text", "included", "quoting", "mark", "whole"} == set()


def test_the_page_names_no_macro_that_is_not_there():
    scope = Bench({}).templates._scope
    listed = re.findall(
        r"`(\w+)`", PAGE.partition("forms that can be overridden:")[2].partition("## What differs")[0]
    )
    assert len(listed) > 60
    assert [name for name in listed if name not in scope.internals()] == []
