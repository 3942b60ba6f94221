"""An expectation on its way to Great Expectations and back: parameters filled in, our own types translated, columns spelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tailrace.errors import WarehouseError
from tailrace.project.reader import hint
from tailrace.project.spec import Expectation
from tailrace.validate.catalogue import columns_of, entries
from tailrace.validate.kwargs import wrong_with_kwargs
from tailrace.validate.masking import MASK, is_count, shown_error
from tailrace.validate.own import sql
from tailrace.validate.own.bounds import fitting
from tailrace.validate.own.declaration import Asked, CannotTell, Context, Found
from tailrace.validate.own.parameters import TooEarly, Values, named_in
from tailrace.validate.own.registry import CHECKS, OTHER_TABLE, wrong_with
from tailrace.validate.own.tables import table_of
from tailrace.validate.question import Answer, Question
from tailrace.validate.unjudged import kind_of

_ABOUT_COLUMNS = ("expect_table_columns_to_match_ordered_list", "expect_column_to_exist")
"""Whether the columns are there, and how they are spelled, is what these ask."""

_QUERY = "unexpected_rows_query"
_NOTHING = Found()
_NO_FIT = "a value that a parameter gives does not fit"


@dataclass(frozen=True)
class Asking:
    """An expectation with its values: `question` for the package, or an answer that needs no asking."""

    expectation: Expectation
    question: Question | None = None
    answer: Answer | None = None
    asked: Asked | None = None
    found: Found = _NOTHING
    shown: Expectation | None = None
    """The expectation as it may be told, where values of data that stand in it must not be."""
    early: tuple[Expectation, str] | None = None
    """As it is written, and why it passes whatever is found: it is asked for its number alone, from which its own bounds will come."""

    @property
    def told(self) -> Expectation:
        return self.shown or self.expectation

    def as_told(self) -> Question | None:
        """The question without those values. Of a check of ours nothing but names of kwargs: it wrote them into SQL."""
        if self.question is None or self.shown is None:
            return self.question
        kwargs = dict.fromkeys(self.question.kwargs, MASK) if self.asked else self.shown.kwargs
        return replace(self.question, kwargs=kwargs)


def prepared(context: Context, item: Expectation, values: Values) -> Asking:
    """What is to be asked. Whatever keeps it from being asked is an answer that blocks; a history too short is one that passes."""
    try:
        return _prepared(context, item, values)
    except Exception as error:  # noqa: BLE001  # whatever it was, it is about this check alone, and proves nothing good
        return unforeseen(item, error)


def _prepared(context: Context, item: Expectation, values: Values) -> Asking:
    try:
        known, shown = values.resolved(item), values.shown(item)
    except TooEarly as early:
        return _early(context, item, values, str(early))
    except CannotTell as error:
        return _raised(item, str(error))
    misfit = _misfit(context, known) if known != item else None
    asking = _raised(known, misfit) if misfit else _asking(context, known)
    return asking if shown == known else _without_values(replace(asking, shown=shown))


def _misfit(context: Context, item: Expectation) -> str | None:
    """What is wrong with the values that parameters gave, by the rules for those that a suite's file has."""
    entry = entries().get(item.type)
    wrong = next(wrong_with_kwargs(context.suite, item, entry), None) if entry else None
    return wrong[1] if wrong else None


def _early(context: Context, item: Expectation, values: Values, why: str) -> Asking:
    """It passes. One whose bounds come from what it observes itself is asked without them, or it would never have a history."""
    if not values.is_fed_by(item):
        return Asking(item, answer=Answer(item.index, True, observed=why))
    kwargs = {name: value for name, value in item.kwargs.items() if not any(named_in(value))}
    asking = _asking(context, replace(item, kwargs=kwargs))
    return replace(asking, early=(item, why)) if asking.question else replace(asking, expectation=item)


def unforeseen(item: Expectation, error: Exception, *, hidden: bool = False) -> Asking:
    """An error that nobody thought of: the check blocks, and the others are judged. `hidden`: it may quote what must not be shown."""
    message = f"{type(error).__name__}: {error}"
    if hidden or any(named_in(item.kwargs)):
        return _raised(item, kind_of(message, quotes=False))
    return _quoted(item, message)


def _asking(context: Context, item: Expectation) -> Asking:
    columns = list(context.columns)
    if lost := _missing(item, columns):
        return _raised(item, lost)
    spelled = replace(item, kwargs=_spelled(item, columns))
    try:
        return _own(context, item, spelled) if item.type in CHECKS else _native(context, item, spelled)
    except WarehouseError as error:
        return _quoted(item, str(error))
    except CannotTell as error:
        return _raised(item, str(error))


