"""Stored judgements as Great Expectations' own suites and validation results, as they were when the package gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from great_expectations.core.expectation_suite import ExpectationSuite
from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.exceptions.exceptions import ExpectationNotFoundError
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import get_expectation_impl

from tailrace.validate.gx.data_docs.stored import Judgement, Result

META_KEY = "tailrace"
_ANY_QUERY = "unexpected_rows_expectation"
_MASK = "***"


def suite_of(judgement: Judgement) -> Any:
    """The suite that was judged."""
    expectations = [_configuration(result).to_domain_obj() for result in judgement.results]
    suite = ExpectationSuite(name=judgement.suite, expectations=[], notes=[f"Model: {judgement.model}"])
    suite.expectations = expectations  # the constructor refuses two that are equal
    return suite


def validation_of(judgement: Judgement, *, in_words: bool = False) -> Any:
    """The run of the suite, with what was found; `in_words` leaves every expectation's own renderer out."""
    results = [_validation(result, judgement.rows, in_words) for result in judgement.results]
    passed = len(results) - judgement.failed
    return ExpectationSuiteValidationResult(
        results=results,
        success=judgement.failed == 0,
        suite_name=judgement.suite,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": passed,
            "unsuccessful_expectations": judgement.failed,
            "success_percent": 100 * passed / len(results) if results else None,
        },
        meta={
            "run_id": {"run_name": judgement.run_id, "run_time": f"{judgement.at.isoformat()}+00:00"},
            "batch_spec": {"data_asset_name": judgement.model},
        },
    )


def _validation(result: Result, rows: int, in_words: bool) -> Any:
    raised = not result.success and result.asked is not None and not result.result and result.observed is None
    unasked = not result.success and result.asked is None
    failed = (raised or unasked) and result.unexpected is None
    return ExpectationValidationResult(
        success=result.success,
        expectation_config=_told(result) if in_words else _configuration(result),
        result={"observed_value": result.observed} if in_words else _numbers(result, rows),
        meta={},
        exception_info={
            "raised_exception": failed,
            "exception_message": result.reason if failed else None,
            "exception_traceback": None,
        },
    )


def _numbers(result: Result, rows: int) -> dict[str, Any]:
    """The package's numbers; of a judgement by an earlier release, which did not keep them, those that its columns tell."""
    if result.asked and result.asked[0] == _ANY_QUERY and result.observed is not None:
        return {"observed_value": result.observed}  # a count of rows, or what a check of ours says
    found = dict(result.result)
    if not found and result.unexpected is not None:
        share = 100 * result.unexpected / rows if rows else 0.0
        found = {"element_count": rows, "unexpected_count": result.unexpected, "unexpected_percent": share}
    elif not found and result.observed is not None:
        found = {"observed_value": result.observed}
    found.pop("partial_unexpected_list", None)
    if "unexpected_count" in found and (values := _sampled(result)):
        found["partial_unexpected_list"] = values
    return found


def _sampled(result: Result) -> list[Any]:
    """Failing values of the one column that was judged, as far as they may be shown."""
    name = str(result.kwargs.get("column", "")).lower()
    values = [value for row in result.samples for column, value in row.items() if column.lower() == name]
    return [] if _MASK in values else values


def _configuration(result: Result) -> Any:
    """As the package was asked; what it does not know, or was not asked, is told in words."""
    kind, kwargs = result.asked or (result.type, result.kwargs)
    own = kind != result.type or kind == _ANY_QUERY or not _has_sentence(kind)
    plain = _configured(result, kind, kwargs, _words(result) if own else None)
    try:
        plain.to_domain_obj()
    except Exception:  # noqa: BLE001  # an own type without a question, a kwarg of another release
        return _told(result)
    return plain


def _told(result: Result) -> Any:
    """As an expectation that the package shows by its description."""
    return _configured(result, _ANY_QUERY, {"unexpected_rows_query": "SELECT * FROM {batch}"}, _words(result))


def _words(result: Result) -> str:
    return result.description or result.reason or result.type


def _configured(result: Result, kind: str, kwargs: Mapping[str, Any], description: str | None) -> Any:
    told = {
        "severity": result.severity,
        "decision": result.decision,
        "owner": result.owner,
        "where": result.where,
        "type": "" if kind == result.type else result.type,
        "query": result.query,
    }
    return ExpectationConfiguration(
        type=kind, kwargs=dict(kwargs), description=description, meta={META_KEY: told}, notes=_notes(result)
    )


def _notes(result: Result) -> list[str]:
    """What the suite's page tells of an expectation beside its sentence."""
    parts = (("where", result.where), ("severity", result.severity), ("owner", result.owner))
    return [" · ".join(f"{name}: {value}" for name, value in parts if value)]


def _has_sentence(kind: str) -> bool:
    """Whether the package says in words what it expects, not only by type and kwargs."""
    try:
        cls: Any = get_expectation_impl(kind)
    except ExpectationNotFoundError:
        return False
    return any("_prescriptive_renderer" in vars(each) for each in cls.__mro__ if each is not Expectation)
