"""Suites, checkpoints and metrics of Great Expectations, over a data source that is open already.

Nothing is written to a disk, nothing goes to a network: the context lives in memory and the rows stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tailrace.validate.gx import lean
from tailrace.validate.gx.answers import answer_of
from tailrace.validate.gx.misfits import in_words, wrong_arguments
from tailrace.validate.question import Answer, Question
from tailrace.validate.reading import one_query

# without samples of failing values: half of the time of passing checks went into them, and values are personal
_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
_UNIQUE = "expect_column_values_to_be_unique"
_QUANTILES = "expect_column_quantile_values_to_be_between"
_ALL_DISTINCT = "expect_column_proportion_of_unique_values_to_be_between"
_QUERY = "unexpected_rows_query"
_ROUNDED = {
    "expect_column_values_to_be_between": ("min_value", "max_value"),
    "expect_multicolumn_sum_to_equal": ("sum_total",),
}
"""Numbers that the package makes floats of and the engine compares rows with."""
_OF_TABLES = re.compile(r"expect_column_(max|min|sum|mean|median)_to_be_between")
"""Of these it makes floats too, and compares what was computed with them: exactly, where the float is the number."""
_EXACT = 2**53
"""Integers up to here are the same as a float."""
_MAX_MESSAGE = 300


class _TooLarge(ValueError):
    """A number that the package would round."""


class GreatExpectations:
    """An Examiner. Keep it for one suite: the relations are read once and remembered."""

    def __init__(self, source: Any) -> None:
        """`source` is an opened SQL data source of the package with `said(message)`: an error of its driver in one line."""
        package = lean.load()
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        config = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        )
        self._context = package.get_context(mode="ephemeral", project_config=config)
        # results go into the warehouse; the package's own store fails on the quantiles' results, which hold numpy's bool
        self._context.validation_results_store.store_validation_results = _not_stored
        self._source = getattr(self._context.data_sources, f"add_{source.type}")(source)
        self._dialect = source.get_engine().dialect.name
        self._batches: dict[str, Any] = {}
        self._conditions: dict[int, tuple[Question, tuple[Any, Any]]] = {}
        self._runs = 0

    def answers(self, questions: list[Question]) -> list[Answer]:
        """As Examiner.answers. What failed together with others is asked again alone, so that each gets its own error."""
        found: dict[int, Answer] = {}
        for together in _apart([_cheaper(item) for item in questions]):
            found |= self._together(together)
        unique = [item for item in questions if item.type == _UNIQUE]
        found |= {
            item.index: _distinct(item) for item in unique if _is_cheap(item) and found[item.index].success
        }
        repeated = [item for item in unique if not found[item.index].success]
        if repeated:
            found |= self._together(repeated)
        for question in questions:
            if found[question.index].raised and len(questions) > 1:
                found |= self._together([question])
        return [found[question.index] for question in questions]

    def _together(self, questions: list[Question]) -> dict[int, Answer]:
        """Answers by index, of one checkpoint; each of its own where that fails as a whole."""
        answers: dict[int, Answer] = {}
        asked: dict[str, list[Any]] = {}
        for question in questions:
            try:
                asked.setdefault(question.relation, []).append(self._expectation(question))
            except Exception as error:  # noqa: BLE001  # kwargs that the package does not take
                answers[question.index] = self._failed(question, error)
        left = [question for question in questions if question.index not in answers]
        try:
            results = self._checkpoint(asked) if left else {}
        except Exception as error:  # noqa: BLE001  # whatever it was, the rows are not proven good
            if len(left) == 1:
                return {**answers, left[0].index: self._failed(left[0], error)}
            for question in left:
                answers |= self._together([question])
            return answers
        return answers | {item.index: answer_of(item, results.get(item.index), self._raised) for item in left}

    def _checkpoint(self, asked: dict[str, list[Any]]) -> dict[int, Any]:
        """Results by index, of one run over all relations."""
        from great_expectations.checkpoint.checkpoint import Checkpoint

        from tailrace.validate.gx.in_memory import Definition, Suite

        self._runs += 1
        definitions = []
        for number, (relation, expectations) in enumerate(asked.items()):
            name = f"{self._runs}-{number}"
            suite = self._context.suites.add(Suite(name=name, expectations=expectations))
            data = self._batch_definition(relation)
            definition = Definition(name=name, data=data, suite=suite)
            definitions.append(self._context.validation_definitions.add(definition))
        checkpoint = Checkpoint(
            name=str(self._runs), validation_definitions=definitions, actions=[], result_format=_RESULT_FORMAT
        )
        done = checkpoint.run()  # which adds itself
        results: Iterable[Any] = (item for part in done.run_results.values() for item in part.results)
        return {int(item.expectation_config.meta["index"]): item for item in results}

    def _batch_definition(self, relation: str) -> Any:
        if relation not in self._batches:
            asset = self._source.add_table_asset(relation)
            self._batches[relation] = asset.add_batch_definition_whole_table("rows")
        return self._batches[relation]

    def failing_rows(self, question: Question, columns: Sequence[str] = ()) -> str:
        """As Examiner.failing_rows, from the metric that Great Expectations itself counts with."""
        import sqlalchemy as sa

        engine = self._source.get_execution_engine().engine
        source, condition = self._failing(question)
        wanted: list[Any] = [sa.column(name) for name in columns] or [sa.text("*")]
        query: Any = sa.select(*wanted).select_from(source).where(condition)
        return str(query.compile(engine, compile_kwargs={"literal_binds": True}))

    def _failing(self, question: Question) -> tuple[Any, Any]:
        """The rows that are judged, and which of them fail; remembered for whoever wants other columns of the same rows."""
        known = self._conditions.get(question.index)
        if known and known[0] is question:
            return known[1]
        import sqlalchemy as sa
        from great_expectations.validator.metric_configuration import MetricConfiguration
        from great_expectations.validator.metrics_calculator import MetricsCalculator

        batch = self._batch_definition(question.relation).get_batch()
        engine = batch.data.execution_engine
        expectation = self._expectation(question, batch_id=batch.id)
        needed = expectation.get_validation_dependencies(engine, {"result_format": _RESULT_FORMAT})
        counted = needed.metric_configurations[f"{expectation.map_metric}.unexpected_count"]
        metric = MetricConfiguration(
            f"{expectation.map_metric}.condition", counted.metric_domain_kwargs, counted.metric_value_kwargs
        )
        condition, _, _ = MetricsCalculator(engine).get_metric(metric)
        # the condition's own domain has forgotten `ignore_row_if`, which the count heeds
        rows = engine.get_domain_records(domain_kwargs=counted.metric_domain_kwargs)
        found = (rows.subquery() if isinstance(rows, sa.Select) else rows, condition)
        self._conditions[question.index] = (question, found)
        return found

    def _expectation(self, question: Question, **more: Any) -> Any:
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        kwargs = {**question.kwargs, **more}
        for name in _rounded(question):
            raise _TooLarge(f"{name} {kwargs[name]} cannot be compared exactly: compare it in a query")
        if _QUERY in kwargs:
            kwargs[_QUERY] = one_query(kwargs[_QUERY], self._dialect)
        return ExpectationConfiguration(
            type=question.type, kwargs=kwargs, meta={"index": question.index}
        ).to_domain_obj()

    def _failed(self, question: Question, error: Exception) -> Answer:
        if arguments := _arguments(question, error):
            return Answer(question.index, False, raised=wrong_arguments(question, arguments), own_words=True)
        name = "" if type(error).__module__.startswith("tailrace.") else f"{type(error).__name__}: "
        return self._raised(question, f"{name}{error}")

    def _raised(self, question: Question, message: str) -> Answer:
        told = in_words(message, question, lambda: self._types(question.relation))
        return Answer(question.index, False, raised=told or self._said(message), own_words=bool(told))

    def _types(self, relation: str) -> Mapping[str, str]:
        try:
            return dict(self._source.types(relation))
        except Exception:  # noqa: BLE001  # there is an error to tell already
            return {}

    def _said(self, message: str) -> str:
        """One line, without the traceback that the package puts into its messages."""
        text = message.split("Traceback:", maxsplit=1)[0].strip()
        return str(self._source.said(text))[:_MAX_MESSAGE]


def _arguments(question: Question, error: Exception) -> list[str]:
    """The names of those that the package's model of the expectation refuses; [] for any other error."""
    wrong = error.errors() if type(error).__name__ == "ValidationError" and hasattr(error, "errors") else ()
    refused = {str(item["loc"][0]) for item in wrong if item.get("loc")}
    return [name for name in question.kwargs if name in refused]


