"""The package's table of results with what tailrace adds to each: severity, decision, owner, condition, query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from great_expectations.render.renderer.content_block.validation_results_table_content_block import (
    ValidationResultsTableContentBlockRenderer,
)

from tailrace.validate.gx.data_docs.results import META_KEY

ADDED = ("Severity", "Decision", "Owner")


class DecisionsTable(ValidationResultsTableContentBlockRenderer):
    """Found by its name: the package's section renderer takes the class of its table from its configuration."""

    @classmethod
    def _process_content_block(
        cls, content_block: Any, has_failed_evr: bool, render_object: Any = None
    ) -> None:
        super()._process_content_block(content_block, has_failed_evr, render_object)
        content_block.header_row += list(ADDED)

    @classmethod
    def _get_content_block_fn(cls, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        build: Any = super()._get_content_block_fn(*args, **kwargs)

        def row(**given: Any) -> Any:
            rows = build(**given)
            told = given["result"].expectation_config.meta[META_KEY]
            for cells in rows:
                cells[1] = [cells[1], *_more(told)]
                cells += [told["severity"], told["decision"], told["owner"] or "--"]
            return rows

        return row


def _more(told: Mapping[str, str]) -> list[dict[str, Any]]:
    """What stands below the sentence: on which rows, under which name in the suite, and how to see the failing ones."""
    parts = [_text("$type", "type", told["type"])] if told["type"] else []
    parts += [_text("where $where", "where", told["where"])] if told["where"] else []
    if told["query"]:
        query = {"content_block_type": "string_template", "string_template": _code(told["query"])}
        toggle = "To see what failed..."
        parts.append({"content_block_type": "collapse", "collapse_toggle_link": toggle, "collapse": [query]})
    return parts


def _text(template: str, name: str, value: str) -> dict[str, Any]:
    styling = {"default": {"classes": ["badge"]}}
    return {
        "content_block_type": "string_template",
        "string_template": {"template": template, "params": {name: value}, "styling": styling, "tag": "div"},
    }


def _code(query: str) -> dict[str, Any]:
    return {"template": "$query", "params": {"query": query}, "tag": "code"}
