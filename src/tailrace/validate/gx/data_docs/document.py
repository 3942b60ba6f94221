"""What the package's renderers say of a judgement and of a suite, as plain JSON."""

from __future__ import annotations

from typing import Any

from great_expectations.render.renderer.page_renderer import (
    ExpectationSuitePageRenderer,
    ValidationResultsPageRenderer,
)

from tailrace.validate.gx.data_docs import table
from tailrace.validate.gx.data_docs.results import suite_of, validation_of
from tailrace.validate.gx.data_docs.stored import Judgement

_SECTIONS = {
    "class_name": "ValidationResultsColumnSectionRenderer",
    "table_renderer": {"module_name": table.__name__, "class_name": table.DecisionsTable.__name__},
}


class _Page(ValidationResultsPageRenderer):
    """The package reads a run's name as a date for its title, and fails on names that end like an offset of hours."""

    def _determine_page_title(self, *_names: str) -> str:
        return "Validations"  # the page has a title of ours


def judgement_document(judgement: Judgement) -> dict[str, Any]:
    """The page of one run of a suite."""
    renderer = _Page(column_section_renderer=_SECTIONS)
    try:
        return dict(renderer.render(validation_of(judgement)).to_json_dict())
    except Exception:  # noqa: BLE001  # a result that the package's renderers do not expect costs its page its sentences only
        return dict(renderer.render(validation_of(judgement, in_words=True)).to_json_dict())


def suite_document(judgement: Judgement) -> dict[str, Any]:
    """The page of what a suite expects."""
    renderer: Any = ExpectationSuitePageRenderer()
    return dict(renderer.render(suite_of(judgement)).to_json_dict())