def _not_stored(**_result: Any) -> None:
    """Stands for the package's own store of results."""


def _rounded(question: Question) -> Iterator[str]:
    """Names of the question's numbers that cannot be asked about exactly."""
    rows = _ROUNDED.get(question.type, ())
    for name in rows or (("min_value", "max_value") if _OF_TABLES.fullmatch(question.type) else ()):
        value = question.kwargs.get(name)
        if isinstance(value, int) and abs(value) > _EXACT and (rows or not _is_float(value)):
            yield name


def _is_float(number: int) -> bool:
    """Whether a float is exactly this number."""
    try:
        return int(float(number)) == number
    except OverflowError:
        return False


def _apart(questions: list[Question]) -> list[list[Question]]:
    """Those that may be asked together.

    The package takes two expectations on a column's quantiles for one metric, and gives the second the first one's numbers.
    """
    rounds: list[list[Question]] = [[]]
    taken: list[set[tuple[str, str]]] = [set()]
    for question in questions:
        place = 0
        if question.type == _QUANTILES:
            about = (question.relation, str(question.kwargs.get("column")))
            place = next((number for number, seen in enumerate(taken) if about not in seen), len(taken))
            if place == len(taken):
                taken.append(set())
                rounds.append([])
            taken[place].add(about)
        rounds[place].append(question)
    return rounds


def _is_cheap(question: Question) -> bool:
    return question.type == _UNIQUE and "mostly" not in question.kwargs


def _distinct(question: Question) -> Answer:
    """What the number of distinct values has shown; rows were not counted."""
    return Answer(question.index, True, observed="all distinct")


def _cheaper(question: Question) -> Question:
    """Uniqueness by counting distinct values: an eighth of the window queries' time, and the same verdict.

    Where it fails, or `mostly` allows duplicates, the expectation itself decides.
    """
    if not _is_cheap(question):
        return question
    kwargs = {**question.kwargs, "min_value": 1.0}
    return Question(question.index, question.relation, _ALL_DISTINCT, kwargs)
