"""What may be shown of a judged table: values of columns that the model's YAML marks as personal never are.

Whatever leaves the judgement (results, samples, held rows, reasons, errors) goes through here. What the suite's author wrote is
shown as it stands: it is part of the project, not of the data.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from tailrace.project.spec import Expectation
from tailrace.validate.gx.errors import without_numbers
from tailrace.validate.own.registry import CHECKS
from tailrace.validate.unjudged import kind_of
from tailrace.validate.verdict import Assessment, Check
from tailrace.warehouse.base import Dialect

MASK = "***"
SUBJECT = "sha256:"
"""Heads the digest that stands for whose data a row is, where that column is personal."""

_COUNTS = (
    *("element_count", "missing_count", "missing_percent", "unexpected_count"),
    *("unexpected_percent", "unexpected_percent_total", "unexpected_percent_nonmissing"),
)
"""Of a result of Great Expectations' these count rows and never quote a value."""

_SHOWS_NO_VALUE = frozenset(
    (
        *("expect_column_proportion_of_non_null_values_to_be_between", "expect_column_to_exist"),
        *("expect_column_proportion_of_unique_values_to_be_between", "expect_column_type_to_be"),
        *("expect_column_unique_value_count_to_be_between", "exists_in"),
        *("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"),
        *("unexpected_rows_expectation", "expect_table_row_count_to_equal_other_table"),
    )
)
"""Expectations that name columns and whose observation is a count, a share or a type."""

_QUOTES_MEAN = ("expect_column_value_z_scores_to_be_less_than",)
"""Expectations whose query for the failing rows holds numbers that were computed from the column."""

_BY_ROW = re.compile(
    r"expect_(column_values_|column_value_|column_pair_|multicolumn_|compound_|select_column_).*\Z"
)
"""Expectations about rows, of which a share is observed."""

_SQL_KWARGS = re.compile(r"(.*_)?(query|column|by|where)\Z")
"""Kwargs that name columns or are SQL over them."""

_NAMES_NO_ROW = ("Binder Error", "Catalog Error", "Parser Error")
"""Errors that the warehouse raises before it has read a row: what they quote stands in the suite."""

_OF_MACHINE = ("Out of Memory Error", "IO Error")
"""Errors that tell sizes and paths."""

_NOT_FINITE = r"(^|[\[:,])\s*-?(NaN|nan|Infinity|inf)\b"
"""In what DuckDB takes for JSON: numbers that JSON does not know. A text that looks so makes its whole column a text, too."""


def masked_row_sql(
    dialect: Dialect, columns: Mapping[str, str], personal: Collection[str], alias: str = ""
) -> str:
    """SQL for a row as JSON text: `columns` (name -> engine type), those in `personal` (lower case) as `***`, NULL as null.

    `alias` is the row's table in the statement; JSON knows no NaN and no infinity, so they become text.
    """
    prefix = f"{alias}." if alias else ""
    parts = []
    for name, kind in columns.items():
        value = _shown(prefix + dialect.quote(name), kind, name.lower() in personal)
        parts.append(f"{dialect.literal(name)}, {value}")
    return f"CAST(json_object({', '.join(parts)}) AS VARCHAR)"


def _shown(column: str, kind: str, personal: bool) -> str:
    if personal:
        return masked_sql(column)
    if kind.upper() in ("DOUBLE", "FLOAT"):
        finite = f"{column} IS NULL OR isfinite({column})"
        return f"CASE WHEN {finite} THEN to_json({column}) ELSE to_json(CAST({column} AS VARCHAR)) END"
    if kind.upper() == "JSON" or "DOUBLE" in kind.upper() or "FLOAT" in kind.upper():
        odd = f"regexp_matches(CAST(to_json({column}) AS VARCHAR), '{_NOT_FINITE}')"
        return f"CASE WHEN {odd} THEN to_json(CAST({column} AS VARCHAR)) ELSE to_json({column}) END"
    return column


def masked_sql(expression: str) -> str:
    """`***` for any value of the expression, NULL for NULL."""
    return f"CASE WHEN {expression} IS NOT NULL THEN '{MASK}' END"


def subject_digest(value: str) -> str:
    """What stands for a person's value in `quarantine.subject`: the same for any case and any blanks around it."""
    return SUBJECT + hashlib.sha256(value.strip(" ").lower().encode()).hexdigest()


def subject_sql(expression: str, *, personal: bool) -> str:
    """SQL for whose data a row is: the value as text, of a personal column its digest as `subject_digest` makes it."""
    text = f"CAST({expression} AS VARCHAR)"
    return f"'{SUBJECT}' || sha256(lower(trim({text})))" if personal else text


