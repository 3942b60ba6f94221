"""Columns that were marked as personal after a judgement was stored: what it holds of them is not shown either."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tailrace.project.spec import Expectation
from tailrace.validate.gx.data_docs.stored import Judgement, Result
from tailrace.validate.masking import MASK, hides, shown_error, shown_result


def masked(judgement: Judgement, personal: Collection[str]) -> Judgement:
    """The judgement without values of the columns in `personal` (lower case)."""
    if not personal:
        return judgement
    return replace(judgement, results=tuple(_masked(result, personal) for result in judgement.results))


def _masked(result: Result, personal: Collection[str]) -> Result:
    expectation = Expectation(result.type, result.kwargs, "critical", "block")
    hidden = hides(expectation, personal) and result.observed is not None
    return replace(
        result,
        observed=MASK if hidden else result.observed,
        reason=shown_error(result.reason),
        result=shown_result(expectation, result.result, personal),
        samples=tuple(
            {
                name: MASK if name.lower() in personal and value is not None else value
                for name, value in row.items()
            }
            for row in result.samples
        ),
    )
