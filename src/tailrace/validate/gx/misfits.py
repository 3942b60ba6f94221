"""Errors of Great Expectations' own, which quote values or name its classes, in words about the column and what it was given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tailrace.validate.catalogue import columns_of, entries
from tailrace.validate.own import sql
from tailrace.validate.question import Question

_COMPARED = re.compile(
    r"'[<>]=?' not supported between|Could not parse \"metric_value\" of |Unknown string format: |String does not contain a date"
    r"|metrics cannot be computed on column of type |(\w+Error: )?Invalid (comparison|isoformat string)"
)
_NO_NUMBER = re.compile(
    r"(\w+: )?(could not convert string to float|float\(\) argument must be|must be real number|unsupported operand type|can't multiply)"
)
_NOTHING = re.compile(r"MetricConfigurationID\(")
_OF_NUMBERS = re.compile(
    r"expect_column_(mean|sum|stdev|median|quantile_values|value_z_scores|kl_divergence)_"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TAKES = {
    "number": "a number",
    "date": "a date",
    "bool": "true or false",
    "list": "a list",
    "mapping": "a mapping",
}


def in_words(message: str, question: Question, types: Callable[[], Mapping[str, str]]) -> str | None:
    """What kept the question from being judged, without any value; None for an error of another kind.

    `types` gives the engine's types of the relation's columns.
    """
    if _NOTHING.search(message):
        return "Great Expectations found nothing that it could compare"
    compared = _COMPARED.search(message)
    if not compared and not _NO_NUMBER.search(message):
        return None
    kinds = {name.lower(): kind for name, kind in types().items()}
    columns = [(name, kinds.get(name.lower(), "")) for _, name in columns_of(question.kwargs)]
    told = next(_wrong_types(question, columns), "")
    return told or (
        "its values cannot be compared with what it is given" if compared else "its values are no numbers"
    )


def wrong_arguments(question: Question, names: Iterable[str]) -> str:
    """The arguments that the package does not take, by their kinds."""
    takes = entries()[question.type].kwargs
    told = []
    for name in names:
        wanted = " or ".join(_TAKES.get(kind, kind) for kind in takes.get(name, ()))
        given = _given(question.kwargs.get(name))
        told.append(
            f"{name} is {given}, not {wanted}" if given and wanted else f"it does not take this {name}"
        )
    return "; ".join(told)


def _wrong_types(question: Question, columns: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, kind in columns:
        if kind and _OF_NUMBERS.match(question.type) and not sql.is_number(kind):
            yield f"{name} is {kind}, and {question.type} is about numbers"
        for bound in ("min_value", "max_value"):
            given = _given(question.kwargs.get(bound))
            if kind and given and not _fits(kind, given):
                yield f"{name} is {kind} and cannot be compared with {given}"


def _given(value: Any) -> str:
    """The kind of an argument; "" for none."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a date" if _DATE.match(value) else "text"
    return "" if value is None else "a list" if isinstance(value, list | tuple) else "a mapping"


def _fits(kind: str, given: str) -> bool:
    return {
        "a number": sql.is_number(kind),
        "a date": sql.is_date(kind) or sql.is_instant(kind),
        "text": sql.is_text(kind),
    }.get(given, False)
