"""The configuration of a data test, in dbt's words: what counts as a failure, and what a failure means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tailrace.build.settings.checks import Values
from tailrace.errors import Diagnostic
from tailrace.project.spec import DataTest

STORED_AS = ("table", "view", "ephemeral")
AUDIT = "dbt_test__audit"
UNEQUAL = "!= 0"
_COMPARISON = re.compile(r"\s*(=|!=|<|>|(not\s+)?(between|in)\b|is\b)[^;]*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class DataTestConfig:
    """`stored_as` is "table" or "view" where failing rows are kept, "" where they never are, None where the command decides.

    `warn_if` and `error_if` are comparisons that follow `fail_calc`; `limit` counts rows of the test's query.
    """

    severity: str = "error"
    warn_if: str = UNEQUAL
    error_if: str = UNEQUAL
    fail_calc: str = "count(*)"
    where: str = ""
    limit: int | None = None
    stored_as: str | None = None
    schema: str = AUDIT
    alias: str = ""

    @property
    def counts_rows(self) -> bool:
        """Whether the rows of the query, all of them, are the failures, and any is one too many."""
        plain = DataTestConfig()
        mine = (self.warn_if, self.error_if, self.fail_calc, self.where, self.limit)
        return mine == (plain.warn_if, plain.error_if, plain.fail_calc, plain.where, plain.limit)


def config_of(test: DataTest, problems: list[Diagnostic]) -> DataTestConfig:
    """The test's configuration; what is wrong with it is added to `problems`, at the test's place."""
    values = Values({**test.config}, lambda _key: test.location, problems)
    return DataTestConfig(
        severity=_severity(values),
        warn_if=_comparison(values, "warn_if"),
        error_if=_comparison(values, "error_if"),
        fail_calc=values.text("fail_calc", "count(*)") or "count(*)",
        where=values.text("where").strip(),
        limit=_limit(values),
        stored_as=_stored_as(values),
        schema=values.text("schema") or AUDIT,
        alias=values.text("alias"),
    )


def _severity(values: Values) -> str:
    found = str(values.data.get("severity") or "error").lower()
    if found in ("error", "warn"):
        return found
    values.problem("severity", f"severity cannot be {found[:40]}", "Write error or warn")
    return "error"


def _limit(values: Values) -> int | None:
    found = values.data.get("limit")
    if isinstance(found, str) and found.strip().isdigit():
        return int(found)
    return None if found is None else values.number("limit", 0, least=1) or None


def _comparison(values: Values, key: str) -> str:
    text = values.text(key, UNEQUAL) or UNEQUAL
    if _COMPARISON.match(text):
        return text
    values.problem(key, f"{key} must be a comparison, not {text[:60]}", f'Write {key}: "> 10"')
    return UNEQUAL


def _stored_as(values: Values) -> str | None:
    """`store_failures_as` goes before `store_failures`, as dbt has it."""
    if values.data.get("store_failures_as") is not None:
        found = values.choice("store_failures_as", STORED_AS, "table")
        return "" if found == "ephemeral" else found
    flag = values.flag("store_failures", None)
    return None if flag is None else "table" if flag else ""
