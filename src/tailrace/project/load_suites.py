"""expectations/*.yml: suites of Great Expectations' expectations."""

from __future__ import annotations

from typing import cast

from tailrace.errors import Diagnostic
from tailrace.project.reader import Reader
from tailrace.project.spec import Expectation, OnFail, Severity, Suite
from tailrace.project.yaml import Document

SUITE_KEYS = ("suite", "model", "key", "max_quarantined", "expectations")
EXPECTATION_KEYS = ("type", "kwargs", "severity", "on_fail", "where", "description")
SEVERITIES = ("critical", "warning", "info")
ON_FAIL = ("block", "quarantine", "warn")


def read_suite(document: Document, file: str, problems: list[Diagnostic]) -> Suite:
    """A suite; parts of it that are wrong are left empty, with a diagnostic."""
    reader = Reader(document.data, document.marks, problems, "a suite")
    reader.known(*SUITE_KEYS)
    key = reader.optional_text("key")
    share = reader.share("max_quarantined", 0.05)
    items = reader.items("expectations", required=True)
    if reader.data.get("expectations") == []:
        reader.problem("expectations is an empty list", "Add one, or remove the suite", "expectations")
    expectations = tuple(_expectation(reader, index, "key" in reader.data) for index in range(len(items)))
    return Suite(
        reader.name("suite"),
        reader.name("model", sql=True),
        key,
        expectations,
        document.marks,
        file,
        max_quarantined=0.05 if share is None else share,
    )


def _expectation(suite: Reader, index: int, has_key: bool) -> Expectation:
    """`on_fail` defaults to block for a critical expectation, to warn for the others."""
    reader = suite.under("an expectation", "expectations", index)
    reader.known(
        *EXPECTATION_KEYS,
        fixes={"row_condition": "Write it as `where:`", "column": "It belongs under `kwargs:`"},
    )
    severity = reader.choice("severity", SEVERITIES, "critical")
    on_fail = reader.choice("on_fail", ON_FAIL, "block" if severity == "critical" else "warn")
    if on_fail == "quarantine" and not has_key:
        fix = "Add `key:` with the column that names the model's rows"
        reader.problem("on_fail: quarantine needs the suite's key", fix, "on_fail")
    return Expectation(
        reader.name("type", sql=True),
        reader.mapping("kwargs"),
        cast("Severity", severity),
        cast("OnFail", on_fail),
        where=reader.optional_text("where"),
        description=reader.text("description"),
        index=index,
    )
