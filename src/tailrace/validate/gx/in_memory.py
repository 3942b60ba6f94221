"""Suites and validation definitions that nobody but this process can change.

Great Expectations writes each to its store and, before every run, reads it back to see whether somebody else changed it: a sixth of
the time of judging a small table.
"""

from __future__ import annotations

from great_expectations.core.expectation_suite import ExpectationSuite
from great_expectations.core.freshness_diagnostics import (
    ExpectationSuiteFreshnessDiagnostics,
    ValidationDefinitionFreshnessDiagnostics,
)
from great_expectations.core.validation_definition import ValidationDefinition


class Suite(ExpectationSuite):
    """Added once, then as it was."""

    def _is_fresh(self) -> ExpectationSuiteFreshnessDiagnostics:
        return ExpectationSuiteFreshnessDiagnostics(errors=[])


class Definition(ValidationDefinition):
    """Added once, then as it was."""

    def is_fresh(self) -> ValidationDefinitionFreshnessDiagnostics:
        if not self.id:
            return super().is_fresh()
        return ValidationDefinitionFreshnessDiagnostics(errors=[])