def hides(expectation: Expectation, personal: Collection[str]) -> bool:
    """Whether what was observed would show values of a personal column; numbers and shares of rows do not."""
    named = _named(expectation.kwargs)
    if not named & set(personal):
        return False
    return expectation.type not in _SHOWS_NO_VALUE and not _BY_ROW.match(expectation.type)


def touches(expectation: Expectation, personal: Collection[str]) -> bool:
    """Whether an error of the check may quote a personal value: it is about such a column, or SQL of the suite's can be."""
    if not personal:
        return False
    kwargs = expectation.kwargs
    sql = expectation.where or any(_SQL_KWARGS.match(name) and name != "column" for name in kwargs)
    return bool(sql) or expectation.type in CHECKS or names_personal(kwargs, personal)


def names_personal(kwargs: Mapping[str, Any], personal: Collection[str]) -> bool:
    """Whether kwargs name a personal column, also in SQL."""
    return bool(_named(kwargs) & set(personal))


def masked(value: Any) -> Any:
    """What stands in a value's place; a list stays one."""
    return [MASK] if isinstance(value, list | tuple) else MASK


def shown_assessment(found: Assessment, personal: frozenset[str]) -> Assessment:
    """The assessment with every reason and error as they may be told."""
    if not personal:
        return found
    checks = tuple(_shown_check(check, personal) for check in found.checks)
    told = {before.reason: after.reason for before, after in zip(found.checks, checks, strict=True)}
    reasons = tuple(told.get(reason, reason) for reason in found.reasons)
    return replace(found, checks=checks, reasons=reasons)


def _shown_check(check: Check, personal: frozenset[str]) -> Check:
    answer, reason = check.answer, check.reason
    if answer.raised is not None and not answer.own_words:
        told = kind_of if touches(check.expectation, personal) else shown_error
        answer = replace(answer, raised=told(answer.raised), own_words=True)
        reason = reason.replace(check.answer.raised or "", answer.raised or "")
    if answer.observed is not None and hides(check.expectation, personal):
        reason = re.sub(rf"(?<![\w.]){re.escape(answer.observed)}(?![\w.])", MASK, reason)
        answer = replace(answer, observed=MASK)
    result = shown_result(check.expectation, answer.result, personal)
    query = "" if quotes_mean(check.expectation, personal) else check.query
    return replace(check, answer=replace(answer, result=result), reason=reason, query=query)


def quotes_mean(expectation: Expectation, personal: Collection[str]) -> bool:
    """Whether the query for the failing rows holds numbers computed from a personal column."""
    return expectation.type in _QUOTES_MEAN and bool(_named(expectation.kwargs) & set(personal))


def shown_result(
    expectation: Expectation, result: Mapping[str, Any], personal: Collection[str]
) -> dict[str, Any]:
    """A result of Great Expectations' without anything that quotes a personal value: where it may, only its counts."""
    quotes = hides(expectation, personal) or _named(expectation.kwargs) & set(personal)
    if quotes or (personal and "query" in expectation.type + "".join(expectation.kwargs)):
        return {name: value for name, value in result.items() if name in _COUNTS}
    return dict(result)


def is_count(name: str, value: Any) -> bool:
    """Whether a part of a result of Great Expectations' is a number, which quotes no value that the check was given."""
    return name in _COUNTS or (name == "observed_value" and isinstance(value, int | float))


def shown_error(message: str) -> str:
    """An error without the values it quotes; those raised before a row was read stay whole."""
    if message.startswith(_NAMES_NO_ROW):
        return message
    line = message.split("\n", maxsplit=1)[0]
    without = re.sub(r"(?<!\w)'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", f"'{MASK}'", line)
    without = re.sub(r"\b([Vv]alue) (?!')\S+", rf"\1 {MASK}", without)
    return without if message.startswith(_OF_MACHINE) else without_numbers(without)


def reading_error(message: str, *, personal: bool) -> str:
    """An error of reading a model, which may quote a row of anything that it is made of; `personal`: some of it is."""
    return kind_of(message) if personal and not message.startswith(_OF_MACHINE) else shown_error(message)


def _named(kwargs: Mapping[str, Any]) -> set[str]:
    """Words in lower case in which the kwargs can name columns: names as they stand, and every word of SQL."""
    words: set[str] = set()
    for name, value in kwargs.items():
        texts = value if isinstance(value, list | tuple) else [value]
        plain = [text for text in texts if isinstance(text, str)]
        if name.startswith("column") or name in ("column_list", "by"):
            words |= {text.lower() for text in plain}
        if _SQL_KWARGS.match(name):
            words |= {word.lower() for text in plain for word in re.findall(r"\w+", text)}
    return words