def _native(context: Context, item: Expectation, spelled: Expectation) -> Asking:
    try:
        relation = context.relations.named(item.where)
    except WarehouseError as error:
        return _quoted(item, str(error), "where: ")
    kwargs = dict(fitting(item.type, spelled.kwargs))
    if _QUERY in kwargs:
        kwargs[_QUERY] = sql.spelled(context.warehouse.dialect, kwargs[_QUERY])
    if kwargs.get(OTHER_TABLE):
        kwargs[OTHER_TABLE] = str(table_of(context.warehouse, str(kwargs[OTHER_TABLE])))
    return Asking(item, Question(item.index, relation, item.type, kwargs))


def _own(context: Context, item: Expectation, spelled: Expectation) -> Asking:
    """A check of ours as a question of the package's."""
    if wrong := next(wrong_with(spelled), None):
        raise CannotTell(wrong[1])  # a parameter's value, which nobody could judge before
    found = CHECKS[item.type].ask(context, spelled)
    if isinstance(found, Found):
        answer = Answer(item.index, True, observed=found.observed, number=found.number)
        return Asking(item, answer=answer, found=found)
    return Asking(item, Question(item.index, found.relation, found.type, found.kwargs), asked=found)


def told(context: Context, asking: Asking, answer: Answer) -> Asking:
    """With the package's answer, that on a check of ours in its own words."""
    try:
        found = _worded(context, asking, answer)
    except Exception as error:  # noqa: BLE001  # as above
        found = unforeseen(asking.expectation, error)
    if asking.early:
        return _passed(found, *asking.early)
    return found if asking.shown is None else _without_values(replace(found, shown=asking.shown))


def _passed(asking: Asking, written: Expectation, why: str) -> Asking:
    """With the number that was found, where one was."""
    answer = asking.answer
    assert answer is not None, "it has been answered"
    result = {} if answer.raised else answer.result
    number = None if answer.raised else answer.number
    passed = Answer(answer.index, True, observed=why, result=result, number=number)
    return replace(asking, expectation=written, answer=passed)


def _without_values(asking: Asking) -> Asking:
    """The answer without what could quote values that its parameters took from data."""
    answer = asking.answer
    if answer is None:
        return asking
    result = {name: value for name, value in answer.result.items() if is_count(name, value)}
    told = replace(answer, result=result)
    if answer.raised is not None:
        why = _NO_FIT if answer.own_words else kind_of(answer.raised, quotes=False)
        told = replace(told, raised=why, own_words=True)
    if asking.expectation.type in CHECKS and answer.observed is not None:
        told = replace(told, observed=MASK, number=None)
    return replace(asking, answer=told)


def _worded(context: Context, asking: Asking, answer: Answer) -> Asking:
    item = asking.expectation
    if asking.asked is None or answer.raised is not None:
        return replace(asking, answer=answer)
    try:
        spelled = replace(item, kwargs=_spelled(item, list(context.columns)))
        found = CHECKS[item.type].tell(context, spelled, asking.asked, answer)
    except WarehouseError as error:
        return _quoted(item, str(error))
    rows = (
        answer.unexpected if CHECKS[item.type].entry.by_row else None
    )  # rows of a query of ours are no rows of the model
    answer = replace(answer, observed=found.observed, number=found.number, unexpected=rows)
    return replace(asking, answer=answer, found=found)


def _raised(item: Expectation, message: str) -> Asking:
    return Asking(item, answer=Answer(item.index, False, raised=message, own_words=True))


def _quoted(item: Expectation, message: str, place: str = "") -> Asking:
    """An error of the warehouse's, without values that it quotes; of what is left, masking tells what may be shown."""
    return Asking(item, answer=Answer(item.index, False, raised=place + shown_error(message)))


def _missing(item: Expectation, columns: list[str]) -> str | None:
    if item.type in _ABOUT_COLUMNS:
        return None
    known = {column.lower() for column in columns}
    lost = [column for _, column in columns_of(item.kwargs) if column.lower() not in known]
    return f"there is no column {lost[0]}. {hint(lost[0], columns)}".rstrip() if lost else None


def _spelled(item: Expectation, columns: list[str]) -> Mapping[str, Any]:
    """Columns as the table spells them: the engine does not tell cases apart, Great Expectations may."""
    plain = {name: _thawed(value) for name, value in item.kwargs.items()}
    if item.type in _ABOUT_COLUMNS:
        return plain
    exact = {column.lower(): column for column in columns}
    for path, column in columns_of(plain):
        name, *rest = path
        spelled = exact.get(column.lower(), column)
        if rest:
            plain[str(name)][rest[0]] = spelled
        else:
            plain[str(name)] = spelled
    return plain


def _thawed(value: Any) -> Any:
    return [_thawed(item) for item in value] if isinstance(value, list | tuple) else value
